// A bar with its numbers: per cent, rate, time left. What is not known is left out.
import { useTranslation } from "react-i18next";
import { duration, percent, rate } from "./format";

interface Props {
  /** What moves, for those who do not see it. */
  label: string;
  value: number;
  perSecond?: number;
  secondsLeft?: number | null;
  bad?: boolean;
}

export function Bar({ label, value, perSecond, secondsLeft, bad }: Props) {
  const { t } = useTranslation();
  const words = [percent(value)];
  if (perSecond) words.push(rate(perSecond));
  if (secondsLeft !== undefined && secondsLeft !== null) words.push(t("progress.left", { time: duration(secondsLeft) }));
  return (
    <div className="dc-bar">
      <div
        className={bad ? "dc-bar-track dc-bad" : "dc-bar-track"}
        role="progressbar"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.floor(value)}
        aria-valuetext={words.join(", ")}
      >
        <div className="dc-bar-fill" style={{ width: `${Math.min(100, Math.max(0, value))}%` }} />
      </div>
      <span className="dc-bar-words">{words.join(" · ")}</span>
    </div>
  );
}

/** How full something is. */
export function Fill({ label, used, total, words }: { label: string; used: number; total: number; words: string }) {
  const value = total > 0 ? (100 * used) / total : 0;
  return (
    <div className="dc-bar">
      <div
        className={value >= 90 ? "dc-bar-track dc-bad" : "dc-bar-track"}
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.floor(value)}
        aria-valuetext={words}
      >
        <div className="dc-bar-fill" style={{ width: `${Math.min(100, value)}%` }} />
      </div>
      <span className="dc-bar-words">{words}</span>
    </div>
  );
}
