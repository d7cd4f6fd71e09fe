// Pools: sets of hosts kept at a size.
import { Button, PageSection } from "@patternfly/react-core";
import { LayerGroupIcon } from "@patternfly/react-icons";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Schemas } from "../../api/client";
import { usePools } from "../../api/queries";
import { Grid, type Column } from "../../ui/Grid";
import { Heading } from "../../ui/Heading";
import { Loaded } from "../../ui/Loaded";
import { Cause } from "../../ui/ProblemNote";
import { Start } from "../../ui/Start";
import { Word } from "../../ui/Word";
import { templatePath } from "../templates/tasks";
import { CreatePool } from "./CreatePool";
import { poolPath, usePoolTasks } from "./tasks";

type Pool = Schemas["PoolView"];

export function PoolsPage() {
  const { t } = useTranslation();
  const pools = usePools();
  const [creating, setCreating] = useState(false);
  return (
    <>
      <Heading title={t("pools.title")} actions={<Button onClick={() => setCreating(true)}>{t("pools.create")}</Button>} />
      <PageSection isFilled>
        <Loaded query={pools}>{(rows) => <Pools rows={rows} onCreate={() => setCreating(true)} />}</Loaded>
      </PageSection>
      {creating && <CreatePool onClose={() => setCreating(false)} />}
    </>
  );
}

function Pools({ rows, onCreate }: { rows: Pool[]; onCreate: () => void }) {
  const { t } = useTranslation();
  const { tasks, dialog } = usePoolTasks();
  const columns: Column<Pool>[] = [
    { label: t("pools.name"), by: (it) => it.name, className: "dc-cell-name", cell: (it) => <Link to={poolPath(it.name)} className="dc-name">{it.name}</Link> },
    { label: t("pools.status"), by: (it) => it.status, cell: (it) => <div className="dc-stack"><Word word={it.status} />{it.problem && <Cause problem={it.problem} />}</div> },
    { label: t("hosts.template"), by: (it) => it.template, className: "dc-cell-name", cell: (it) => <Link to={templatePath(it.template)}>{it.template}</Link> },
    { label: t("pools.follows"), by: (it) => it.follows, cell: (it) => (it.version ? t("pools.followsNow", { follows: it.follows, version: it.version }) : it.follows) },
    { label: t("pools.hosts"), by: (it) => it.hosts, cell: (it) => <Link to={`/hosts?pool=${encodeURIComponent(it.name)}`}>{t("pools.hostsOf", { hosts: it.hosts, wanted: it.wanted })}</Link> },
    { label: t("pools.ready"), by: (it) => it.ready, cell: (it) => it.ready },
    { label: t("pools.inUse"), by: (it) => it.in_use, cell: (it) => it.in_use },
    { label: t("pools.outdated"), by: (it) => it.outdated, cell: (it) => (it.outdated > 0 ? <Word word="outdated" text={String(it.outdated)} /> : 0) },
    { label: t("pools.size"), by: (it) => it.max, cell: (it) => <span className="dc-nowrap">{t("pools.between", { min: it.min, max: it.max, spare: it.spare })}</span> },
  ];
  return (
    <>
      <Grid
        label={t("pools.title")} rows={rows} name={(it) => it.name} text={(it) => [it.name, it.template, it.status].join(" ")} columns={columns} tasks={tasks}
        start={<Start icon={LayerGroupIcon} title={t("pools.empty")} action={<Button onClick={onCreate}>{t("pools.create")}</Button>}>{t("pools.emptyBody")}</Start>}
      />
      {dialog}
    </>
  );
}
