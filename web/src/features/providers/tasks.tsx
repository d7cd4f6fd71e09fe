// What can be done with a provider, wherever it is shown.
import { Checkbox } from "@patternfly/react-core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { useAct } from "../../api/act";
import { api, told, type Schemas } from "../../api/client";
import { useHostsOf } from "../../api/queries";
import { Ask } from "../../ui/Ask";
import { shortened } from "../../ui/Plan";
import type { Task } from "../../ui/tasks";
import { Joining } from "./AddProvider";
import { ChangeProvider } from "./ChangeProvider";
import { Check } from "./Check";

type Provider = Schemas["ProviderView"];

export const providerPath = (name: string) => `/providers/${encodeURIComponent(name)}`;

interface Doing {
  what: "check" | "change" | "rejoin" | "remove";
  provider: Provider;
}

export function useProviderTasks(onRemoved?: () => void) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [doing, setDoing] = useState<Doing>();
  const close = () => setDoing(undefined);
  const tasks = (provider: Provider): Task[] => {
    const ask = (what: Doing["what"]) => () => setDoing({ what, provider });
    return [
      { label: t("providers.details"), act: () => void navigate(providerPath(provider.name)) },
      { label: t("providers.check"), act: ask("check"), not: provider.state === "Available" ? undefined : t("providers.mustAnswer") },
      { label: t("providers.template"), act: () => void navigate(`/create-template?provider=${encodeURIComponent(provider.name)}`), not: provider.state === "Available" ? undefined : t("providers.mustAnswer") },
      { label: t("providers.change"), act: ask("change") },
      { label: t("providers.rejoin"), act: ask("rejoin") },
      { label: t("providers.remove"), act: ask("remove"), danger: true },
    ];
  };
  const dialog = doing && <Dialog {...doing} close={close} onRemoved={onRemoved} />;
  return { tasks, dialog };
}

function Dialog({ what, provider, close, onRemoved }: Doing & { close: () => void; onRemoved?: () => void }) {
  switch (what) {
    case "check": return <Check name={provider.name} onClose={close} />;
    case "change": return <ChangeProvider name={provider.name} onClose={close} />;
    case "rejoin": return <Rejoin name={provider.name} onClose={close} />;
    case "remove": return <Remove provider={provider} onClose={close} onRemoved={onRemoved} />;
  }
}

function Rejoin({ name, onClose }: { name: string; onClose: () => void }) {
  const { t } = useTranslation();
  const [join, setJoin] = useState<Schemas["JoinView"]>();
  const act = useAct(async () => setJoin(await told(api.POST("/api/v1/providers/{name}/rejoin", { params: { path: { name } } }))), [["provider", name], ["providers"]]);
  if (join) return <Joining join={join} onClose={onClose} />;
  return (
    <Ask title={t("providers.rejoinTitle", { name })} doing={t("providers.rejoin")} act={act} onClose={onClose} then={() => undefined} variant="small">
      <p>{t("providers.rejoinBody")}</p>
    </Ask>
  );
}

function Remove({ provider, onClose, onRemoved }: { provider: Provider; onClose: () => void; onRemoved?: () => void }) {
  const { t } = useTranslation();
  const [forget, setForget] = useState(false);
  const name = provider.name;
  const [hosts] = useHostsOf([{ provider: name }]);
  const act = useAct(() => told(api.DELETE("/api/v1/providers/{name}", { params: { path: { name }, query: { forget } } })), [["providers"], ["templates"]]);
  const then = () => {
    onClose();
    onRemoved?.();
  };
  return (
    <Ask title={t("providers.removeTitle", { name })} doing={t("providers.remove")} act={act} onClose={onClose} then={then} danger>
      <p>{t("providers.removeBody")}</p>
      <p>{t("providers.removeTemplates", { count: provider.templates })}</p>
      {hosts && hosts.items.length > 0 && <p className="dc-name">{t("providers.removeHosts", { count: hosts.total, names: shortened(hosts.items.map((it) => it.name), hosts.total) })}</p>}
      <Checkbox id="forget-provider" label={t("providers.forget")} description={t("providers.forgetHelp")} isChecked={forget} onChange={(_, on) => setForget(on)} />
    </Ask>
  );
}
