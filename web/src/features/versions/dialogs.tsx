// Making a version the current one, giving it a tag, deleting it: each with what would come of it.
import { FormGroup, Radio } from "@patternfly/react-core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useAct } from "../../api/act";
import { api, told, type Schemas } from "../../api/client";
import { Ask } from "../../ui/Ask";
import { TextField } from "../../ui/Field";
import { Plan, usePlan } from "../../ui/Plan";
import { isLabel } from "../../ui/rules";
import { Silent } from "../maintenance/Silent";
import { noTerms, termsBody, TermsFields, wavesRight } from "../recreations/Terms";

interface Props {
  name: string;
  version: Schemas["VersionView"];
  onClose: () => void;
}

export function Activate({ name, version, onClose }: Props) {
  const { t } = useTranslation();
  const [recreate, setRecreate] = useState<"later" | "now">("later");
  const [terms, setTerms] = useState(noTerms);
  const [silent, setSilent] = useState("ask");
  const path = { name, version: String(version.number) };
  const valid = recreate === "later" || wavesRight(terms.waves);
  const body = { recreate, if_unavailable: silent, terms: recreate === "now" ? termsBody(terms) : {} };
  const ask = (dry_run: boolean) =>
    told(api.POST("/api/v1/templates/{name}/versions/{version}/activate", { params: { path, query: { dry_run } }, body }));
  const plan = usePlan(["activate", path, body], valid ? () => ask(true) : undefined);
  const act = useAct(() => ask(false), [["versions", name], ["template", name], ["templates"], ["distribution", name]]);
  return (
    <Ask title={t("versions.activateTitle", { name, version: version.number })} doing={t("versions.activate")} act={act} onClose={onClose} disabled={!valid}>
      <p>{t("versions.activateBody")}</p>
      <FormGroup role="radiogroup" label={t("maintenance.question")} fieldId="recreate">
        {(["later", "now"] as const).map((value) => (
          <Radio key={value} id={`activate-${value}`} name="activate" label={t(`maintenance.recreate.${value}`)} isChecked={recreate === value} onChange={() => setRecreate(value)} />
        ))}
      </FormGroup>
      {recreate === "now" && <TermsFields terms={terms} onChange={setTerms} />}
      {recreate === "now" && <Silent template={name} choice={silent} onChoice={setSilent} />}
      <Plan plan={plan} />
    </Ask>
  );
}

export function DeleteVersion({ name, version, onClose }: Props) {
  const { t } = useTranslation();
  const path = { name, version: String(version.number) };
  const ask = (dry_run: boolean) =>
    told(api.DELETE("/api/v1/templates/{name}/versions/{version}", { params: { path, query: { dry_run } } }));
  const plan = usePlan(["delete-version", path], () => ask(true));
  const act = useAct(() => ask(false), [["versions", name]]);
  return (
    <Ask title={t("versions.deleteTitle", { name, version: version.number })} doing={t("versions.delete")} act={act} onClose={onClose} danger>
      <p>{t("versions.deleteBody")}</p>
      {version.kept_because.length > 0 && <p>{t("versions.keptBecause", { why: version.kept_because.join(", ") })}</p>}
      <Plan plan={plan} />
    </Ask>
  );
}

export function TagVersion({ name, version, onClose }: Props) {
  const { t } = useTranslation();
  const [tag, setTag] = useState("");
  const path = { name, version: String(version.number) };
  const act = useAct(() => told(api.POST("/api/v1/templates/{name}/versions/{version}/tags", { params: { path }, body: { tag } })), [["versions", name], ["pools"]]);
  const wrong = tag !== "" && (!isLabel(tag) || /^v?\d+$/.test(tag)) ? t("versions.tagWrong") : undefined;
  return (
    <Ask title={t("versions.tagTitle", { name, version: version.number })} doing={t("versions.tag")} act={act} onClose={onClose} disabled={tag === "" || wrong !== undefined} variant="small">
      <TextField label={t("versions.tagName")} help={t("versions.tagHelp")} value={tag} onChange={setTag} wrong={wrong} required autoFocus />
    </Ask>
  );
}
