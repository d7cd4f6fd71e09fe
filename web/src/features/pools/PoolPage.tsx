// One pool: its size, where its hosts are, its hosts.
import { Card, CardBody, CardTitle, PageSection } from "@patternfly/react-core";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useParams } from "react-router";
import type { Schemas } from "../../api/client";
import { usePool } from "../../api/queries";
import { Facts } from "../../ui/Facts";
import { bytes, time } from "../../ui/format";
import { Heading } from "../../ui/Heading";
import { Loaded } from "../../ui/Loaded";
import { Cause } from "../../ui/ProblemNote";
import { Tasks } from "../../ui/tasks";
import { Word } from "../../ui/Word";
import { EventList } from "../events/EventList";
import { HostList } from "../hosts/HostList";
import { WavesHere } from "../recreations/WavesHere";
import { templatePath } from "../templates/tasks";
import { usePoolTasks } from "./tasks";

export function PoolPage() {
  const { t } = useTranslation();
  const { name = "" } = useParams();
  const query = usePool(name);
  const above = { to: "/pools", label: t("pools.title") };
  if (!query.data) return <><Heading title={name} above={above} /><PageSection><Loaded query={query}>{() => null}</Loaded></PageSection></>;
  return <Shown pool={query.data.value} above={above} />;
}

function Shown({ pool: it, above }: { pool: Schemas["PoolView"]; above: { to: string; label: string } }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { tasks, dialog } = usePoolTasks(() => void navigate("/pools"));
  const spread = Object.entries(it.spread).map(([name, count]) => `${name}: ${count}`).join(", ");
  return (
    <>
      <Heading title={it.name} above={above} beside={<Word word={it.status} />} actions={<Tasks of={it.name} tasks={tasks(it).slice(1)} />}>
        {it.problem && <Cause problem={it.problem} />}
      </Heading>
      <PageSection isFilled className="dc-gap">
        <WavesHere template={it.template} />
        <Card isCompact>
          <CardTitle component="h2">{t("properties.general")}</CardTitle>
          <CardBody>
            <Facts
              columns={3}
              facts={[
                [t("hosts.template"), <Link key="t" to={templatePath(it.template)}>{it.template}</Link>],
                [t("pools.follows"), it.version ? t("pools.followsNow", { follows: it.follows, version: it.version }) : it.follows],
                [t("hosts.pattern"), it.pattern],
                [t("pools.hosts"), t("pools.hostsOf", { hosts: it.hosts, wanted: it.wanted })],
                [t("pools.size"), t("pools.between", { min: it.min, max: it.max, spare: it.spare })],
                [t("pools.counts"), t("pools.countsAre", { ready: it.ready, used: it.in_use, outdated: it.outdated })],
                [t("pools.placement"), it.placement],
                ...(it.placement === "weights" ? [[t("pools.weights"), Object.entries(it.weights).map(([name, weight]) => `${name}=${weight}`).join(", ")] as [string, string]] : []),
                [t("pools.providers"), it.providers.join(", ") || t("pools.anywhere")],
                [t("pools.elsewhere"), it.replace_elsewhere_seconds ?? t("tokens.never")],
                [t("setup.preparation"), it.setup.preparation ?? t("common.none")],
                [t("setup.data"), it.setup.data_disk_bytes ? bytes(it.setup.data_disk_bytes) : t("common.none")],
                [t("pools.cap"), it.cap ?? t("common.none")],
                [t("pools.spread"), spread || t("common.none")],
                [t("hosts.kind"), it.kind],
                [t("terms.waves"), it.terms.waves ?? t("common.none")],
                [t("properties.created"), time(it.created_at)],
              ]}
            />
          </CardBody>
        </Card>
        <HostList filter={{ pool: it.name }} />
        <Card isCompact>
          <CardTitle component="h2">{t("events.title")}</CardTitle>
          <CardBody><EventList object="pool" name={it.name} /></CardBody>
        </Card>
      </PageSection>
      {dialog}
    </>
  );
}
