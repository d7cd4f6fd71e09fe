// What can be done with a host, wherever it is shown.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import type { Schemas } from "../../api/client";
import type { Task } from "../../ui/tasks";
import { Several } from "./Several";

type Host = Schemas["HostView"];

export const hostPath = (name: string) => `/hosts/${encodeURIComponent(name)}`;

export function useHostTasks(onDeleted?: () => void) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [doing, setDoing] = useState<{ what: "recreate" | "start" | "stop" | "delete"; host: Host }>();
  const tasks = (host: Host): Task[] => {
    const ask = (what: "recreate" | "start" | "stop" | "delete") => () => setDoing({ what, host });
    return [
      { label: t("hosts.details"), act: () => void navigate(hostPath(host.name)) },
      { label: t("hosts.start"), act: ask("start"), not: host.power === "Running" ? t("hosts.runs") : undefined },
      { label: t("hosts.stop"), act: ask("stop"), not: host.power === "Off" ? t("hosts.isOff") : undefined },
      { label: t("hosts.recreate"), act: ask("recreate") },
      { label: t("hosts.delete"), act: ask("delete"), danger: true },
    ];
  };
  const close = () => setDoing(undefined);
  const done = () => {
    close();
    if (doing?.what === "delete") onDeleted?.();
  };
  const dialog = doing && <Several what={doing.what} hosts={[doing.host]} onClose={close} onDone={done} />;
  return { tasks, dialog };
}
