// Leaving maintenance: a note, and the question what becomes of the hosts.
import { Checkbox, FormGroup, Radio } from "@patternfly/react-core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { useAct } from "../../api/act";
import { api, told, type Schemas } from "../../api/client";
import { Ask } from "../../ui/Ask";
import { NumberField, TextField } from "../../ui/Field";
import { Plan, usePlan } from "../../ui/Plan";
import { noTerms, termsBody, TermsFields, wavesRight } from "../recreations/Terms";
import { templatePath } from "../templates/tasks";
import { Silent } from "./Silent";

type When = "now" | "later" | "at";
const SHUTDOWN_SECONDS = 180;

export function LeaveMaintenance({ template, onClose }: { template: Schemas["TemplateView"]; onClose: () => void }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [note, setNote] = useState("");
  const [when, setWhen] = useState<When>("later");
  const [at, setAt] = useState("");
  const [terms, setTerms] = useState(noTerms);
  const [silent, setSilent] = useState("ask");
  const [seconds, setSeconds] = useState(SHUTDOWN_SECONDS);
  const [force, setForce] = useState(false);
  const [trim, setTrim] = useState(false);
  const name = template.name;
  const path = { name };
  const valid = when === "later" || (wavesRight(terms.waves) && (when !== "at" || at !== ""));
  const recreate = when === "at" ? (at ? new Date(at).toISOString() : undefined) : when;
  const body = {
    ...(note && { note }),
    recreate,
    if_unavailable: silent,
    terms: when === "later" ? {} : termsBody(terms),
    shutdown_seconds: seconds,
    force,
    trim,
  };
  const ask = (dry_run: boolean) =>
    told(api.POST("/api/v1/templates/{name}/maintenance/leave", { params: { path, query: { dry_run } }, body }));
  const plan = usePlan(["leave", name, body], valid ? () => ask(true) : undefined);
  const act = useAct(() => ask(false), [["template", name], ["templates"]]);
  const then = () => {
    onClose();
    void navigate(templatePath(name, "maintenance"));
  };
  const radio = (value: When) => (
    <Radio
      id={`recreate-${value}`}
      name="recreate"
      label={t(`maintenance.recreate.${value}`)}
      description={t(`maintenance.recreate.${value}Help`, { count: template.hosts })}
      isChecked={when === value}
      onChange={() => setWhen(value)}
    />
  );
  return (
    <Ask title={t("maintenance.leaveTitle", { template: name })} doing={t("maintenance.leave")} act={act} onClose={onClose} then={then} disabled={!valid} variant="large">
      <p>{t("maintenance.leaveBody")}</p>
      <TextField label={t("maintenance.note")} help={t("maintenance.noteHelp")} value={note} onChange={setNote} autoFocus />
      <FormGroup role="radiogroup" label={t("maintenance.question")} fieldId="recreate">
        {(["later", "now", "at"] as const).map((value) => <div key={value}>{radio(value)}</div>)}
      </FormGroup>
      {when === "at" && (
        <TextField label={t("maintenance.at")} type="datetime-local" value={at} onChange={setAt} required wrong={at === "" ? t("maintenance.atWrong") : undefined} />
      )}
      {when !== "later" && <TermsFields terms={terms} onChange={setTerms} />}
      {when !== "later" && <Silent template={name} choice={silent} onChoice={setSilent} />}
      <NumberField label={t("maintenance.shutdown")} help={t("maintenance.shutdownHelp")} value={seconds} onChange={setSeconds} min={0} />
      <Checkbox id="force" label={t("maintenance.force")} description={t("maintenance.forceHelp")} isChecked={force} onChange={(_, on) => setForce(on)} />
      <Checkbox id="trim" label={t("trimming.do")} description={t("trimming.doHelp")} isChecked={trim} onChange={(_, on) => setTrim(on)} />
      <Plan plan={plan} />
    </Ask>
  );
}
