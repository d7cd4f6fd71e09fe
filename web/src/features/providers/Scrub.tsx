// How what a provider holds is read back by itself: as facts, and as fields.
import { Checkbox } from "@patternfly/react-core";
import { useTranslation } from "react-i18next";
import type { Schemas } from "../../api/client";
import { NumberField, TextField } from "../../ui/Field";
import { bytes, duration, rate } from "../../ui/format";
import { Time } from "../../ui/Time";

type ScrubView = Schemas["ScrubView"];

const DAY_SECONDS = 24 * 3600;
const MIB = 1024 * 1024;

export interface ScrubForm {
  on: boolean;
  days: number;
  mib: number;
  window: string;
}

export const scrubOf = (it: ScrubView): ScrubForm => ({
  on: it.on, days: Math.max(1, Math.round(it.every_seconds / DAY_SECONDS)), mib: Math.max(1, Math.round(it.bytes_per_second / MIB)), window: it.window ?? "",
});

/** Only what was changed: a time in hours that somebody set by the command line stays. */
export function scrubBody(before: ScrubForm, after: ScrubForm): Schemas["ChangeScrub"] | undefined {
  const body = {
    ...(after.on !== before.on && { on: after.on }),
    ...(after.days !== before.days && { every_seconds: after.days * DAY_SECONDS }),
    ...(after.mib !== before.mib && { bytes_per_second: after.mib * MIB }),
    ...(after.window.trim() !== before.window && { window: after.window.trim() }),
  };
  return Object.keys(body).length > 0 ? body : undefined;
}

/** `22:00-06:00`, with a time zone after it or without. */
export const windowRight = (text: string) => text.trim() === "" || /^\d{1,2}:\d{2}\s*-\s*\d{1,2}:\d{2}(\s+[\w/+-]+)?$/.test(text.trim());

export function ScrubFields({ scrub, onChange }: { scrub: ScrubForm; onChange: (scrub: ScrubForm) => void }) {
  const { t } = useTranslation();
  const set = (part: Partial<ScrubForm>) => onChange({ ...scrub, ...part });
  return (
    <>
      <Checkbox id="scrub-on" label={t("scrub.on")} description={t("scrub.onHelp")} isChecked={scrub.on} onChange={(_, on) => set({ on })} />
      {scrub.on && (
        <>
          <NumberField label={t("scrub.days")} value={scrub.days} onChange={(days) => set({ days })} min={1} max={365} />
          <NumberField label={t("scrub.rate")} value={scrub.mib} onChange={(mib) => set({ mib })} min={1} />
          <TextField label={t("scrub.window")} help={t("scrub.windowHelp")} value={scrub.window} onChange={(window) => set({ window })} wrong={windowRight(scrub.window) ? undefined : t("scrub.windowWrong")} />
        </>
      )}
    </>
  );
}

export function ScrubWords({ scrub: it }: { scrub: ScrubView }) {
  const { t } = useTranslation();
  if (!it.on) return <>{t("scrub.off")}</>;
  const words = t("scrub.is", { every: duration(it.every_seconds), rate: rate(it.bytes_per_second), window: it.window ?? t("scrub.anyTime") });
  return (
    <div className="dc-stack">
      <span>{words}</span>
      {it.running ? (
        <span className="dc-small dc-quiet">{t(it.running.reading ? "scrub.reading" : "scrub.waiting", { what: it.running.what, done: bytes(it.running.bytes_done), total: bytes(it.running.bytes_total) })}</span>
      ) : it.next_at && <span className="dc-small dc-quiet">{t("distribution.next")} <Time at={it.next_at} /></span>}
    </div>
  );
}
