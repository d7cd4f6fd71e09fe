// Making a token: what it may, until when; then its text, once.
import { Alert, Button, ClipboardCopy, Modal, ModalBody, ModalFooter, ModalHeader } from "@patternfly/react-core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useAct, useIdempotencyKey } from "../../api/act";
import { api, told, type Schemas } from "../../api/client";
import { Ask } from "../../ui/Ask";
import { ChoiceField, TextField } from "../../ui/Field";
import { Facts } from "../../ui/Facts";
import { time } from "../../ui/format";
import { isLabel } from "../../ui/rules";

const DAY_MS = 24 * 3600 * 1000;
const SPANS = ["30", "90", "365", "never"] as const;

export function CreateToken({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const key = useIdempotencyKey();
  const [name, setName] = useState("");
  const [role, setRole] = useState("viewer");
  const [span, setSpan] = useState("90");
  const [made, setMade] = useState<Schemas["MadeToken"]>();
  const wrong = name === "" || isLabel(name) ? undefined : t("create.nameWrong");
  const act = useAct(async () => {
    const expires_at = span === "never" ? span : new Date(Date.now() + Number(span) * DAY_MS).toISOString();
    setMade(await told(api.POST("/api/v1/tokens", { params: {}, headers: key, body: { name, role, expires_at } })));
  }, [["tokens"]]);
  if (made) return <Made token={made} onClose={onClose} />;
  return (
    <Ask title={t("tokens.createTitle")} doing={t("tokens.create")} act={act} onClose={onClose} then={() => undefined} disabled={name === "" || wrong !== undefined}>
      <TextField label={t("tokens.name")} help={t("tokens.nameHelp")} value={name} onChange={setName} wrong={wrong} required autoFocus />
      <ChoiceField label={t("tokens.role")} value={role} onChange={setRole} choices={(["viewer", "administrator"] as const).map((value) => ({ value, label: t(`tokens.rolesLong.${value}`) }))} />
      <ChoiceField label={t("tokens.expires")} value={span} onChange={setSpan} choices={SPANS.map((value) => ({ value, label: value === "never" ? t("tokens.never") : t("tokens.inDays", { count: Number(value) }) }))} />
    </Ask>
  );
}

/** The one time that its text is shown. */
function Made({ token, onClose }: { token: Schemas["MadeToken"]; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Modal isOpen variant="medium" onClose={onClose} aria-label={t("tokens.madeTitle", { name: token.name })}>
      <ModalHeader title={t("tokens.madeTitle", { name: token.name })} />
      <ModalBody className="dc-gap" tabIndex={0}>
        <Alert isInline variant="info" title={t("tokens.once")} />
        <ClipboardCopy isReadOnly hoverTip={t("common.copy")} clickTip={t("common.copied")} textAriaLabel={t("tokens.text")} copyAriaLabel={t("common.copy")} className="dc-join">
          {token.token}
        </ClipboardCopy>
        <Facts facts={[[t("tokens.role"), t(`tokens.roles.${token.role as "viewer" | "administrator"}`)], [t("tokens.expires"), token.expires_at ? time(token.expires_at) : t("tokens.never")]]} />
      </ModalBody>
      <ModalFooter><Button onClick={onClose}>{t("common.close")}</Button></ModalFooter>
    </Modal>
  );
}
