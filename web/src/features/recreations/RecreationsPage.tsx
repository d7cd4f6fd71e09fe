// Recreations: hosts on their way to another version.
import { PageSection } from "@patternfly/react-core";
import { SyncAltIcon } from "@patternfly/react-icons";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Schemas } from "../../api/client";
import { useRecreations } from "../../api/queries";
import { Bar } from "../../ui/Bar";
import { Choice } from "../../ui/Choice";
import { Grid, type Column } from "../../ui/Grid";
import { Heading } from "../../ui/Heading";
import { Loaded } from "../../ui/Loaded";
import { Said } from "../../ui/Said";
import { Start } from "../../ui/Start";
import { Time } from "../../ui/Time";
import { Word } from "../../ui/Word";
import { Decision } from "./Decision";

type Recreation = Schemas["RecreationView"];

export function RecreationsPage() {
  const { t } = useTranslation();
  const recreations = useRecreations();
  return (
    <>
      <Heading title={t("recreations.title")} />
      <PageSection isFilled>
        <Loaded query={recreations}>{(rows) => <Recreations rows={rows} />}</Loaded>
      </PageSection>
    </>
  );
}

function Recreations({ rows }: { rows: Recreation[] }) {
  const { t } = useTranslation();
  const [stage, setStage] = useState("");
  const columns: Column<Recreation>[] = [
    {
      label: t("recreations.template"), by: (it) => it.template, className: "dc-cell-name",
      cell: (it) => <Link to={`/recreations/${it.id}`}>{t("recreations.to", { template: it.template, version: it.version })}</Link>,
    },
    { label: t("recreations.stage"), by: (it) => it.stage, cell: (it) => <div className="dc-stack"><Word word={it.stage} />{it.note && <span className="dc-small dc-quiet"><Said text={it.note} /></span>}</div> },
    { label: t("recreations.wave"), by: (it) => it.wave, cell: (it) => t("recreations.waveOf", { wave: it.wave, waves: it.waves }) },
    {
      label: t("recreations.hosts"), by: (it) => it.passed / Math.max(1, it.total), className: "dc-cell-wide",
      cell: (it) => (
        <div className="dc-stack">
          <Bar label={t("recreations.passedOf", { passed: it.passed, total: it.total })} value={(100 * it.passed) / Math.max(1, it.total)} bad={it.stage === "Stopped"} />
          <span className="dc-small">{t("recreations.counts", { passed: it.passed, total: it.total, running: it.running, waiting: it.waiting, failed: it.failed })}</span>
        </div>
      ),
    },
    { label: t("recreations.begins"), by: (it) => it.begins_at, cell: (it) => <Time at={it.begins_at} /> },
    { label: t("recreations.ended"), by: (it) => it.ended_at ?? "", cell: (it) => <Time at={it.ended_at} /> },
    { label: t("recreations.author"), by: (it) => it.author, cell: (it) => <span className="dc-name">{it.author}</span> },
  ];
  const shown = stage === "" ? rows : rows.filter((it) => it.stage === stage);
  return (
    <div className="dc-gap">
      {rows.filter((it) => it.stage === "Awaiting decision").map((it) => <Decision key={it.id} recreation={it} />)}
      <Grid
        label={t("recreations.title")}
        rows={shown}
        filtered={stage !== ""}
        name={(it) => it.id}
        text={(it) => [it.template, it.stage, it.author].join(" ")}
        columns={columns}
        first={4}
        descending
        filters={<Choice label={t("recreations.filter")} all={t("recreations.every")} value={stage} onChange={setStage} choices={[...new Set(rows.map((it) => it.stage))].sort()} />}
        start={<Start icon={SyncAltIcon} title={t("recreations.empty")}>{t("recreations.emptyBody")}</Start>}
      />
    </div>
  );
}
