// Alarms: what is not well now, the worst first.
import { PageSection } from "@patternfly/react-core";
import { CheckCircleIcon } from "@patternfly/react-icons";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Schemas } from "../../api/client";
import { useAlarms } from "../../api/queries";
import { Choice } from "../../ui/Choice";
import { Grid, type Column } from "../../ui/Grid";
import { Heading } from "../../ui/Heading";
import { Loaded } from "../../ui/Loaded";
import { Cause } from "../../ui/ProblemNote";
import { Start } from "../../ui/Start";
import { Time } from "../../ui/Time";
import { Word } from "../../ui/Word";

type Alarm = Schemas["AlarmView"];

/** Where the thing is looked at that an alarm is about. */
const PATHS: Record<string, (name: string) => string> = {
  provider: (name) => `/providers/${encodeURIComponent(name)}`,
  template: (name) => `/templates/${encodeURIComponent(name)}/distribution`,
  recreation: () => "/recreations",
  notification: () => "/notifications",
};

export function AlarmsPage() {
  const { t } = useTranslation();
  const alarms = useAlarms();
  return (
    <>
      <Heading title={t("alarms.title")}><p className="dc-quiet">{t("alarms.about")} <Link to="/notifications">{t("alarms.told")}</Link></p></Heading>
      <PageSection isFilled>
        <Loaded query={alarms}>{(rows) => <Alarms rows={rows} />}</Loaded>
      </PageSection>
    </>
  );
}

function Alarms({ rows }: { rows: Alarm[] }) {
  const { t } = useTranslation();
  const [severity, setSeverity] = useState("");
  const columns: Column<Alarm>[] = [
    { label: t("alarms.severity"), by: (it) => (it.severity === "critical" ? 0 : 1), cell: (it) => <Word word={it.severity} /> },
    {
      label: t("alarms.what"), by: (it) => it.title, className: "dc-cell-wide",
      cell: (it) => <div className="dc-stack"><strong>{it.title}</strong><Cause problem={{ code: it.code, cause: it.cause, hint: it.hint }} /></div>,
    },
    {
      label: t("alarms.object"), by: (it) => `${it.object} ${it.name}`, className: "dc-cell-name",
      cell: (it) => {
        const path = PATHS[it.object]?.(it.name);
        return <span className="dc-name"><span className="dc-quiet">{it.object}</span> {path ? <Link to={path}>{it.name}</Link> : it.name}</span>;
      },
    },
    { label: t("alarms.since"), by: (it) => it.since, cell: (it) => <Time at={it.since} /> },
  ];
  const shown = severity === "" ? rows : rows.filter((it) => it.severity === severity);
  return (
    <Grid
      label={t("alarms.title")} rows={shown} filtered={severity !== ""} name={(it) => it.id} columns={columns}
      text={(it) => [it.title, it.kind, it.object, it.name, it.cause, it.code].join(" ")}
      filters={<Choice label={t("alarms.filter")} all={t("alarms.every")} value={severity} onChange={setSeverity} choices={["critical", "warning"]} />}
      start={<Start icon={CheckCircleIcon} title={t("alarms.empty")}>{t("alarms.emptyBody")}</Start>}
    />
  );
}
