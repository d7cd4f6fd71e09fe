// What can be done with a template, wherever it is shown: one list, one dialog at a time.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { useAct } from "../../api/act";
import { api, told, type Schemas } from "../../api/client";
import { Ask } from "../../ui/Ask";
import { Plan, usePlan } from "../../ui/Plan";
import type { Task } from "../../ui/tasks";
import { AddProviders } from "../distribution/AddProviders";
import { CreateHosts } from "../hosts/CreateHosts";
import { EnterMaintenance } from "../maintenance/EnterMaintenance";
import { LeaveMaintenance } from "../maintenance/LeaveMaintenance";
import { Recreate } from "../recreations/Recreate";

type Template = Schemas["TemplateView"];

export const templatePath = (name: string, tab?: string) =>
  `/templates/${encodeURIComponent(name)}${tab ? `/${tab}` : ""}`;

interface Doing {
  what: "add" | "enter" | "leave" | "hosts" | "recreate" | "delete" | "retry";
  template: Template;
}

export function useTemplateTasks() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [doing, setDoing] = useState<Doing>();
  const close = () => setDoing(undefined);

  const tasks = (template: Template): Task[] => {
    const ask = (what: Doing["what"]) => () => setDoing({ what, template });
    const ready = template.status === "Ready";
    const unless = (so: boolean, why: string) => (so ? undefined : why);
    return [
      { label: t("templates.details"), act: () => void navigate(templatePath(template.name)) },
      { label: t("distribution.add"), act: ask("add"), not: unless(Boolean(template.version), t("templates.noVersion")) },
      {
        label: t("distribution.retryAll"), act: ask("retry"),
        not: unless(template.distribution.word === "Failed to distribute" || template.distribution.failed > 0 || template.status === "Failed", t("distribution.nothingFailed")),
      },
      template.status === "Maintenance"
        ? { label: t("maintenance.leave"), act: ask("leave") }
        : { label: t("maintenance.enter"), act: ask("enter"), not: unless(ready, t("templates.notReady")) },
      { label: t("hosts.create"), act: ask("hosts"), not: unless(Boolean(template.version), t("templates.noVersion")) },
      { label: t("hosts.recreateOutdated"), act: ask("recreate"), not: unless(template.outdated > 0, t("hosts.noneOutdated")) },
      { label: t("templates.versionsTask"), act: () => void navigate(templatePath(template.name, "versions")) },
      { label: t("templates.properties"), act: () => void navigate(templatePath(template.name, "properties")) },
      { label: t("templates.delete"), act: ask("delete"), danger: true },
    ];
  };

  const dialog = doing && <Dialog {...doing} close={close} />;
  return { tasks, dialog };
}

function Dialog({ what, template, close }: Doing & { close: () => void }) {
  switch (what) {
    case "add": return <AddProviders template={template.name} onClose={close} />;
    case "enter": return <EnterMaintenance template={template.name} onClose={close} />;
    case "leave": return <LeaveMaintenance template={template} onClose={close} />;
    case "hosts": return <CreateHosts template={template.name} onClose={close} />;
    case "recreate": return <Recreate what={{ template: template.name, outdated: true }} onClose={close} />;
    case "delete": return <DeleteTemplate name={template.name} onClose={close} />;
    case "retry": return <RetryAll name={template.name} onClose={close} />;
  }
}

function RetryAll({ name, onClose }: { name: string; onClose: () => void }) {
  const { t } = useTranslation();
  const act = useAct(
    () => told(api.POST("/api/v1/templates/{name}/distribution/retry", { params: { path: { name } }, body: { providers: [] } })),
    [["templates"], ["distribution", name], ["template", name]],
  );
  return (
    <Ask title={t("distribution.retryAll")} doing={t("distribution.retry")} act={act} onClose={onClose} variant="small">
      <p>{t("distribution.retryAllBody", { template: name })}</p>
    </Ask>
  );
}

export function DeleteTemplate({ name, onClose, then }: { name: string; onClose: () => void; then?: () => void }) {
  const { t } = useTranslation();
  const path = { name };
  const plan = usePlan(["delete-template", name], () =>
    told(api.DELETE("/api/v1/templates/{name}", { params: { path, query: { dry_run: true } } })),
  );
  const act = useAct(() => told(api.DELETE("/api/v1/templates/{name}", { params: { path } })), [["templates"]]);
  return (
    <Ask title={t("templates.deleteTitle", { name })} doing={t("templates.delete")} act={act} onClose={onClose} then={then} danger>
      <p>{t("templates.deleteBody")}</p>
      <Plan plan={plan} />
    </Ask>
  );
}
