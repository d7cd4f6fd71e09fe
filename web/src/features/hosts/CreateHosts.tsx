// Making hosts of a template: what nobody touches is as the template says, and is not sent.
import { Checkbox } from "@patternfly/react-core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { useAct, useIdempotencyKey } from "../../api/act";
import { api, told, type Schemas } from "../../api/client";
import { useTemplates, useVersions } from "../../api/queries";
import { Ask } from "../../ui/Ask";
import { ChoiceField, NumberField, TextField } from "../../ui/Field";
import { Plan, usePlan } from "../../ui/Plan";
import { isPattern } from "../../ui/rules";
import { saidBody, SetupFields, setupOf, type Setup } from "./Setup";

/** As many as the server makes in one request. */
const COUNT_MAX = 1000;

/** What hosts are called of a template that does not say, unless somebody does. */
const PATTERN = "desk-{nnn}";

/** What somebody said of the new hosts. */
export interface Said {
  name?: string;
  full?: boolean;
  setup: Partial<Setup>;
}

type Defaults = Schemas["HostDefaultsBody"];

/** What is sent of it; an empty name is none. */
export function wishes(said: Said, usual: Defaults): Pick<Schemas["CreateHosts"], "name" | "full" | "setup"> {
  const name = (said.name ?? (usual.name ? "" : PATTERN)) || undefined;
  const setup = saidBody(said.setup, setupOf(usual.setup));
  return {
    ...(name !== undefined && { name }),
    ...(said.full !== undefined && { full: said.full }),
    ...(Object.keys(setup).length > 0 && { setup }),
  };
}

export function CreateHosts({ template: given, onClose }: { template?: string | undefined; onClose: () => void }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const key = useIdempotencyKey();
  const templates = useTemplates().data?.filter((it) => it.version) ?? [];
  const [template, setTemplate] = useState(given ?? "");
  const [version, setVersion] = useState("");
  const [count, setCount] = useState(1);
  const [said, setSaid] = useState<Said>({ setup: {} });
  const usual = templates.find((it) => it.name === template)?.host_defaults ?? {};
  const versions = useVersions(template).data ?? [];
  const { name, ...others } = wishes(said, usual);
  const named = name ?? usual.name;
  const wrong = named && isPattern(named) ? undefined : t("hosts.patternWrong");
  const valid = template !== "" && !wrong;
  const body = { template, count, ...(name && { name }), ...others, ...(version && { version }) };
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
      <TextField label={t("hosts.pattern")} help={usual.name ? t("hosts.patternUsual", { pattern: usual.name }) : t("hosts.patternHelp")} value={name ?? ""} placeholder={usual.name ?? ""} onChange={(it) => setSaid({ ...said, name: it })} wrong={wrong} required={!usual.name} />
      <Checkbox id="full" label={t("hosts.full")} description={t("hosts.fullHelp")} isChecked={said.full ?? usual.kind === "full"} onChange={(_, full) => setSaid({ ...said, full })} />
      <SetupFields setup={{ ...setupOf(usual.setup), ...said.setup }} onSay={(it) => setSaid({ ...said, setup: { ...said.setup, ...it } })} />
      <Plan plan={plan} />
    </Ask>
  );
}
