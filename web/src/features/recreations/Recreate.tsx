// Moving hosts to another version: which, when, how; and what would come of it.
import { FormGroup, Radio } from "@patternfly/react-core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { useAct, useIdempotencyKey } from "../../api/act";
import { api, told, type Schemas } from "../../api/client";
import { Ask } from "../../ui/Ask";
import { ChoiceField, TextField } from "../../ui/Field";
import { Plan, usePlan } from "../../ui/Plan";
import { noTerms, termsBody, TermsFields, wavesRight } from "./Terms";

type What = Partial<Schemas["CreateRecreation"]>;

export function Recreate({ what, onClose }: { what: What; onClose: () => void }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const key = useIdempotencyKey();
  const [when, setWhen] = useState<"now" | "at">("now");
  const [at, setAt] = useState("");
  const [terms, setTerms] = useState(noTerms);
  const [silent, setSilent] = useState("ask");
  const valid = (when === "now" || at !== "") && wavesRight(terms.waves);
  const body = {
    hosts: [], outdated: false, ...what, terms: termsBody(terms), if_unavailable: silent,
    ...(when === "at" && at && { at: new Date(at).toISOString() }),
  };
  const ask = (dry_run: boolean) =>
    told(api.POST("/api/v1/recreations", { params: { query: { dry_run } }, headers: dry_run ? {} : key, body }));
  const plan = usePlan(["recreate", body], valid ? () => ask(true) : undefined);
  const act = useAct(() => ask(false), [["recreations"], ["hosts"]]);
  const then = () => {
    onClose();
    void navigate("/recreations");
  };
  return (
    <Ask title={t("recreate.title")} doing={t("recreate.do")} act={act} onClose={onClose} then={then} disabled={!valid} variant="large">
      <p>{t("recreate.body")}</p>
      <FormGroup role="radiogroup" label={t("recreate.when")} fieldId="when" isInline>
        <Radio id="when-now" name="when" label={t("recreate.now")} isChecked={when === "now"} onChange={() => setWhen("now")} />
        <Radio id="when-at" name="when" label={t("recreate.at")} isChecked={when === "at"} onChange={() => setWhen("at")} />
      </FormGroup>
      {when === "at" && <TextField label={t("maintenance.at")} type="datetime-local" value={at} onChange={setAt} required wrong={at === "" ? t("maintenance.atWrong") : undefined} />}
      <TermsFields terms={terms} onChange={setTerms} />
      <ChoiceField
        label={t("silent.question")}
        value={silent}
        onChange={setSilent}
        choices={(["ask", "proceed", "later"] as const).map((value) => ({ value, label: t(`silent.${value}`) }))}
      />
      <Plan plan={plan} />
    </Ask>
  );
}
