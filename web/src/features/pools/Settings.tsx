// How large a pool is kept, of what, and where.
import { useTranslation } from "react-i18next";
import type { Schemas } from "../../api/client";
import { ChoiceField, NumberField, TextField } from "../../ui/Field";

export interface Settings {
  version: string;
  min: number;
  max: number;
  spare: number;
  placement: string;
  cap: number;
}

export const noSettings: Settings = { version: "newest", min: 1, max: 1, spare: 0, placement: "spread", cap: 0 };

export const settingsOf = (pool: Schemas["PoolView"]): Settings => ({
  version: pool.follows, min: pool.min, max: pool.max, spare: pool.spare, placement: pool.placement, cap: pool.cap ?? 0,
});

export const settingsWrong = (settings: Settings) => settings.max < settings.min || settings.version === "";

export function settingsBody(settings: Settings, before?: Settings): Schemas["PoolSettings"] {
  const all = Object.entries(settings).filter(([key, value]) => before === undefined || before[key as keyof Settings] !== value);
  return Object.fromEntries(all) as Schemas["PoolSettings"];
}

export function SettingsFields({ settings, onChange }: { settings: Settings; onChange: (settings: Settings) => void }) {
  const { t } = useTranslation();
  const set = (part: Partial<Settings>) => onChange({ ...settings, ...part });
  return (
    <>
      <NumberField label={t("pools.min")} help={t("pools.minHelp")} value={settings.min} onChange={(min) => set({ min, max: Math.max(min, settings.max) })} min={0} />
      <NumberField label={t("pools.max")} help={t("pools.maxHelp")} value={settings.max} onChange={(max) => set({ max })} min={0} wrong={settings.max < settings.min ? t("pools.maxWrong") : undefined} />
      <NumberField label={t("pools.spare")} help={t("pools.spareHelp")} value={settings.spare} onChange={(spare) => set({ spare })} min={0} />
      <TextField label={t("pools.follows")} help={t("pools.followsHelp")} value={settings.version} onChange={(version) => set({ version })} wrong={settings.version === "" ? t("common.missing") : undefined} />
      <ChoiceField label={t("pools.placement")} value={settings.placement} onChange={(placement) => set({ placement })} choices={(["spread", "fill", "weights"] as const).filter((it) => it !== "weights" || settings.placement === it).map((value) => ({ value, label: t(`pools.placements.${value}`) }))} />
      <NumberField label={t("pools.cap")} help={t("pools.capHelp")} value={settings.cap} onChange={(cap) => set({ cap })} min={0} />
    </>
  );
}
