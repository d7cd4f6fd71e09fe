// A small drawing of who is fetching a version from whom right now, and how fast, by site.
import { useTranslation } from "react-i18next";
import type { Schemas } from "../../api/client";
import { natural, percent, rate } from "../../ui/format";
import { isMoving } from "./LiveBar";

interface Props {
  rows: Schemas["DistributionRow"][];
  providers: Schemas["ProviderView"][];
}

const LINE = 18;
const PAD = 12;
const WIDTH = 250;
const MIDDLE = 210;
const NAMES_MAX = 8;
const LETTERS_MAX = 30;

interface Box {
  site: string;
  names: string[];
  y: number;
  height: number;
}

export function Flow({ rows, providers }: Props) {
  const { t } = useTranslation();
  const site = new Map(providers.map((it) => [it.name, it.site ?? ""]));
  const of = (name: string) => site.get(name) || t("distribution.noSite");
  const takers = rows.filter((row) => isMoving(row.progress) && row.phase === "transferring");
  const flows = takers.flatMap((row) => (row.sources ?? []).map((it) => ({ from: it.provider, to: row.provider, rate: it.bytes_per_second })));
  const givers = [...new Set(flows.map((it) => it.from))];
  const left = boxes(givers.map((name) => [of(name), name]));
  const right = boxes(takers.map((row) => [of(row.provider), `${short(row.provider)}  ${percent(row.percent)}`]));
  const height = Math.max(60, ...[...left, ...right].map((box) => box.y + box.height)) + PAD;
  const words = t("distribution.flowWords", { takers: takers.length, holders: givers.length });
  const between = (from: Box, to: Box) => flows.filter((it) => of(it.from) === from.site && of(it.to) === to.site).reduce((sum, it) => sum + it.rate, 0);
  return (
    <svg className="dc-flow" viewBox={`0 0 ${WIDTH * 2 + MIDDLE} ${height}`} role="img" aria-label={words}>
      {left.flatMap((from) =>
        right
          .filter((to) => between(from, to) > 0)
          .map((to) => {
            const [y1, y2] = [from.y + from.height / 2, to.y + to.height / 2];
            const d = `M ${WIDTH} ${y1} C ${WIDTH + MIDDLE / 2} ${y1}, ${WIDTH + MIDDLE / 2} ${y2}, ${WIDTH + MIDDLE} ${y2}`;
            return (
              <g key={`${from.site}>${to.site}`}>
                <path d={d} />
                <text className="dc-flow-quiet" x={WIDTH + MIDDLE / 4} y={y1 + (y2 - y1) * 0.16 - 4} textAnchor="middle">{rate(between(from, to))}</text>
              </g>
            );
          }),
      )}
      {left.map((box) => <Site key={box.site} box={box} x={0} />)}
      {right.map((box) => <Site key={box.site} box={box} x={WIDTH + MIDDLE} />)}
    </svg>
  );
}

function Site({ box, x }: { box: Box; x: number }) {
  const { t } = useTranslation();
  const shown = box.names.slice(0, NAMES_MAX);
  return (
    <g>
      <rect x={x + 1} y={box.y} width={WIDTH - 2} height={box.height} rx={6} />
      <text className="dc-flow-quiet" x={x + PAD} y={box.y + LINE}>{short(box.site)}</text>
      {shown.map((name, index) => <text key={name} x={x + PAD} y={box.y + LINE * (index + 2)}>{short(name)}</text>)}
      {box.names.length > NAMES_MAX && (
        <text x={x + PAD} y={box.y + LINE * (NAMES_MAX + 2)}>{t("distribution.andMore", { count: box.names.length - NAMES_MAX })}</text>
      )}
    </g>
  );
}

function boxes(pairs: [string, string][]): Box[] {
  const sites = [...new Set(pairs.map(([site]) => site))].sort(natural);
  let y = PAD;
  return sites.map((site) => {
    const names = pairs.filter(([of]) => of === site).map(([, name]) => name).sort(natural);
    const lines = Math.min(names.length, NAMES_MAX) + (names.length > NAMES_MAX ? 1 : 0);
    const box = { site, names, y, height: LINE * (lines + 1) + PAD };
    y += box.height + PAD;
    return box;
  });
}

const short = (name: string) => (name.length > LETTERS_MAX ? `${name.slice(0, LETTERS_MAX - 3)}...` : name);
