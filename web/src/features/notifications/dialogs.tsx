// Making, changing, trying out and removing a notification.
import { Alert, Button, ClipboardCopy, FormGroup, Modal, ModalBody, ModalFooter, ModalHeader, Radio, Spinner } from "@patternfly/react-core";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useAct, useIdempotencyKey } from "../../api/act";
import { api, ifMatch, told, type Schemas, type Tagged } from "../../api/client";
import { useNotification } from "../../api/queries";
import { Ask } from "../../ui/Ask";
import { TextField } from "../../ui/Field";
import { Cause, ProblemNote } from "../../ui/ProblemNote";
import { isLabel } from "../../ui/rules";
import { Fields } from "./Fields";
import { bodyOf, formOf, noForm, WAYS, wrongIn, type Form, type Way } from "./ways";

type Notification = Schemas["NotificationView"];

export function CreateNotification({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const key = useIdempotencyKey();
  const [name, setName] = useState("");
  const [way, setWay] = useState<Way>("email");
  const [form, setForm] = useState(noForm);
  const [touched, setTouched] = useState(false);
  const [made, setMade] = useState<Notification>();
  const wrongName = name === "" || isLabel(name) ? undefined : t("create.nameWrong");
  const change = (next: Form) => {
    setForm(next);
    setTouched(true);
  };
  const act = useAct(async () => {
    const it = await told(api.POST("/api/v1/notifications", { params: {}, headers: key, body: { name, ...bodyOf(way, form) } }));
    if (it.secret) setMade(it);
    else onClose();
  }, [["notifications"]]);
  if (made) return <Drawn notification={made} onClose={onClose} />;
  return (
    <Ask title={t("notifications.createTitle")} doing={t("notifications.create")} act={act} onClose={onClose} then={() => undefined} disabled={name === "" || wrongName !== undefined || wrongIn(way, form) !== undefined}>
      <TextField label={t("notifications.name")} help={t("create.nameHelp")} value={name} onChange={setName} wrong={wrongName} required autoFocus />
      <FormGroup role="radiogroup" label={t("notifications.way")} fieldId="way" isInline>
        {WAYS.map((it) => <Radio key={it} id={`way-${it}`} name="way" label={t(`notifications.ways.${it}`)} isChecked={way === it} onChange={() => { setWay(it); setTouched(false); }} />)}
      </FormGroup>
      <Fields way={way} form={form} onChange={change} touched={touched} />
    </Ask>
  );
}

/** The key that the server drew: shown once. */
function Drawn({ notification: it, onClose }: { notification: Notification; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Modal isOpen variant="medium" onClose={onClose} aria-label={t("notifications.drawnTitle", { name: it.name })}>
      <ModalHeader title={t("notifications.drawnTitle", { name: it.name })} description={t("notifications.drawnBody")} />
      <ModalBody tabIndex={0}>
        <ClipboardCopy isReadOnly hoverTip={t("common.copy")} clickTip={t("common.copied")} textAriaLabel={t("notifications.secret")} copyAriaLabel={t("common.copy")} className="dc-join">{it.secret ?? ""}</ClipboardCopy>
      </ModalBody>
      <ModalFooter><Button onClick={onClose}>{t("common.close")}</Button></ModalFooter>
    </Modal>
  );
}

export function ChangeNotification({ name, onClose }: { name: string; onClose: () => void }) {
  const read = useNotification(name);
  const [round, setRound] = useState(0);
  if (!read.data) return null;
  const again = async () => {
    await read.refetch();
    setRound(round + 1);
  };
  return <Change key={round} seen={read.data} onClose={onClose} onAgain={() => void again()} />;
}

function Change({ seen, onClose, onAgain }: { seen: Tagged<Notification>; onClose: () => void; onAgain: () => void }) {
  const { t } = useTranslation();
  const [{ value: before, etag }] = useState(seen);
  const [form, setForm] = useState(formOf(before));
  const way = before.way as Way;
  const path = { name: before.name };
  const act = useAct(() => told(api.PATCH("/api/v1/notifications/{name}", { params: { path }, headers: ifMatch(etag), body: bodyOf(way, form) })), [["notifications"], ["notification", before.name]]);
  const stale = act.problem?.status === 412;
  return (
    <Ask title={t("notifications.changeTitle", { name: before.name })} doing={t("common.save")} act={act} onClose={onClose} disabled={stale || wrongIn(way, form) !== undefined} extra={stale ? <Button variant="secondary" onClick={onAgain}>{t("common.readAgain")}</Button> : undefined}>
      <Fields way={way} form={form} onChange={setForm} kept touched />
    </Ask>
  );
}

/** Sends a message now, and says what the receiver said. */
export function TestNotification({ name, onClose }: { name: string; onClose: () => void }) {
  const { t } = useTranslation();
  const [said, setSaid] = useState<Schemas["NotificationTest"]>();
  const act = useAct(async () => {
    setSaid(undefined);
    setSaid(await told(api.POST("/api/v1/notifications/{name}/test", { params: { path: { name } } })));
  }, [["notifications"]]);
  const { run } = act;
  useEffect(() => void run(), [run]);
  return (
    <Modal isOpen variant="medium" onClose={onClose} aria-label={t("notifications.testTitle", { name })}>
      <ModalHeader title={t("notifications.testTitle", { name })} />
      <ModalBody tabIndex={0} aria-live="polite">
        {act.busy && <p className="dc-row"><Spinner size="md" aria-label={t("common.loading")} /> {t("notifications.testing")}</p>}
        {said && (
          <Alert isInline variant={said.delivered ? "success" : "danger"} title={said.delivered ? t("notifications.delivered") : t("notifications.notDelivered")}>
            {said.problem ? <Cause problem={said.problem} /> : <p className="dc-name">{said.detail}</p>}
          </Alert>
        )}
        <ProblemNote problem={act.problem} />
      </ModalBody>
      <ModalFooter>
        <Button onClick={onClose}>{t("common.close")}</Button>
        <Button variant="secondary" isDisabled={act.busy} onClick={() => void run()}>{t("notifications.testAgain")}</Button>
      </ModalFooter>
    </Modal>
  );
}

export function RemoveNotification({ name, onClose }: { name: string; onClose: () => void }) {
  const { t } = useTranslation();
  const act = useAct(() => told(api.DELETE("/api/v1/notifications/{name}", { params: { path: { name } } })), [["notifications"]]);
  return (
    <Ask title={t("notifications.removeTitle", { name })} doing={t("notifications.remove")} act={act} onClose={onClose} danger variant="small">
      <p>{t("notifications.removeBody")}</p>
    </Ask>
  );
}
