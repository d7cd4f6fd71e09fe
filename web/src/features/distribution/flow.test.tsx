import { render, screen } from "@testing-library/react";
import { expect, it } from "vitest";
import type { Schemas } from "../../api/client";
import { Flow } from "./Flow";
import { layout, LINE } from "./flowLayout";

const names = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}-${index + 1}`);
const words = { siteOf: (name: string) => `site of ${name}`, moreSites: (count: number) => `${count} more sites` };
const apart = (places: number[]) => [...places].sort((one, other) => one - other).every((place, index, all) => index === 0 || place - (all[index - 1] ?? 0) >= LINE - 0.001);

it.each([1, 3, 9, 40])("no two words of the drawing stand on the same spot when each of %i sites gives to each", (count) => {
  const [givers, takers] = [names("holder", count), names("taker", count)];
  const givings = givers.flatMap((from) => takers.map((to) => ({ from, to, rate: 1000 })));
  const drawn = layout(takers.map((name) => ({ name })), givings, words);
  expect(apart(drawn.streams.map((it) => it.y2))).toBe(true);
  for (const side of [drawn.left, drawn.right]) {
    expect(side.length).toBeLessThanOrEqual(6);
    for (const [index, box] of side.entries()) {
      const next = side[index + 1];
      expect(box.y + box.height).toBeLessThan(next ? next.y : drawn.height);
    }
  }
  expect(count <= 6 || drawn.left.at(-1)?.site === `${count - 5} more sites`).toBe(true);
  expect(drawn.streams.reduce((sum, it) => sum + it.rate, 0)).toBe(count * count * 1000);
});

it("the drawing says who fetches, how far it is and how fast, and draws nobody who gives nothing", () => {
  const source = (provider: string, bytes_per_second: number) => ({ provider, bytes_per_second });
  const row = { provider: "kvm-b", progress: "Distributing", phase: "transferring", percent: 41.2, sources: [source("kvm-a", 2 << 20), source("kvm-c", 0)] };
  const providers = [{ name: "kvm-a", site: "madrid" }, { name: "kvm-b", site: "oslo" }, { name: "kvm-c" }];
  render(<Flow rows={[row] as unknown as Schemas["DistributionRow"][]} providers={providers as unknown as Schemas["ProviderView"][]} />);
  const drawing = screen.getByRole("img");
  expect(drawing).toHaveTextContent("2.0 MiB/s");
  expect(drawing).toHaveTextContent("41 %");
  expect(drawing).toHaveTextContent("oslo");
  expect(drawing).not.toHaveTextContent("kvm-c");
});
