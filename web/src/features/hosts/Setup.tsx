// What a host is like beside its version.
import { ExpandableSection, FormGroup, TextArea } from "@patternfly/react-core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Schemas } from "../../api/client";
import { ChoiceField, NumberField } from "../../ui/Field";

export interface Setup {
  preparation: "cloud-init" | "sysprep" | "none";
  text: string;
  dataGib: number;
  ready: "guest-agent" | "address" | "running";
}

export const noSetup: Setup = { preparation: "cloud-init", text: "", dataGib: 0, ready: "guest-agent" };
const GIB = 1024 ** 3;

export function setupBody(setup: Setup): Schemas["SetupBody"] {
  const text = setup.text === "" ? {} : setup.preparation === "sysprep" ? { unattend: setup.text } : setup.preparation === "cloud-init" ? { user_data: setup.text } : {};
  return {
    preparation: setup.preparation,
    ready_when: setup.ready,
    ...text,
    ...(setup.dataGib > 0 && { data_disk_bytes: setup.dataGib * GIB }),
  };
}

export const setupOf = (body: Schemas["SetupBody"]): Setup => ({
  preparation: (body.preparation ?? noSetup.preparation) as Setup["preparation"],
  text: body.user_data ?? body.unattend ?? "",
  dataGib: Math.round((body.data_disk_bytes ?? 0) / GIB),
  ready: (body.ready_when ?? noSetup.ready) as Setup["ready"],
});

/** What turns `before` into `after`, of something whose parts that are left out stay. */
export function setupChange(before: Setup, after: Setup): Schemas["SetupBody"] | undefined {
  const changed = (key: keyof Setup) => before[key] !== after[key];
  if (!(["preparation", "text", "dataGib", "ready"] as const).some(changed)) return undefined;
  const { data_disk_bytes: _, ...body } = setupBody(after);
  return changed("dataGib") ? { ...body, data_disk_bytes: after.dataGib * GIB } : body;
}

export function SetupFields({ setup, onChange }: { setup: Setup; onChange: (setup: Setup) => void }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  const preparations = ["cloud-init", "sysprep", "none"] as const;
  const readies = ["guest-agent", "address", "running"] as const;
  return (
    <ExpandableSection toggleText={t("setup.title")} isExpanded={open} onToggle={(_, next) => setOpen(next)}>
      <div className="pf-v6-c-form">
        <ChoiceField label={t("setup.preparation")} value={setup.preparation} onChange={(value) => onChange({ ...setup, preparation: value as Setup["preparation"] })} choices={preparations.map((value) => ({ value, label: t(`setup.preparations.${value}`) }))} />
        {setup.preparation !== "none" && (
          <FormGroup label={t(`setup.texts.${setup.preparation}`)} fieldId="setup-text">
            <TextArea id="setup-text" value={setup.text} onChange={(_, text) => onChange({ ...setup, text })} rows={4} resizeOrientation="vertical" />
          </FormGroup>
        )}
        <NumberField label={t("setup.data")} help={t("setup.dataHelp")} value={setup.dataGib} onChange={(dataGib) => onChange({ ...setup, dataGib })} min={0} />
        <ChoiceField label={t("setup.ready")} value={setup.ready} onChange={(value) => onChange({ ...setup, ready: value as Setup["ready"] })} choices={readies.map((value) => ({ value, label: t(`setup.readies.${value}`) }))} />
      </div>
    </ExpandableSection>
  );
}
