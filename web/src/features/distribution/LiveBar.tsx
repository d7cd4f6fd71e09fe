// The bar of a template that is on its way, over all its providers; and of one that is being read.
import { useTranslation } from "react-i18next";
import type { Schemas } from "../../api/client";
import { useDistribution } from "../../api/queries";
import { Bar } from "../../ui/Bar";

type Row = Schemas["DistributionRow"];

const MOVING = ["Distributing", "Adding provider", "Removing provider"];

export const isMoving = (word: string) => MOVING.includes(word);

export function LiveBar({ template }: { template: Schemas["TemplateView"] }) {
  return template.version && isMoving(template.distribution.word) ? <Moving name={template.name} /> : null;
}

function Moving({ name }: { name: string }) {
  const { t } = useTranslation();
  const rows = useDistribution(name).data?.providers.filter((row) => isMoving(row.progress));
  if (!rows || rows.length === 0) return null;
  const { value, perSecond, secondsLeft } = together(rows);
  return <Bar label={t("progress.of", { of: name })} value={value} perSecond={perSecond} secondsLeft={secondsLeft} />;
}

/** What several transfers are as one: it is over when the slowest is. */
export function together(rows: Row[]) {
  const sum = (of: (row: Row) => number) => rows.reduce((all, row) => all + of(row), 0);
  const total = sum((row) => row.bytes_total);
  const value = total > 0 ? (100 * sum((row) => row.bytes_done)) / total : sum((row) => row.percent) / rows.length;
  const left = rows.map((row) => row.seconds_left).filter((it) => it !== null && it !== undefined);
  return { value, perSecond: sum((row) => row.bytes_per_second), secondsLeft: left.length > 0 ? Math.max(...left) : undefined };
}

export function PublicationBar({ publication }: { publication: Schemas["PublicationView"] }) {
  const { t } = useTranslation();
  if (publication.phase === "done") return null;
  const failed = publication.phase === "failed";
  return (
    <div className="dc-stack">
      <span className="dc-small dc-quiet">{t("progress.publication", { phase: publication.phase, provider: publication.provider })}</span>
      <Bar label={t("progress.publicationBar")} value={publication.percent} bad={failed} />
    </div>
  );
}
