// Tokens: with which scripts, dashboards and pipelines are let in.
import { Button, PageSection } from "@patternfly/react-core";
import { KeyIcon } from "@patternfly/react-icons";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useAct } from "../../api/act";
import { api, told, type Schemas } from "../../api/client";
import { useTokens } from "../../api/queries";
import { Ask } from "../../ui/Ask";
import { Grid, type Column } from "../../ui/Grid";
import { Heading } from "../../ui/Heading";
import { Loaded } from "../../ui/Loaded";
import { Start } from "../../ui/Start";
import { Time } from "../../ui/Time";
import { Word } from "../../ui/Word";
import { CreateToken } from "./CreateToken";

type Token = Schemas["TokenView"];

export function TokensPage() {
  const { t } = useTranslation();
  const tokens = useTokens();
  const [creating, setCreating] = useState(false);
  const create = <Button onClick={() => setCreating(true)}>{t("tokens.create")}</Button>;
  return (
    <>
      <Heading title={t("tokens.title")} actions={create}><p className="dc-quiet">{t("tokens.about")}</p></Heading>
      <PageSection isFilled>
        <Loaded query={tokens}>{(rows) => <Tokens rows={rows} create={create} />}</Loaded>
      </PageSection>
      {creating && <CreateToken onClose={() => setCreating(false)} />}
    </>
  );
}

function Tokens({ rows, create }: { rows: Token[]; create: React.ReactNode }) {
  const { t } = useTranslation();
  const [revoking, setRevoking] = useState<Token>();
  const columns: Column<Token>[] = [
    { label: t("tokens.name"), by: (it) => it.name, className: "dc-cell-name", cell: (it) => <span className="dc-name">{it.name}</span> },
    { label: t("tokens.role"), by: (it) => it.role, cell: (it) => t(`tokens.roles.${it.role as "viewer" | "administrator"}`) },
    {
      label: t("tokens.expires"), by: (it) => it.expires_at ?? "9",
      cell: (it) => it.expired ? <Word word="expired" text={t("tokens.expired")} /> : it.expires_at ? <Time at={it.expires_at} /> : t("tokens.never"),
    },
    {
      label: t("tokens.used"), by: (it) => it.last_used_at ?? "",
      cell: (it) => it.last_used_at ? <div className="dc-stack"><Time at={it.last_used_at} />{it.last_used_from && <span className="dc-small dc-quiet">{t("tokens.from", { address: it.last_used_from })}</span>}</div> : <span className="dc-quiet">{t("tokens.unused")}</span>,
    },
    { label: t("tokens.author"), by: (it) => it.author, className: "dc-cell-name", cell: (it) => it.author },
    { label: t("tokens.created"), by: (it) => it.created_at, cell: (it) => <Time at={it.created_at} /> },
  ];
  return (
    <>
      <Grid
        label={t("tokens.title")} rows={rows} name={(it) => it.name} text={(it) => [it.name, it.role, it.author].join(" ")} columns={columns}
        tasks={(it) => [{ label: t("tokens.revoke"), act: () => setRevoking(it), danger: true }]}
        start={<Start icon={KeyIcon} title={t("tokens.empty")} action={create}>{t("tokens.emptyBody")}</Start>}
      />
      {revoking && <Revoke token={revoking} onClose={() => setRevoking(undefined)} />}
    </>
  );
}

function Revoke({ token: { name, last_used_at: used }, onClose }: { token: Token; onClose: () => void }) {
  const { t } = useTranslation();
  const act = useAct(() => told(api.DELETE("/api/v1/tokens/{name}", { params: { path: { name } } })), [["tokens"]]);
  return (
    <Ask title={t("tokens.revokeTitle", { name })} doing={t("tokens.revoke")} act={act} onClose={onClose} danger variant="small">
      <p>{t("tokens.revokeBody")}</p>
      {used && <p>{t("tokens.used")}: <Time at={used} /></p>}
    </Ask>
  );
}
