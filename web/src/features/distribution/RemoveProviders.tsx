// Taking providers off a distribution list: what will happen, and whether hosts are waited for.
import { Checkbox } from "@patternfly/react-core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useAct } from "../../api/act";
import { api, told } from "../../api/client";
import { Ask } from "../../ui/Ask";
import { Plan, shortened, usePlan } from "../../ui/Plan";

interface Props {
  template: string;
  providers: string[];
  onClose: () => void;
}

export function RemoveProviders({ template, providers, onClose }: Props) {
  const { t } = useTranslation();
  const [whenFree, setWhenFree] = useState(false);
  const path = { name: template };
  const body = { providers, when_free: whenFree };
  const ask = (dry_run: boolean) =>
    told(api.POST("/api/v1/templates/{name}/distribution/remove", { params: { path, query: { dry_run } }, body }));
  const plan = usePlan(["remove-providers", template, body], () => ask(true));
  const act = useAct(() => ask(false), [["distribution", template], ["templates"]]);
  return (
    <Ask title={t("distribution.removeTitle", { template })} doing={t("distribution.remove")} act={act} onClose={onClose} danger>
      <p className="dc-name">{t("distribution.removeBody", { providers: shortened(providers) })}</p>
      <Checkbox
        id="when-free"
        label={t("distribution.whenFree")}
        description={t("distribution.whenFreeHelp")}
        isChecked={whenFree}
        onChange={(_, on) => setWhenFree(on)}
      />
      <Plan plan={plan} />
    </Ask>
  );
}
