// Providers with hosts to recreate do not respond: somebody has to say how it goes on.
import { Alert, List, ListItem } from "@patternfly/react-core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useAct } from "../../api/act";
import { api, told, type Schemas } from "../../api/client";
import { ActButton } from "../../ui/ActButton";
import { time } from "../../ui/format";
import { Cause, ProblemNote } from "../../ui/ProblemNote";
import { Time } from "../../ui/Time";
import type { Checked } from "../maintenance/Silent";

export function Decision({ recreation }: { recreation: Schemas["RecreationView"] }) {
  const { t } = useTranslation();
  const id = recreation.id;
  const path = { id };
  const keys = [["recreation", id], ["recreations"]];
  const [checked, setChecked] = useState<Checked>();
  const again = useAct(async () => {
    const checks = recreation.silent.map((it) => told(api.POST("/api/v1/providers/{name}/check", { params: { path: { name: it.provider } } })));
    // A check of a provider that does not answer is refused; that too is an answer.
    const answers = await Promise.allSettled(checks);
    const answering = answers.filter((it) => it.status === "fulfilled").length;
    setChecked({ at: time(new Date().toISOString()), answering, of: answers.length });
  }, keys);
  const proceed = useAct(() => told(api.POST("/api/v1/recreations/{id}/proceed", { params: { path } })), keys);
  const cancel = useAct(() => told(api.POST("/api/v1/recreations/{id}/cancel", { params: { path } })), keys);
  return (
    <Alert
      isInline
      variant="warning"
      title={t("decision.title", { template: recreation.template, version: recreation.version })}
      actionLinks={
        <div className="dc-row">
          <ActButton variant="secondary" size="sm" act={again}>{t("silent.again")}</ActButton>
          <ActButton size="sm" act={proceed}>{t("silent.proceed")}</ActButton>
          <ActButton variant="secondary" size="sm" act={cancel}>{t("decision.later")}</ActButton>
        </div>
      }
    >
      <p>{t("decision.body")}</p>
      <List>
        {recreation.silent.map((it) => (
          <ListItem key={it.provider}>
            <Link to={`/providers/${encodeURIComponent(it.provider)}`} className="dc-name">{it.provider}</Link>{" "}
            {t("silent.hosts", { count: it.hosts })}, {t("decision.since")} <Time at={it.since} />
            <Cause problem={it.problem} />
          </ListItem>
        ))}
      </List>
      {checked && <p role="status">{t("silent.checked", { ...checked })}</p>}
      <ProblemNote problem={proceed.problem ?? cancel.problem ?? again.problem} />
    </Alert>
  );
}
