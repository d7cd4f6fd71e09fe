// One host.
import { Card, CardBody, CardTitle, PageSection } from "@patternfly/react-core";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useParams } from "react-router";
import type { Schemas } from "../../api/client";
import { useHost } from "../../api/queries";
import { Damage } from "../../ui/Damage";
import { Facts } from "../../ui/Facts";
import { bytes, time } from "../../ui/format";
import { Heading } from "../../ui/Heading";
import { Loaded } from "../../ui/Loaded";
import { Cause } from "../../ui/ProblemNote";
import { Tasks } from "../../ui/tasks";
import { Time } from "../../ui/Time";
import { PowerWord, Word } from "../../ui/Word";
import { EventList } from "../events/EventList";
import { templatePath } from "../templates/tasks";
import { useHostTasks } from "./tasks";

export function HostPage() {
  const { t } = useTranslation();
  const { name = "" } = useParams();
  const query = useHost(name);
  const above = { to: "/hosts", label: t("hosts.title") };
  if (!query.data) return <><Heading title={name} above={above} /><PageSection><Loaded query={query}>{() => null}</Loaded></PageSection></>;
  return <Shown host={query.data.value} above={above} />;
}

function Shown({ host: it, above }: { host: Schemas["HostView"]; above: { to: string; label: string } }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { tasks, dialog } = useHostTasks(() => void navigate("/hosts"));
  const none = t("common.none");
  return (
    <>
      <Heading title={it.name} above={above} beside={<><Word word={it.status} />{it.outdated && <Word word="outdated" text={t("hosts.outdated")} />}</>} actions={<Tasks of={it.name} tasks={tasks(it).slice(1)} />}>
        {it.problem && <Cause problem={it.problem} />}
        {it.base_damage && <Damage damage={it.base_damage} of={it.template} />}
      </Heading>
      <PageSection isFilled className="dc-gap">
        <Card isCompact>
          <CardTitle component="h2">{t("properties.general")}</CardTitle>
          <CardBody>
            <Facts
              columns={3}
              facts={[
                [t("hosts.template"), <Link key="t" to={templatePath(it.template)}>{it.template}</Link>],
                [t("hosts.version"), `v${it.version}`],
                [t("hosts.provider"), <Link key="p" to={`/providers/${encodeURIComponent(it.provider)}`}>{it.provider}</Link>],
                [t("hosts.pool"), it.pool ? <Link key="o" to={`/pools/${encodeURIComponent(it.pool)}`}>{it.pool}</Link> : none],
                [t("create.power"), it.power ? <PowerWord key="w" power={it.power} /> : t("common.unknown")],
                [t("hosts.inUse"), [t(`hosts.use.${it.in_use as "yes" | "no" | "unknown"}`), ...it.users].join(", ")],
                [t("hosts.addresses"), it.addresses.join(", ") || none],
                [t("hosts.macs"), it.macs.join(", ") || none],
                [t("maintenance.guest"), it.guest_agent ? t("common.yes") : t("common.no")],
                [t("hosts.guestName"), it.guest_name ?? none],
                [t("hosts.kind"), it.kind],
                [t("hosts.baseVerified"), <Time key="b" at={it.base_verified_at} />],
                [t("hosts.incarnation"), it.incarnation],
                [t("setup.preparation"), it.setup.preparation ?? none],
                [t("setup.data"), it.setup.data_disk_bytes ? bytes(it.setup.data_disk_bytes) : none],
                [t("properties.created"), time(it.created_at)],
                [t("distribution.attempts"), <span key="a">{it.attempts}{it.next_attempt_at && <> · {t("distribution.next")} <Time at={it.next_attempt_at} /></>}</span>],
              ]}
            />
          </CardBody>
        </Card>
        <EventList object="host" name={it.name} />
      </PageSection>
      {dialog}
    </>
  );
}
