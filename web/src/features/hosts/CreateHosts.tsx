// Making hosts of a template.
import { Checkbox } from "@patternfly/react-core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { useAct, useIdempotencyKey } from "../../api/act";
import { api, told } from "../../api/client";
import { useTemplates, useVersions } from "../../api/queries";
import { Ask } from "../../ui/Ask";
import { ChoiceField, NumberField, TextField } from "../../ui/Field";
import { Plan, usePlan } from "../../ui/Plan";
import { isPattern } from "../../ui/rules";
import { noSetup, setupBody, SetupFields } from "./Setup";

/** As many as the server makes in one request. */
const COUNT_MAX = 1000;

export function CreateHosts({ template: given, onClose }: { template?: string | undefined; onClose: () => void }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const key = useIdempotencyKey();
  const templates = useTemplates().data?.filter((it) => it.version) ?? [];
  const [template, setTemplate] = useState(given ?? "");
  const [version, setVersion] = useState("");
  const [count, setCount] = useState(1);
  const [name, setName] = useState("desk-{nnn}");
  const [full, setFull] = useState(false);
  const [setup, setSetup] = useState(noSetup);
  const versions = useVersions(template).data ?? [];
  const wrong = isPattern(name) ? undefined : t("hosts.patternWrong");
  const valid = template !== "" && !wrong;
  const body = { template, count, name, full, providers: [], setup: setupBody(setup), ...(version && { version }) };
  const ask = (dry_run: boolean) => told(api.POST("/api/v1/hosts", { params: { query: { dry_run } }, headers: dry_run ? {} : key, body }));
  const plan = usePlan(["create-hosts", body], valid ? () => ask(true) : undefined);
  const act = useAct(() => ask(false), [["hosts"], ["templates"]]);
  const then = () => {
    onClose();
    void navigate(`/hosts?template=${encodeURIComponent(template)}`);
  };
  return (
    <Ask title={t("hosts.createTitle")} doing={t("hosts.createDo", { count })} act={act} onClose={onClose} then={then} disabled={!valid} variant="large">
      <ChoiceField label={t("hosts.template")} value={template} onChange={setTemplate} choices={[{ value: "", label: t("hosts.chooseTemplate") }, ...templates.map((it) => ({ value: it.name, label: it.name }))]} required />
      <ChoiceField
        label={t("hosts.version")} value={version} onChange={setVersion}
        choices={[{ value: "", label: t("hosts.currentVersion") }, ...versions.map((it) => ({ value: String(it.number), label: [`v${it.number}`, ...it.tags].join(" ") }))]}
      />
      <NumberField label={t("hosts.count")} value={count} onChange={setCount} min={1} max={COUNT_MAX} />
      <TextField label={t("hosts.pattern")} help={t("hosts.patternHelp")} value={name} onChange={setName} wrong={wrong} required />
      <Checkbox id="full" label={t("hosts.full")} description={t("hosts.fullHelp")} isChecked={full} onChange={(_, on) => setFull(on)} />
      <SetupFields setup={setup} onChange={setSetup} />
      <Plan plan={plan} />
    </Ask>
  );
}
