// Putting providers on a distribution list, with what stands in the way there before a byte moves.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useAct } from "../../api/act";
import { api, told } from "../../api/client";
import { useDistribution, useProviders } from "../../api/queries";
import { Ask } from "../../ui/Ask";
import { Loaded } from "../../ui/Loaded";
import { Plan, usePlan } from "../../ui/Plan";
import { TwoLists } from "./TwoLists";

export function AddProviders({ template, onClose }: { template: string; onClose: () => void }) {
  const { t } = useTranslation();
  const providers = useProviders();
  const distribution = useDistribution(template);
  const [chosen, setChosen] = useState<string[]>([]);
  const path = { name: template };
  const ask = (dry_run: boolean) =>
    told(api.POST("/api/v1/templates/{name}/distribution/providers", { params: { path, query: { dry_run } }, body: { providers: chosen } }));
  const plan = usePlan(["add-providers", template, chosen], chosen.length > 0 ? () => ask(true) : undefined);
  const act = useAct(() => ask(false), [["distribution", template], ["templates"]]);
  const there = new Set(distribution.data?.providers.map((row) => row.provider));
  return (
    <Ask
      title={t("distribution.addTitle", { template })}
      doing={t("distribution.addDo", { count: chosen.length })}
      act={act}
      onClose={onClose}
      disabled={chosen.length === 0}
      variant="large"
    >
      <Loaded query={providers}>
        {(all) => <TwoLists providers={all.filter((it) => !there.has(it.name))} chosen={chosen} onChange={setChosen} plan={plan} />}
      </Loaded>
      <Plan plan={plan} />
    </Ask>
  );
}
