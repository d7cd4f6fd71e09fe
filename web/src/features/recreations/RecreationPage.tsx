// One recreation: its waves as they run, and every host in it.
import { Card, CardBody, CardTitle, PageSection, Progress, ProgressStep, ProgressStepper } from "@patternfly/react-core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import { useAct } from "../../api/act";
import { api, told, type Schemas } from "../../api/client";
import { useRecreation } from "../../api/queries";
import { Ask } from "../../ui/Ask";
import { Facts } from "../../ui/Facts";
import { Grid, type Column } from "../../ui/Grid";
import { Heading } from "../../ui/Heading";
import { Loaded } from "../../ui/Loaded";
import { Said } from "../../ui/Said";
import { Tasks } from "../../ui/tasks";
import { Time } from "../../ui/Time";
import { Word } from "../../ui/Word";
import { EventList } from "../events/EventList";
import { Decision } from "./Decision";

type Recreation = Schemas["RecreationView"];
type RecreationHost = Schemas["RecreationHostView"];
const OVER = ["Stopped", "Done", "Cancelled"];

export function RecreationPage() {
  const { t } = useTranslation();
  const { id = "" } = useParams();
  const query = useRecreation(id);
  const above = { to: "/recreations", label: t("recreations.title") };
  if (!query.data) return <><Heading title={t("recreations.one")} above={above} /><PageSection><Loaded query={query}>{() => null}</Loaded></PageSection></>;
  return <Shown recreation={query.data} above={above} />;
}

function Shown({ recreation: it, above }: { recreation: Recreation; above: { to: string; label: string } }) {
  const { t } = useTranslation();
  const [cancelling, setCancelling] = useState(false);
  const cancel = useAct(() => told(api.POST("/api/v1/recreations/{id}/cancel", { params: { path: { id: it.id } } })), [["recreation", it.id], ["recreations"]]);
  const over = OVER.includes(it.stage);
  const columns: Column<RecreationHost>[] = [
    { label: t("hosts.name"), by: (row) => row.host, className: "dc-cell-name", cell: (row) => <Link to={`/hosts/${encodeURIComponent(row.host)}`}>{row.host}</Link> },
    { label: t("hosts.provider"), by: (row) => row.provider, className: "dc-cell-name", cell: (row) => row.provider },
    { label: t("recreations.state"), by: (row) => row.state, cell: (row) => <Word word={row.state} /> },
    { label: t("recreations.wave"), by: (row) => row.wave ?? 0, cell: (row) => row.wave ?? t("common.none") },
    { label: t("recreations.note"), by: (row) => row.note ?? "", className: "dc-cell-wide", cell: (row) => <Said text={row.note ?? ""} /> },
  ];
  return (
    <>
      <Heading
        title={t("recreations.to", { template: it.template, version: it.version })}
        above={above}
        beside={<Word word={it.stage} />}
        actions={<Tasks of={it.template} tasks={[{ label: t("recreations.cancel"), act: () => setCancelling(true), danger: true, not: over ? t("recreations.isOver") : undefined }]} />}
      >
        {it.note && <p className="dc-quiet"><Said text={it.note} /></p>}
      </Heading>
      <PageSection isFilled className="dc-gap">
        {it.stage === "Awaiting decision" && <Decision recreation={it} />}
        <Waves it={it} />
        <Progress
          value={(100 * it.passed) / Math.max(1, it.total)}
          title={t("recreations.counts", { passed: it.passed, total: it.total, running: it.running, waiting: it.waiting, failed: it.failed })}
          variant={it.stage === "Stopped" ? "danger" : it.stage === "Done" ? "success" : undefined}
        />
        <Facts
          columns={3}
          facts={[
            [t("recreations.begins"), <Time key="b" at={it.begins_at} />],
            [t("recreations.ended"), <Time key="e" at={it.ended_at} />],
            [t("terms.deadline"), <Time key="d" at={it.deadline} />],
            [t("recreations.author"), it.author],
            [t("recreations.rolledBack"), it.rolled_back],
          ]}
        />
        <Grid label={t("recreations.hosts")} rows={it.hosts} name={(row) => row.host} text={(row) => [row.host, row.provider, row.state, row.note].join(" ")} columns={columns} start={<p>{t("recreations.noHosts")}</p>} />
        <Card isCompact>
          <CardTitle component="h2">{t("events.title")}</CardTitle>
          <CardBody><EventList object="recreation" name={it.id} /></CardBody>
        </Card>
      </PageSection>
      {cancelling && (
        <Ask title={t("recreations.cancelTitle")} doing={t("recreations.cancel")} act={cancel} onClose={() => setCancelling(false)} danger variant="small">
          <p>{t("recreations.cancelBody")}</p>
        </Ask>
      )}
    </>
  );
}

function Waves({ it }: { it: Recreation }) {
  const { t } = useTranslation();
  const waves = Array.from({ length: Math.min(it.waves, 20) }, (_, index) => index + 1);
  return (
    <ProgressStepper isCenterAligned aria-label={t("recreations.waves")}>
      {waves.map((wave) => {
        const own = it.hosts.filter((host) => host.wave === wave);
        const passed = wave < it.wave || it.stage === "Done";
        const here = wave === it.wave && !passed;
        const variant = passed ? "success" : here ? (it.stage === "Stopped" ? "danger" : "info") : "pending";
        const well = own.filter((host) => host.state === "passed" || host.state === "healthy").length;
        return (
          <ProgressStep key={wave} id={`wave-${wave}`} titleId={`wave-${wave}-title`} variant={variant} isCurrent={here} description={own.length > 0 ? t("recreations.well", { well, of: own.length }) : undefined}>
            {t("recreations.waveNumber", { wave })}
          </ProgressStep>
        );
      })}
    </ProgressStepper>
  );
}
