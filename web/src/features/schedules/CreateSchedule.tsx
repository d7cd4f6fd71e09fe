// Making a schedule.
import { Checkbox, FormGroup, Radio } from "@patternfly/react-core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useAct, useIdempotencyKey } from "../../api/act";
import { api, told } from "../../api/client";
import { usePools, useTemplates } from "../../api/queries";
import { Ask } from "../../ui/Ask";
import { ChoiceField, TextField } from "../../ui/Field";
import { Plan, usePlan } from "../../ui/Plan";
import { isLabel } from "../../ui/rules";
import { noTerms, termsBody, TermsFields, wavesRight } from "../recreations/Terms";

const FIELDS = 5;

export function CreateSchedule({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const key = useIdempotencyKey();
  const templates = useTemplates().data ?? [];
  const pools = usePools().data ?? [];
  const [name, setName] = useState("");
  const [action, setAction] = useState("recreate");
  const [of, setOf] = useState("");
  const [again, setAgain] = useState(true);
  const [cron, setCron] = useState("0 3 * * SAT");
  const [zone, setZone] = useState(Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC");
  const [at, setAt] = useState("");
  const [terms, setTerms] = useState(noTerms);
  const [force, setForce] = useState(false);
  const wrongName = name === "" || isLabel(name) ? undefined : t("create.nameWrong");
  const wrongCron = cron.trim().split(/\s+/).length === FIELDS ? undefined : t("schedules.cronWrong");
  const valid = name !== "" && !wrongName && of !== "" && (again ? !wrongCron : at !== "") && wavesRight(terms.waves);
  const [kind = "", chosen = ""] = of.split(/:(.*)/s);
  const body = {
    name, action, hosts: [], force: action === "stop" && force,
    terms: action === "recreate" ? termsBody(terms) : {},
    ...(kind === "pool" ? { pool: chosen } : { template: chosen }),
    ...(again ? { cron, zone } : at ? { at: new Date(at).toISOString() } : {}),
  };
  const ask = (dry_run: boolean) => told(api.POST("/api/v1/schedules", { params: { query: { dry_run } }, headers: dry_run ? {} : key, body }));
  const plan = usePlan(["create-schedule", body], valid ? () => ask(true) : undefined);
  const act = useAct(() => ask(false), [["schedules"]]);
  const choices = [
    { value: "", label: t("schedules.chooseHosts") },
    ...pools.map((it) => ({ value: `pool:${it.name}`, label: t("schedules.ofPool", { name: it.name }) })),
    ...templates.map((it) => ({ value: `template:${it.name}`, label: t("schedules.ofTemplate", { name: it.name }) })),
  ];
  return (
    <Ask title={t("schedules.createTitle")} doing={t("schedules.create")} act={act} onClose={onClose} disabled={!valid} variant="large">
      <TextField label={t("schedules.name")} help={t("create.nameHelp")} value={name} onChange={setName} wrong={wrongName} required autoFocus />
      <ChoiceField label={t("schedules.action")} value={action} onChange={setAction} choices={(["recreate", "start", "stop"] as const).map((value) => ({ value, label: t(`schedules.actions.${value}`) }))} />
      <ChoiceField label={t("schedules.selection")} value={of} onChange={setOf} choices={choices} required />
      <FormGroup role="radiogroup" label={t("schedules.when")} fieldId="again" isInline>
        <Radio id="again-yes" name="again" label={t("schedules.again")} isChecked={again} onChange={() => setAgain(true)} />
        <Radio id="again-no" name="again" label={t("schedules.once")} isChecked={!again} onChange={() => setAgain(false)} />
      </FormGroup>
      {again ? (
        <>
          <TextField label={t("schedules.cron")} help={t("schedules.cronHelp")} value={cron} onChange={setCron} wrong={wrongCron} required />
          <TextField label={t("schedules.zone")} help={t("schedules.zoneHelp")} value={zone} onChange={setZone} required />
        </>
      ) : (
        <TextField label={t("maintenance.at")} type="datetime-local" value={at} onChange={setAt} required wrong={at === "" ? t("maintenance.atWrong") : undefined} />
      )}
      {action === "recreate" && <TermsFields terms={terms} onChange={setTerms} />}
      {action === "stop" && <Checkbox id="cut" label={t("hosts.cut")} description={t("hosts.cutHelp")} isChecked={force} onChange={(_, on) => setForce(on)} />}
      <Plan plan={plan} />
    </Ask>
  );
}
