// How large a pool is kept, of what, where, and how its hosts are recreated.
import { Checkbox, ExpandableSection } from "@patternfly/react-core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Schemas } from "../../api/client";
import { ChoiceField, NumberField, TextField } from "../../ui/Field";
import { pairs, pairsRight, pairsText } from "../providers/pairs";
import { noTerms, wavesRight } from "../recreations/Terms";

export interface Settings {
  version: string;
  min: number;
  max: number;
  spare: number;
  placement: string;
  /** `kvm-a=2, kvm-b=1` */
  weights: string;
  cap: number;
  /** Names with commas; empty: wherever the template is. */
  providers: string;
  full: boolean;
  /** Seconds of silence; 0: never. */
  elsewhere: number;
  waves: string;
  health: number;
}

export const noSettings: Settings = {
  version: "newest", min: 1, max: 1, spare: 0, placement: "spread", weights: "", cap: 0, providers: "", full: false, elsewhere: 0,
  waves: noTerms.waves, health: noTerms.health,
};

export const settingsOf = (pool: Schemas["PoolView"]): Settings => ({
  version: pool.follows, min: pool.min, max: pool.max, spare: pool.spare, placement: pool.placement, cap: pool.cap ?? 0,
  weights: pairsText(Object.fromEntries(Object.entries(pool.weights).map(([name, weight]) => [name, String(weight)]))),
  providers: pool.providers.join(", "), full: pool.kind === "full", elsewhere: pool.replace_elsewhere_seconds ?? 0,
  waves: pool.terms.waves ?? noTerms.waves, health: pool.terms.health_seconds ?? noTerms.health,
});

const names = (text: string) => text.split(/[,\s]+/).filter(Boolean);
const weightsRight = (text: string) => text.trim() !== "" && pairsRight(text) && Object.values(pairs(text)).every((it) => /^\d+$/.test(it));

export const settingsWrong = (settings: Settings) =>
  settings.max < settings.min || settings.version === "" || (settings.placement === "weights" && !weightsRight(settings.weights)) || !wavesRight(settings.waves);

/** What is sent: of a pool that is there already, only what was changed. */
export function settingsBody(settings: Settings, before?: Settings): Schemas["PoolSettings"] {
  const changed = (...keys: (keyof Settings)[]) => before === undefined || keys.some((key) => before[key] !== settings[key]);
  const same = (["version", "min", "max", "spare", "cap", "full"] as const).filter((key) => changed(key));
  const weighs = settings.placement === "weights";
  return {
    ...Object.fromEntries(same.map((key) => [key, settings[key]])),
    ...((weighs ? changed("placement", "weights") : changed("placement")) && { placement: settings.placement }),
    ...(weighs && changed("placement", "weights") && { weights: Object.fromEntries(Object.entries(pairs(settings.weights)).map(([name, weight]) => [name, Number(weight)])) }),
    ...(changed("providers") && { providers: names(settings.providers) }),
    ...(changed("elsewhere") && { replace_elsewhere_seconds: settings.elsewhere }),
    ...(changed("waves", "health") && { terms: { waves: settings.waves, health_seconds: settings.health } }),
  };
}

export function SettingsFields({ settings, onChange }: { settings: Settings; onChange: (settings: Settings) => void }) {
  const { t } = useTranslation();
  const [more, setMore] = useState(false);
  const set = (part: Partial<Settings>) => onChange({ ...settings, ...part });
  return (
    <>
      <NumberField label={t("pools.min")} help={t("pools.minHelp")} value={settings.min} onChange={(min) => set({ min, max: Math.max(min, settings.max) })} min={0} />
      <NumberField label={t("pools.max")} help={t("pools.maxHelp")} value={settings.max} onChange={(max) => set({ max })} min={0} wrong={settings.max < settings.min ? t("pools.maxWrong") : undefined} />
      <NumberField label={t("pools.spare")} help={t("pools.spareHelp")} value={settings.spare} onChange={(spare) => set({ spare })} min={0} />
      <TextField label={t("pools.follows")} help={t("pools.followsHelp")} value={settings.version} onChange={(version) => set({ version })} wrong={settings.version === "" ? t("common.missing") : undefined} />
      <ChoiceField label={t("pools.placement")} value={settings.placement} onChange={(placement) => set({ placement })} choices={(["spread", "fill", "weights"] as const).map((value) => ({ value, label: t(`pools.placements.${value}`) }))} />
      {settings.placement === "weights" && (
        <TextField label={t("pools.weights")} help={t("pools.weightsHelp")} value={settings.weights} onChange={(weights) => set({ weights })} required wrong={weightsRight(settings.weights) ? undefined : t("pools.weightsWrong")} />
      )}
      <ExpandableSection toggleText={t("pools.more")} isExpanded={more} onToggle={(_, open) => setMore(open)}>
        <div className="pf-v6-c-form">
          <NumberField label={t("pools.cap")} help={t("pools.capHelp")} value={settings.cap} onChange={(cap) => set({ cap })} min={0} />
          <TextField label={t("pools.providers")} help={t("pools.providersHelp")} value={settings.providers} onChange={(providers) => set({ providers })} />
          <NumberField label={t("pools.elsewhere")} help={t("pools.elsewhereHelp")} value={settings.elsewhere} onChange={(elsewhere) => set({ elsewhere })} min={0} />
          <Checkbox id="pool-full" label={t("hosts.full")} description={t("hosts.fullHelp")} isChecked={settings.full} onChange={(_, full) => set({ full })} />
          <TextField label={t("terms.waves")} help={t("terms.wavesHelp")} value={settings.waves} onChange={(waves) => set({ waves })} wrong={wavesRight(settings.waves) ? undefined : t("terms.wavesWrong")} />
          <NumberField label={t("terms.health")} help={t("terms.healthHelp")} value={settings.health} onChange={(health) => set({ health })} min={1} />
        </div>
      </ExpandableSection>
    </>
  );
}
