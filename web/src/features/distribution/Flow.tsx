// A small drawing of who is fetching a version from whom right now, and how fast, by site.
import { useTranslation } from "react-i18next";
import type { Schemas } from "../../api/client";
import { percent, rate } from "../../ui/format";
import { BEND_WIDTH, BOX_WIDTH, layout, LINE, PAD, RATE_WIDTH, WIDTH, type Box } from "./flowLayout";
import { isMoving } from "./LiveBar";

interface Props {
  rows: Schemas["DistributionRow"][];
  providers: Schemas["ProviderView"][];
}

/** What a percentage or two takes at the end of a line. */
const NOTE_WIDTH = 44;
/** What a letter takes, in most names. */
const LETTER_WIDTH = 7.2;

export function Flow({ rows, providers }: Props) {
  const { t } = useTranslation();
  const site = new Map(providers.map((it) => [it.name, it.site ?? ""]));
  const takers = rows.filter((row) => isMoving(row.progress) && row.phase === "transferring");
  const givings = takers.flatMap((row) => (row.sources ?? []).map((it) => ({ from: it.provider, to: row.provider, rate: it.bytes_per_second }))).filter((it) => it.rate > 0);
  const { left, right, streams, height } = layout(
    takers.map((row) => ({ name: row.provider, note: percent(row.percent) })),
    givings,
    { siteOf: (name) => site.get(name) || t("distribution.noSite"), moreSites: (count) => t("distribution.moreSites", { count }) },
  );
  const words = t("distribution.flowWords", { takers: takers.length, holders: new Set(givings.map((it) => it.from)).size });
  const [bend, level, end] = [BOX_WIDTH + BEND_WIDTH / 2, BOX_WIDTH + BEND_WIDTH, BOX_WIDTH + BEND_WIDTH + RATE_WIDTH];
  return (
    <svg className="dc-flow" viewBox={`0 0 ${WIDTH} ${height}`} role="img" aria-label={words}>
      {streams.map(({ key, y1, y2 }) => <path key={key} d={`M ${BOX_WIDTH} ${y1} C ${bend} ${y1}, ${bend} ${y2}, ${level} ${y2} H ${end}`} />)}
      {streams.map((it) => (
        <text key={it.key} className="dc-flow-rate" x={level + RATE_WIDTH / 2} y={it.y2} dy="0.35em" textAnchor="middle">{rate(it.rate)}</text>
      ))}
      {left.map((box) => <Site key={box.site} box={box} x={0} />)}
      {right.map((box) => <Site key={box.site} box={box} x={end} />)}
    </svg>
  );
}

function Site({ box, x }: { box: Box; x: number }) {
  const { t } = useTranslation();
  const inner = BOX_WIDTH - PAD * 2;
  return (
    <g>
      <rect x={x + 1} y={box.y} width={BOX_WIDTH - 2} height={box.height} rx={6} />
      <Clipped text={box.site} x={x + PAD} line={box.y} width={inner} quiet />
      {box.shown.map(({ name, note }, index) => {
        const line = box.y + LINE * (index + 1);
        return (
          <g key={name}>
            <Clipped text={name} x={x + PAD} line={line} width={note ? inner - NOTE_WIDTH : inner} />
            {note && <text x={x + PAD + inner} y={line + LINE} textAnchor="end">{note}</text>}
          </g>
        );
      })}
      {box.more > 0 && <text x={x + PAD} y={box.y + LINE * (box.shown.length + 2)}>{t("distribution.andMore", { count: box.more })}</text>}
    </g>
  );
}

/** However long it is, it stays on its own spot; all of it is told to whoever points at it. */
function Clipped({ text, x, line, width, quiet }: { text: string; x: number; line: number; width: number; quiet?: boolean }) {
  return (
    <svg x={x} y={line} width={width} height={LINE + PAD / 2}>
      <title>{text}</title>
      <text className={quiet ? "dc-flow-quiet" : undefined} x={0} y={LINE}>{short(text, Math.floor(width / LETTER_WIDTH))}</text>
    </svg>
  );
}

const short = (text: string, letters: number) => (text.length > letters ? `${text.slice(0, letters - 3)}...` : text);
