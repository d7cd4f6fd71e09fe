// Providers: who answers, how full each is, what each holds.
import { Button, PageSection } from "@patternfly/react-core";
import { ServerIcon } from "@patternfly/react-icons";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Schemas } from "../../api/client";
import { useProviders } from "../../api/queries";
import { Fill } from "../../ui/Bar";
import { Choice } from "../../ui/Choice";
import { bytes } from "../../ui/format";
import { Grid, type Column } from "../../ui/Grid";
import { Heading } from "../../ui/Heading";
import { Loaded } from "../../ui/Loaded";
import { Cause } from "../../ui/ProblemNote";
import { Start } from "../../ui/Start";
import { Time } from "../../ui/Time";
import { Word } from "../../ui/Word";
import { storageOf } from "../distribution/TwoLists";
import { AgentWord } from "./AgentWord";
import { AddProvider } from "./AddProvider";
import { SiteLinks } from "./SiteLinks";
import { providerPath, useProviderTasks } from "./tasks";

type Provider = Schemas["ProviderView"];

export function ProvidersPage() {
  const { t } = useTranslation();
  const providers = useProviders();
  const [adding, setAdding] = useState(false);
  const add = <Button onClick={() => setAdding(true)}>{t("providers.add")}</Button>;
  return (
    <>
      <Heading title={t("providers.title")} actions={add} />
      <PageSection isFilled className="dc-gap">
        <Loaded query={providers}>{(rows) => <Providers rows={rows} onAdd={() => setAdding(true)} />}</Loaded>
        <SiteLinks />
      </PageSection>
      {adding && <AddProvider onClose={() => setAdding(false)} />}
    </>
  );
}

function Providers({ rows, onAdd }: { rows: Provider[]; onAdd: () => void }) {
  const { t } = useTranslation();
  const { tasks, dialog } = useProviderTasks();
  const [state, setState] = useState("");
  const columns: Column<Provider>[] = [
    { label: t("providers.name"), by: (it) => it.name, className: "dc-cell-name", cell: (it) => <Link to={providerPath(it.name)} className="dc-name">{it.name}</Link> },
    {
      label: t("providers.state"), by: (it) => it.state,
      cell: (it) => (
        <div className="dc-stack">
          <Word word={it.state} />
          <span className="dc-small dc-quiet"><Time at={it.since} /></span>
          {it.problem && <Cause problem={it.problem} />}
        </div>
      ),
    },
    { label: t("providers.site"), by: (it) => it.site ?? "", className: "dc-cell-name", cell: (it) => it.site ?? <span className="dc-quiet">{t("common.none")}</span> },
    { label: t("providers.storage"), by: (it) => storageOf(it)?.free_bytes ?? 0, className: "dc-cell-wide", cell: (it) => <Storage provider={it} /> },
    { label: t("providers.load"), by: (it) => it.load?.processors ?? -1, cell: (it) => <LoadWords load={it.load} /> },
    { label: t("providers.templates"), by: (it) => it.templates, cell: (it) => it.templates },
    { label: t("providers.hosts"), by: (it) => it.hosts, cell: (it) => <Link to={`/hosts?provider=${encodeURIComponent(it.name)}`}>{it.hosts}</Link> },
    { label: t("providers.agent"), by: (it) => it.agent_version ?? "", cell: (it) => <AgentWord provider={it} /> },
    { label: t("distribution.verified"), by: (it) => it.verified_at ?? "", cell: (it) => <div className="dc-stack"><Time at={it.verified_at} />{it.held?.some((held) => held.damage) && <Word word="damaged" />}</div> },
    { label: t("providers.hypervisor"), by: (it) => it.facts?.hypervisor ?? "", className: "dc-cell-name", cell: (it) => it.facts?.hypervisor ?? <span className="dc-quiet">{t("common.unknown")}</span> },
    {
      label: t("providers.machine"), by: (it) => it.facts?.cpu_count ?? 0,
      cell: (it) => it.facts ? <span className="dc-nowrap">{t("providers.machineIs", { count: it.facts.cpu_count, memory: bytes(it.facts.memory_bytes) })}</span> : <span className="dc-quiet">{t("common.unknown")}</span>,
    },
  ];
  const shown = state === "" ? rows : rows.filter((it) => it.state === state);
  return (
    <>
      <Grid
        label={t("providers.title")}
        rows={shown}
        filtered={state !== ""}
        name={(it) => it.name}
        text={(it) => [it.name, it.state, it.site, it.agent_version, it.agent_age, it.facts?.hypervisor, ...Object.entries(it.labels).flat()].join(" ")}
        columns={columns}
        tasks={tasks}
        filters={<Choice label={t("providers.filter")} all={t("providers.every")} value={state} onChange={setState} choices={[...new Set(rows.map((it) => it.state))].sort()} />}
        start={<Start icon={ServerIcon} title={t("providers.empty")} action={<Button onClick={onAdd}>{t("providers.add")}</Button>}>{t("providers.emptyBody")}</Start>}
      />
      {dialog}
    </>
  );
}

export function LoadWords({ load }: { load: Provider["load"] }) {
  const { t } = useTranslation();
  if (!load) return <span className="dc-quiet">{t("common.unknown")}</span>;
  return <div className="dc-stack dc-nowrap"><span>{t("providers.loadProcessors", { ...load })}</span><span>{t("providers.loadMemory", { ...load })}</span></div>;
}

export function Storage({ provider }: { provider: Provider }) {
  const { t } = useTranslation();
  const storage = storageOf(provider);
  if (!storage) return <span className="dc-quiet">{provider.facts ? t("providers.noStorage", { name: provider.storage }) : t("common.unknown")}</span>;
  const words = t("providers.freeOf", { free: bytes(storage.free_bytes), total: bytes(storage.capacity_bytes) });
  return <Fill label={t("providers.storageOf", { storage: storage.name, provider: provider.name })} used={storage.capacity_bytes - storage.free_bytes} total={storage.capacity_bytes} words={words} />;
}
