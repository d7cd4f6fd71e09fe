// Where everything stands in the drawing of who fetches from whom: no two words on the same spot, however many sites there are.
import { natural } from "../../ui/format";

export const LINE = 18;
export const PAD = 12;
export const BOX_WIDTH = 250;
/** Between those who give and those who take: the lines bend, then each runs level through its own rate. */
export const BEND_WIDTH = 140;
export const RATE_WIDTH = 90;
export const WIDTH = BOX_WIDTH * 2 + BEND_WIDTH + RATE_WIDTH;
const NAMES_MAX = 8;
/** More than these are drawn as one. */
const SITES_MAX = 6;

export interface Giving {
  from: string;
  to: string;
  rate: number;
}

export interface Member {
  name: string;
  /** What is said of it at the end of its line. */
  note?: string;
}

export interface Box {
  site: string;
  shown: Member[];
  /** How many more are there. */
  more: number;
  y: number;
  height: number;
}

/** From one site to another. */
export interface Stream {
  key: string;
  rate: number;
  y1: number;
  y2: number;
}

export interface Words {
  siteOf: (name: string) => string;
  moreSites: (count: number) => string;
}

export function layout(takers: Member[], givings: Giving[], words: Words) {
  const givers = [...new Set(givings.map((it) => it.from))].map((name) => ({ name }));
  const [giving, taking] = [folded(givers, words), folded(takers, words)];
  const rates = new Map<string, { from: string; to: string; rate: number }>();
  for (const { from, to, rate } of givings) {
    const pair = { from: giving.siteOf(from), to: taking.siteOf(to), rate };
    const key = JSON.stringify([pair.from, pair.to]);
    rates.set(key, { ...pair, rate: rate + (rates.get(key)?.rate ?? 0) });
  }
  const pairs = [...rates.values()];
  const left = boxes(givers, giving, (site) => pairs.filter((it) => it.from === site).length);
  const right = boxes(takers, taking, (site) => pairs.filter((it) => it.to === site).length);
  const streams = left.flatMap((from) =>
    right.flatMap((to): Stream[] => {
      const pair = rates.get(JSON.stringify([from.site, to.site]));
      if (!pair) return [];
      const leaving = right.filter((it) => rates.has(JSON.stringify([from.site, it.site])));
      const coming = left.filter((it) => rates.has(JSON.stringify([it.site, to.site])));
      return [{ key: `${from.site}>${to.site}`, rate: pair.rate, y1: port(from, leaving.indexOf(to), leaving.length), y2: port(to, coming.indexOf(from), coming.length) }];
    }),
  );
  const height = Math.max(60, ...[...left, ...right].map((box) => box.y + box.height)) + PAD;
  return { left, right, streams, height };
}

/** Where a line meets a box that it shares with others. */
const port = (box: Box, index: number, count: number) => box.y + (box.height * (index + 0.5)) / count;

interface Sites {
  siteOf: (name: string) => string;
  /** The one that stands for several, if one does. */
  last?: string;
}

/** The box of each: its site, or that of all sites for which there is no room. */
function folded(members: Member[], { siteOf, moreSites }: Words): Sites {
  const sites = [...new Set(members.map((it) => siteOf(it.name)))].sort(natural);
  if (sites.length <= SITES_MAX) return { siteOf };
  const rest = new Set(sites.slice(SITES_MAX - 1));
  const word = moreSites(rest.size);
  return { siteOf: (name) => (rest.has(siteOf(name)) ? word : siteOf(name)), last: word };
}

function boxes(members: Member[], { siteOf, last }: Sites, lines: (site: string) => number): Box[] {
  const sites = new Map<string, Member[]>();
  for (const member of [...members].sort((one, other) => natural(one.name, other.name))) {
    const site = siteOf(member.name);
    sites.set(site, [...(sites.get(site) ?? []), member]);
  }
  let y = PAD;
  return [...sites].sort(([one], [other]) => Number(one === last) - Number(other === last) || natural(one, other)).map(([site, all]) => {
    const shown = all.slice(0, NAMES_MAX);
    const more = all.length - shown.length;
    const height = Math.max(LINE * (shown.length + (more > 0 ? 2 : 1)) + PAD, LINE * lines(site));
    const box = { site, shown, more, y, height };
    y += height + PAD;
    return box;
  });
}
