// What hosts of a template are like where nobody says otherwise: as fields, in words, and what of it is sent.
import { ExpandableSection } from "@patternfly/react-core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Schemas } from "../../api/client";
import { Facts } from "../../ui/Facts";
import { ChoiceField, TextField } from "../../ui/Field";
import { bytes } from "../../ui/format";
import { isPattern } from "../../ui/rules";
import { setupChange, SetupChoices, setupOf, SetupText, type Setup } from "../hosts/Setup";

type Body = Schemas["HostDefaultsBody"];
const KINDS = ["linked", "full"] as const;

export interface Defaults {
  kind: (typeof KINDS)[number];
  /** A pattern; empty: none. */
  name: string;
  setup: Setup;
}

/** How hosts are of a template that says nothing about them, too. */
export const defaultsOf = (body: Body | undefined): Defaults => ({
  kind: body?.kind === "full" ? "full" : "linked",
  name: body?.name ?? "",
  setup: setupOf(body?.setup),
});

/** What turns `before` into `after`; an empty text takes away what was there. */
export function defaultsChange(before: Defaults, after: Defaults): { host_defaults?: Body } {
  const setup = setupChange(before.setup, after.setup);
  const body: Body = {
    ...(after.kind !== before.kind && { kind: after.kind }),
    ...(after.name !== before.name && { name: after.name }),
    ...(setup && { setup }),
  };
  return Object.keys(body).length > 0 ? { host_defaults: body } : {};
}

export const defaultsRight = ({ name }: Defaults) => name === "" || isPattern(name);

export function HostDefaultsFields({ defaults, onChange }: { defaults: Defaults; onChange: (defaults: Defaults) => void }) {
  const { t } = useTranslation();
  const { kind, name, setup } = defaults;
  const [asked, setAsked] = useState<boolean>();
  const say = (said: Partial<Setup>) => onChange({ ...defaults, setup: { ...setup, ...said } });
  return (
    <>
      <ChoiceField label={t("hosts.kind")} help={t("hostDefaults.kindHelp")} value={kind} onChange={(value) => onChange({ ...defaults, kind: value as Defaults["kind"] })} choices={KINDS.map((value) => ({ value, label: t(`hostDefaults.kinds.${value}`) }))} />
      <TextField label={t("hosts.pattern")} help={t("hostDefaults.patternHelp")} placeholder="desk-{nnn}" value={name} onChange={(value) => onChange({ ...defaults, name: value })} wrong={defaultsRight(defaults) ? undefined : t("hosts.patternWrong")} />
      <SetupChoices setup={setup} onSay={say} />
      {setup.preparation !== "none" && (
        // Sysprep does not go without its text.
        <ExpandableSection toggleText={t(`hostDefaults.texts.${setup.preparation}`)} isExpanded={asked ?? setup.preparation === "sysprep"} onToggle={(_, open) => setAsked(open)}>
          <SetupText setup={setup} onSay={say} />
        </ExpandableSection>
      )}
    </>
  );
}

export function HostDefaultsFacts({ defaults: { kind, name, setup } }: { defaults: Defaults }) {
  const { t } = useTranslation();
  const none = t("common.none");
  const text = setup.preparation === "sysprep" ? setup.unattend : setup.preparation === "cloud-init" ? setup.userData : "";
  return (
    <Facts
      facts={[
        [t("hosts.kind"), t(`hostDefaults.kinds.${kind}`)],
        [t("hosts.pattern"), name === "" ? none : name],
        [t("setup.preparation"), t(`setup.preparations.${setup.preparation}`)],
        [t("setup.ready"), t(`setup.readies.${setup.ready}`)],
        [t("setup.data"), setup.dataGib === 0 ? none : bytes(setup.dataGib * 1024 ** 3)],
        [t("hostDefaults.text"), text === "" ? none : t("hostDefaults.lines", { count: text.trimEnd().split("\n").length })],
      ]}
    />
  );
}
