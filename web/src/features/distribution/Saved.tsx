// What a transfer was spared, and from whom the rest comes.
import { useTranslation } from "react-i18next";
import type { Schemas } from "../../api/client";
import { bytes, rate } from "../../ui/format";

/** As many names as a line bears. */
const NAMES_MAX = 3;

/** What did not have to cross the network, most first; nothing if all of it did. */
export function SavedWords({ saved }: { saved: Schemas["SavedView"] }) {
  const { t } = useTranslation();
  const kinds = (["holes", "there", "compression"] as const).filter((kind) => saved[kind] > 0).sort((one, other) => saved[other] - saved[one]);
  return (
    <div className="dc-stack dc-nowrap">
      {kinds.map((kind) => <span key={kind} className="dc-small">{t(`distribution.savedBy.${kind}`, { bytes: bytes(saved[kind]) })}</span>)}
    </div>
  );
}

export const savedBytes = (saved: Schemas["SavedView"] | null | undefined) => (saved ? saved.holes + saved.there + saved.compression : 0);

/** Who gives something now, most first. */
export function SourceWords({ sources }: { sources: Schemas["SourceView"][] }) {
  const { t } = useTranslation();
  const giving = sources.filter((it) => it.bytes_per_second > 0).sort((one, other) => other.bytes_per_second - one.bytes_per_second);
  if (giving.length === 0) return null;
  const names = giving.slice(0, NAMES_MAX).map((it) => t("distribution.source", { provider: it.provider, rate: rate(it.bytes_per_second) }));
  const more = giving.length - names.length;
  if (more > 0) names.push(t("distribution.andMore", { count: more }));
  return <span className="dc-quiet dc-small">{t("distribution.from", { sources: names.join(", ") })}</span>;
}
