// One provider: how it stands, what it holds, what runs there, what happened.
import { Card, CardBody, CardTitle, PageSection } from "@patternfly/react-core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useParams } from "react-router";
import type { Schemas } from "../../api/client";
import { useProvider, useVms } from "../../api/queries";
import { Fill } from "../../ui/Bar";
import { Facts } from "../../ui/Facts";
import { bytes, time } from "../../ui/format";
import { Grid, type Column } from "../../ui/Grid";
import { Heading } from "../../ui/Heading";
import { Loaded } from "../../ui/Loaded";
import { Parts } from "../../ui/Parts";
import { Damage } from "../../ui/Damage";
import { LimitWords } from "../../ui/Limit";
import { Cause } from "../../ui/ProblemNote";
import { Tasks } from "../../ui/tasks";
import { Time } from "../../ui/Time";
import { PowerWord, Word } from "../../ui/Word";
import { EventList } from "../events/EventList";
import { HostList } from "../hosts/HostList";
import { Held } from "./Held";
import { pairsText } from "./pairs";
import { AgentWord } from "./AgentWord";
import { LoadWords } from "./ProvidersPage";
import { ScrubWords } from "./Scrub";
import { useProviderTasks } from "./tasks";

type Provider = Schemas["ProviderView"];

const PARTS = ["overview", "versions", "hosts", "machines", "events"] as const;

export function ProviderPage() {
  const { t } = useTranslation();
  const { name = "" } = useParams();
  const query = useProvider(name);
  const above = { to: "/providers", label: t("providers.title") };
  if (!query.data) return <><Heading title={name} above={above} /><PageSection><Loaded query={query}>{() => null}</Loaded></PageSection></>;
  return <Shown provider={query.data.value} above={above} />;
}

function Shown({ provider, above }: { provider: Provider; above: { to: string; label: string } }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { tasks, dialog } = useProviderTasks(() => void navigate("/providers"));
  const [part, setPart] = useState<(typeof PARTS)[number]>("overview");
  const name = provider.name;
  return (
    <>
      <Heading title={name} above={above} beside={<><Word word={provider.state} /><span className="dc-quiet"><Time at={provider.since} /></span></>} actions={<Tasks of={name} tasks={tasks(provider).slice(1)} />}>
        {provider.problem && <Cause problem={provider.problem} />}
      </Heading>
      <PageSection isFilled className="dc-tabs">
        <Parts label={t("templates.parts")} names={PARTS} word={(it) => t(`providers.tabs.${it}`)} open={part} onOpen={setPart}>
          {part === "overview" && <Overview provider={provider} />}
          {part === "versions" && <Held provider={name} held={provider.held ?? []} unassigned={provider.unassigned} />}
          {part === "hosts" && <HostList filter={{ provider: name }} />}
          {part === "machines" && <Machines name={name} />}
          {part === "events" && <EventList object="provider" name={name} />}
        </Parts>
      </PageSection>
      {dialog}
    </>
  );
}

function Overview({ provider: it }: { provider: Provider }) {
  const { t } = useTranslation();
  const none = t("common.none");
  return (
    <div className="dc-gap">
      {(it.held ?? []).map((held) => held.damage && <Damage key={`${held.template} ${held.version}`} damage={held.damage} of={held.template} />)}
      <Card isCompact>
        <CardTitle component="h2">{t("providers.general")}</CardTitle>
        <CardBody>
          <Facts
            columns={3}
            facts={[
              [t("providers.site"), it.site ?? none],
              [t("providers.labels"), pairsText(it.labels) || none],
              [t("providers.uri"), it.uri],
              [t("providers.storage"), it.storage],
              [t("providers.networks"), pairsText(it.networks) || none],
              [t("providers.agent"), <AgentWord key="a" provider={it} />],
              [t("providers.addresses"), it.addresses.join(", ") || none],
              [t("limit.title"), <LimitWords key="l" limit={it.limit} limited={it.limited} />],
              [t("scrub.title"), it.scrub ? <ScrubWords key="s" scrub={it.scrub} /> : none],
              [t("distribution.verified"), <Time key="v" at={it.verified_at} />],
              [t("providers.certificate"), it.certificate_expires_at ? time(it.certificate_expires_at) : none],
            ]}
          />
        </CardBody>
      </Card>
      {it.facts && (
        <Card isCompact>
          <CardTitle component="h2">{t("providers.machine")}</CardTitle>
          <CardBody className="dc-gap">
            <Facts
              columns={3}
              facts={[
                [t("providers.hypervisor"), it.facts.hypervisor],
                [t("providers.cpu"), `${it.facts.cpu_count} × ${it.facts.cpu_model}`],
                [t("providers.memory"), bytes(it.facts.memory_bytes)],
                [t("providers.load"), <LoadWords key="load" load={it.load} />],
                [t("providers.acceleration"), it.facts.hardware_acceleration ? t("common.yes") : t("common.no")],
                [t("providers.firmware"), it.facts.firmware.join(", ")],
                [t("providers.nets"), it.facts.networks.map((net) => (net.active ? net.name : t("providers.inactive", { name: net.name }))).join(", ") || none],
              ]}
            />
            <Facts
              facts={it.facts.storages.map((storage) => [
                storage.active ? storage.name : t("providers.inactive", { name: storage.name }),
                <Fill key={storage.name} label={t("providers.storageOf", { storage: storage.name, provider: it.name })} used={storage.capacity_bytes - storage.free_bytes} total={storage.capacity_bytes} words={t("providers.freeOf", { free: bytes(storage.free_bytes), total: bytes(storage.capacity_bytes) })} />,
              ])}
            />
          </CardBody>
        </Card>
      )}
    </div>
  );
}

function Machines({ name }: { name: string }) {
  const { t } = useTranslation();
  const query = useVms(name);
  const columns: Column<Schemas["VmView"]>[] = [
    { label: t("create.vm"), by: (it) => it.name, className: "dc-cell-name", cell: (it) => it.name },
    { label: t("create.power"), by: (it) => it.power, cell: (it) => <PowerWord power={it.power} /> },
    { label: t("create.machine"), by: (it) => it.memory_bytes, cell: (it) => t("create.hardware", { count: it.vcpus, memory: bytes(it.memory_bytes) }) },
    { label: t("providers.managed"), by: (it) => Number(it.managed), cell: (it) => (it.managed ? t("common.yes") : t("common.no")) },
    {
      label: t("create.obstacle"),
      cell: (it) => it.obstacle ? <Cause problem={it.obstacle} /> : it.managed ? null : <Link to={`/create-template?provider=${encodeURIComponent(name)}&vm=${encodeURIComponent(it.name)}`}>{t("providers.take")}</Link>,
    },
  ];
  return <Loaded query={query}>{(rows) => <Grid label={t("providers.tabs.machines")} rows={rows} name={(it) => it.name} text={(it) => it.name} columns={columns} start={<p>{t("create.noVms", { provider: name })}</p>} />}</Loaded>;
}
