// How a recreation is to go: its waves, its patience.
import { useTranslation } from "react-i18next";
import type { Schemas } from "../../api/client";
import { NumberField, TextField } from "../../ui/Field";

export interface Terms {
  waves: string;
  deadline: string;
  health: number;
}

/** As the server has it when nothing is said. */
export const noTerms: Terms = { waves: "1,10%,50%,100%", deadline: "", health: 600 };

export function termsBody(terms: Terms): Schemas["TermsBody"] {
  return {
    waves: terms.waves,
    health_seconds: terms.health,
    ...(terms.deadline && { deadline: new Date(terms.deadline).toISOString() }),
  };
}

/** `1,10%,100%` or a number. */
export const wavesRight = (waves: string) => /^\s*\d+%?(\s*,\s*\d+%?)*\s*$/.test(waves);

export function TermsFields({ terms, onChange }: { terms: Terms; onChange: (terms: Terms) => void }) {
  const { t } = useTranslation();
  return (
    <>
      <TextField
        label={t("terms.waves")}
        help={t("terms.wavesHelp")}
        value={terms.waves}
        onChange={(waves) => onChange({ ...terms, waves })}
        wrong={wavesRight(terms.waves) ? undefined : t("terms.wavesWrong")}
      />
      <TextField label={t("terms.deadline")} help={t("terms.deadlineHelp")} type="datetime-local" value={terms.deadline} onChange={(deadline) => onChange({ ...terms, deadline })} />
      <NumberField label={t("terms.health")} help={t("terms.healthHelp")} value={terms.health} onChange={(health) => onChange({ ...terms, health })} min={1} />
    </>
  );
}
