// What a host is like beside its version: as a form, and what of it is sent.
import { ExpandableSection, FormGroup, TextArea } from "@patternfly/react-core";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Schemas } from "../../api/client";
import { ChoiceField, NumberField } from "../../ui/Field";

export interface Setup {
  preparation: "cloud-init" | "sysprep" | "none";
  userData: string;
  unattend: string;
  dataGib: number;
  ready: "guest-agent" | "address" | "running";
}

export const noSetup: Setup = { preparation: "cloud-init", userData: "", unattend: "", dataGib: 0, ready: "guest-agent" };
const GIB = 1024 ** 3;
const KEYS = ["preparation", "userData", "unattend", "dataGib", "ready"] as const;

export const setupBody = (setup: Setup): Schemas["SetupBody"] => saidBody(setup, noSetup);

export const setupOf = (body: Schemas["SetupBody"] | null | undefined): Setup => ({
  preparation: (body?.preparation ?? noSetup.preparation) as Setup["preparation"],
  userData: body?.user_data ?? "",
  unattend: body?.unattend ?? "",
  dataGib: Math.round((body?.data_disk_bytes ?? 0) / GIB),
  ready: (body?.ready_when ?? noSetup.ready) as Setup["ready"],
});

/** What was said, and nothing else, where `usual` holds of the rest: 0 and an empty text take away what is usual there. */
export function saidBody(said: Partial<Setup>, usual: Setup): Schemas["SetupBody"] {
  const prepared = said.preparation ?? usual.preparation;
  const says = (key: "userData" | "unattend" | "dataGib") => said[key] !== undefined && Boolean(said[key] || usual[key]);
  return {
    ...(said.preparation && { preparation: said.preparation }),
    ...(prepared === "cloud-init" && says("userData") && { user_data: said.userData }),
    ...(prepared === "sysprep" && says("unattend") && { unattend: said.unattend }),
    ...(says("dataGib") && { data_disk_bytes: (said.dataGib ?? 0) * GIB }),
    ...(said.ready && { ready_when: said.ready }),
  };
}

/** What turns `before` into `after`, of something whose parts that are left out stay. */
export function setupChange(before: Setup, after: Setup): Schemas["SetupBody"] | undefined {
  const changed = Object.fromEntries(KEYS.filter((key) => before[key] !== after[key]).map((key) => [key, after[key]]));
  const body = saidBody(changed, before);
  return Object.keys(body).length > 0 ? body : undefined;
}

interface Props {
  setup: Setup;
  /** What somebody has just said. */
  onSay: (said: Partial<Setup>) => void;
}

export function SetupFields(props: Props) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  return (
    <ExpandableSection toggleText={t("setup.title")} isExpanded={open} onToggle={(_, next) => setOpen(next)}>
      <div className="pf-v6-c-form"><SetupChoices {...props} /><SetupText {...props} /></div>
    </ExpandableSection>
  );
}

export function SetupChoices({ setup, onSay }: Props) {
  const { t } = useTranslation();
  const preparations = ["cloud-init", "sysprep", "none"] as const;
  const readies = ["guest-agent", "address", "running"] as const;
  return (
    <>
      <ChoiceField label={t("setup.preparation")} value={setup.preparation} onChange={(value) => onSay({ preparation: value as Setup["preparation"] })} choices={preparations.map((value) => ({ value, label: t(`setup.preparations.${value}`) }))} />
      <ChoiceField label={t("setup.ready")} value={setup.ready} onChange={(value) => onSay({ ready: value as Setup["ready"] })} choices={readies.map((value) => ({ value, label: t(`setup.readies.${value}`) }))} />
      <NumberField label={t("setup.data")} help={t("setup.dataHelp")} value={setup.dataGib} onChange={(dataGib) => onSay({ dataGib })} min={0} />
    </>
  );
}

/** The text that goes with the preparation, if one does. */
export function SetupText({ setup, onSay }: Props) {
  const { t } = useTranslation();
  const id = useId();
  if (setup.preparation === "none") return null;
  const key = setup.preparation === "sysprep" ? "unattend" : "userData";
  return (
    <FormGroup label={t(`setup.texts.${setup.preparation}`)} fieldId={id} isRequired={key === "unattend"}>
      <TextArea id={id} value={setup[key]} onChange={(_, text) => onSay({ [key]: text })} rows={4} resizeOrientation="vertical" />
    </FormGroup>
  );
}
