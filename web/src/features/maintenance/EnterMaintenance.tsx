// Entering maintenance: where the working copy is opened, and what that means.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { useAct, useIdempotencyKey } from "../../api/act";
import { api, told } from "../../api/client";
import { useDistribution } from "../../api/queries";
import { Ask } from "../../ui/Ask";
import { ChoiceField } from "../../ui/Field";
import { Plan, usePlan } from "../../ui/Plan";
import { templatePath } from "../templates/tasks";

export function EnterMaintenance({ template, onClose }: { template: string; onClose: () => void }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const key = useIdempotencyKey();
  const distribution = useDistribution(template);
  const [provider, setProvider] = useState("");
  const path = { name: template };
  const body = provider ? { provider } : {};
  const ask = (dry_run: boolean) =>
    told(api.POST("/api/v1/templates/{name}/maintenance", { params: { path, query: { dry_run } }, headers: dry_run ? {} : key, body }));
  const plan = usePlan(["enter", template, body], () => ask(true));
  const act = useAct(() => ask(false), [["template", template], ["templates"]]);
  const ready = (distribution.data?.providers ?? []).filter((row) => row.state === "Ready");
  const then = () => {
    onClose();
    void navigate(templatePath(template, "maintenance"));
  };
  return (
    <Ask title={t("maintenance.enterTitle", { template })} doing={t("maintenance.enter")} act={act} onClose={onClose} then={then}>
      <p>{t("maintenance.enterBody")}</p>
      <ChoiceField
        label={t("maintenance.where")}
        help={t("maintenance.whereHelp")}
        value={provider}
        onChange={setProvider}
        choices={[{ value: "", label: t("maintenance.anywhere") }, ...ready.map((row) => ({ value: row.provider, label: row.provider }))]}
      />
      <Plan plan={plan} />
    </Ask>
  );
}
