// Making a pool.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { useAct, useIdempotencyKey } from "../../api/act";
import { api, told } from "../../api/client";
import { useTemplates } from "../../api/queries";
import { Ask } from "../../ui/Ask";
import { ChoiceField, TextField } from "../../ui/Field";
import { Plan, usePlan } from "../../ui/Plan";
import { isLabel, isPattern } from "../../ui/rules";
import { noSetup, setupBody, SetupFields } from "../hosts/Setup";
import { noSettings, settingsBody, SettingsFields, settingsWrong } from "./Settings";
import { poolPath } from "./tasks";

export function CreatePool({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const key = useIdempotencyKey();
  const templates = useTemplates().data?.filter((it) => it.version) ?? [];
  const [name, setName] = useState("");
  const [template, setTemplate] = useState("");
  const [pattern, setPattern] = useState("desk-{nnn}");
  const [settings, setSettings] = useState(noSettings);
  const [setup, setSetup] = useState(noSetup);
  const wrongName = name === "" || isLabel(name) ? undefined : t("create.nameWrong");
  const wrongPattern = isPattern(pattern) ? undefined : t("hosts.patternWrong");
  const valid = name !== "" && template !== "" && !wrongName && !wrongPattern && !settingsWrong(settings);
  const body = { name, template, pattern, settings: { ...settingsBody(settings), setup: setupBody(setup) } };
  const ask = (dry_run: boolean) => told(api.POST("/api/v1/pools", { params: { query: { dry_run } }, headers: dry_run ? {} : key, body }));
  const plan = usePlan(["create-pool", body], valid ? () => ask(true) : undefined);
  const act = useAct(() => ask(false), [["pools"], ["hosts"]]);
  const then = () => {
    onClose();
    void navigate(poolPath(name));
  };
  return (
    <Ask title={t("pools.createTitle")} doing={t("pools.create")} act={act} onClose={onClose} then={then} disabled={!valid} variant="large">
      <TextField label={t("pools.name")} help={t("create.nameHelp")} value={name} onChange={setName} wrong={wrongName} required autoFocus />
      <ChoiceField label={t("hosts.template")} value={template} onChange={setTemplate} required choices={[{ value: "", label: t("hosts.chooseTemplate") }, ...templates.map((it) => ({ value: it.name, label: it.name }))]} />
      <TextField label={t("hosts.pattern")} help={t("hosts.patternHelp")} value={pattern} onChange={setPattern} wrong={wrongPattern} required />
      <SettingsFields settings={settings} onChange={setSettings} />
      <SetupFields setup={setup} onSay={(said) => setSetup({ ...setup, ...said })} />
      <Plan plan={plan} />
    </Ask>
  );
}
