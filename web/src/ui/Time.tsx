// A time as how long ago or how soon, with the exact one on hover. All of them move on together.
import { useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { duration, time } from "./format";

const TICK_MS = 1000;
let now = Date.now();
const watchers = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(watcher: () => void) {
  watchers.add(watcher);
  timer ??= setInterval(() => {
    now = Date.now();
    watchers.forEach((it) => it());
  }, TICK_MS);
  return () => {
    watchers.delete(watcher);
    if (watchers.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

export const useNow = () => useSyncExternalStore(subscribe, () => now);

export function Time({ at }: { at: string | null | undefined }) {
  const { t } = useTranslation();
  const present = useNow();
  if (!at) return <span className="dc-quiet">{t("common.none")}</span>;
  const seconds = (new Date(at).getTime() - present) / 1000;
  const words =
    seconds > 0.5 ? t("time.in", { time: duration(seconds) }) : t("time.ago", { time: duration(-seconds) });
  return <time dateTime={at} title={time(at)} className="dc-nowrap">{words}</time>;
}
