// Schedules: what is done at a time, or again and again.
import { Button, PageSection } from "@patternfly/react-core";
import { CalendarAltIcon } from "@patternfly/react-icons";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useAct } from "../../api/act";
import { api, told, type Schemas } from "../../api/client";
import { useSchedules } from "../../api/queries";
import { Ask } from "../../ui/Ask";
import { Grid, type Column } from "../../ui/Grid";
import { Heading } from "../../ui/Heading";
import { Loaded } from "../../ui/Loaded";
import { ProblemNote } from "../../ui/ProblemNote";
import { Said } from "../../ui/Said";
import { Start } from "../../ui/Start";
import type { Task } from "../../ui/tasks";
import { Time } from "../../ui/Time";
import { Word } from "../../ui/Word";
import { CreateSchedule } from "./CreateSchedule";

type Schedule = Schemas["ScheduleView"];

export function SchedulesPage() {
  const { t } = useTranslation();
  const schedules = useSchedules();
  const [creating, setCreating] = useState(false);
  return (
    <>
      <Heading title={t("schedules.title")} actions={<Button onClick={() => setCreating(true)}>{t("schedules.create")}</Button>} />
      <PageSection isFilled>
        <Loaded query={schedules}>{(rows) => <Schedules rows={rows} onCreate={() => setCreating(true)} />}</Loaded>
      </PageSection>
      {creating && <CreateSchedule onClose={() => setCreating(false)} />}
    </>
  );
}

function Schedules({ rows, onCreate }: { rows: Schedule[]; onCreate: () => void }) {
  const { t } = useTranslation();
  const [deleting, setDeleting] = useState<Schedule>();
  const set = useAct(
    (name: string, enabled: boolean) => told(api.PATCH("/api/v1/schedules/{name}", { params: { path: { name } }, body: { enabled } })),
    [["schedules"]],
  );
  const remove = useAct(() => told(api.DELETE("/api/v1/schedules/{name}", { params: { path: { name: deleting?.name ?? "" } } })), [["schedules"]]);
  const tasks = (it: Schedule): Task[] => [
    { label: it.enabled ? t("schedules.rest") : t("schedules.resume"), act: () => void set.run(it.name, !it.enabled) },
    { label: t("schedules.delete"), act: () => setDeleting(it), danger: true },
  ];
  const columns: Column<Schedule>[] = [
    { label: t("schedules.name"), by: (it) => it.name, className: "dc-cell-name", cell: (it) => it.name },
    { label: t("schedules.action"), by: (it) => it.action, cell: (it) => t(`schedules.actions.${it.action as "recreate" | "start" | "stop"}`) },
    { label: t("schedules.selection"), by: (it) => it.selection, className: "dc-cell-name", cell: (it) => <Said text={it.selection} /> },
    { label: t("schedules.when"), by: (it) => it.when, cell: (it) => <code>{it.when}</code> },
    { label: t("schedules.state"), by: (it) => Number(it.enabled), cell: (it) => (it.enabled ? <Word word="OK" text={t("schedules.on")} /> : <Word word="Off" text={t("schedules.off")} />) },
    { label: t("schedules.next"), by: (it) => it.next_at ?? "", cell: (it) => <Time at={it.next_at} /> },
    {
      label: t("schedules.last"), by: (it) => it.last_at ?? "", className: "dc-cell-wide",
      cell: (it) => <div className="dc-stack"><Time at={it.last_at} />{it.last_outcome && <span className={it.last_ok === false ? "dc-small dc-refused" : "dc-small dc-quiet"}>{it.last_outcome}</span>}</div>,
    },
    { label: t("events.actor"), by: (it) => it.author, className: "dc-cell-name", cell: (it) => it.author },
  ];
  return (
    <>
      <ProblemNote problem={set.problem} onClose={set.clear} />
      <Grid
        label={t("schedules.title")} rows={rows} name={(it) => it.name} text={(it) => [it.name, it.action, it.selection].join(" ")} columns={columns} tasks={tasks}
        start={<Start icon={CalendarAltIcon} title={t("schedules.empty")} action={<Button onClick={onCreate}>{t("schedules.create")}</Button>}>{t("schedules.emptyBody")}</Start>}
      />
      {deleting && (
        <Ask title={t("schedules.deleteTitle", { name: deleting.name })} doing={t("schedules.delete")} act={remove} onClose={() => setDeleting(undefined)} danger variant="small">
          <p>{t("schedules.deleteBody")}</p>
        </Ask>
      )}
    </>
  );
}
