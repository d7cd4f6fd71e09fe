// Notifications: by which ways people are told of alarms, and whether that works.
import { Button, PageSection } from "@patternfly/react-core";
import { BellIcon } from "@patternfly/react-icons";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { Schemas } from "../../api/client";
import { useNotifications } from "../../api/queries";
import { Grid, type Column } from "../../ui/Grid";
import { Heading } from "../../ui/Heading";
import { Loaded } from "../../ui/Loaded";
import { Cause } from "../../ui/ProblemNote";
import { Start } from "../../ui/Start";
import { Time } from "../../ui/Time";
import { Word } from "../../ui/Word";
import { ChangeNotification, CreateNotification, RemoveNotification, TestNotification } from "./dialogs";
import type { KINDS, Way } from "./ways";

type Notification = Schemas["NotificationView"];

export function NotificationsPage() {
  const { t } = useTranslation();
  const notifications = useNotifications();
  const [creating, setCreating] = useState(false);
  const create = <Button onClick={() => setCreating(true)}>{t("notifications.create")}</Button>;
  return (
    <>
      <Heading title={t("notifications.title")} actions={create}><p className="dc-quiet">{t("notifications.about")}</p></Heading>
      <PageSection isFilled>
        <Loaded query={notifications}>{(rows) => <Notifications rows={rows} create={create} />}</Loaded>
      </PageSection>
      {creating && <CreateNotification onClose={() => setCreating(false)} />}
    </>
  );
}

function Notifications({ rows, create }: { rows: Notification[]; create: ReactNode }) {
  const { t } = useTranslation();
  const [doing, setDoing] = useState<{ what: "test" | "change" | "remove"; name: string }>();
  const close = () => setDoing(undefined);
  const of = (what: "test" | "change" | "remove", it: Notification) => () => setDoing({ what, name: it.name });
  const columns: Column<Notification>[] = [
    { label: t("notifications.name"), by: (it) => it.name, className: "dc-cell-name", cell: (it) => <span className="dc-name">{it.name}</span> },
    {
      label: t("notifications.target"), by: (it) => it.target, className: "dc-cell-wide",
      cell: (it) => <div className="dc-stack"><span className="dc-quiet dc-small">{t(`notifications.ways.${it.way as Way}`)}</span><span className="dc-name">{it.target}</span></div>,
    },
    {
      label: t("notifications.of"), by: (it) => it.severity,
      cell: (it) => (
        <div className="dc-stack">
          <span>{t(`notifications.severities.${it.severity as "warning" | "critical"}`)}</span>
          {it.kinds.length > 0 && <span className="dc-small dc-quiet">{it.kinds.map((kind) => t(`notifications.kind.${kind as (typeof KINDS)[number]}`)).join(", ")}</span>}
        </div>
      ),
    },
    {
      label: t("notifications.state"), by: (it) => (it.failing_since ? 0 : 1), className: "dc-cell-wide",
      cell: (it) => (
        <div className="dc-stack">
          <Word word={!it.enabled ? "Off" : it.failing_since ? "Failed" : "OK"} text={!it.enabled ? t("notifications.off") : it.failing_since ? t("notifications.failing") : t("notifications.well")} />
          {it.failing_since && <span className="dc-small dc-quiet">{t("distribution.since")} <Time at={it.failing_since} /></span>}
          {it.problem && <Cause problem={it.problem} />}
        </div>
      ),
    },
    { label: t("notifications.sent"), by: (it) => it.last_sent_at ?? "", cell: (it) => it.last_sent_at ? <Time at={it.last_sent_at} /> : <span className="dc-quiet">{t("notifications.nothingSent")}</span> },
    { label: t("notifications.test"), quiet: true, cell: (it) => <Button variant="secondary" size="sm" onClick={of("test", it)} aria-label={t("notifications.testOf", { name: it.name })}>{t("notifications.test")}</Button> },
  ];
  return (
    <>
      <Grid
        label={t("notifications.title")} rows={rows} name={(it) => it.name} text={(it) => [it.name, it.way, it.target].join(" ")} columns={columns}
        tasks={(it) => [
          { label: t("notifications.test"), act: of("test", it) },
          { label: t("notifications.change"), act: of("change", it) },
          { label: t("notifications.remove"), act: of("remove", it), danger: true },
        ]}
        start={<Start icon={BellIcon} title={t("notifications.empty")} action={create}>{t("notifications.emptyBody")}</Start>}
      />
      {doing?.what === "test" && <TestNotification name={doing.name} onClose={close} />}
      {doing?.what === "change" && <ChangeNotification name={doing.name} onClose={close} />}
      {doing?.what === "remove" && <RemoveNotification name={doing.name} onClose={close} />}
    </>
  );
}
