import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Stale } from "./stale";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const nothing = { templates: [], providers: [], hosts: [], pools: [], recreations: [] };

function scene(...keys: unknown[][]) {
  const queries = new QueryClient();
  for (const key of keys) queries.setQueryData(key, 1);
  const isStale = (key: unknown[]) => queries.getQueryState(key)?.isInvalidated;
  return { queries, stale: new Stale(queries), isStale };
}

it("only what is named is read again", async () => {
  const { stale, isStale } = scene(["templates"], ["distribution", "a"], ["distribution", "b"], ["pools"]);
  stale.changed({ ...nothing, templates: ["a"] });
  await vi.advanceTimersByTimeAsync(600);
  expect([["templates"], ["distribution", "a"], ["distribution", "b"], ["pools"]].map(isStale)).toEqual([true, true, false, false]);
});

it("a star is all of a kind", async () => {
  const { stale, isStale } = scene(["host", "a"], ["host", "b"], ["templates"]);
  stale.changed({ ...nothing, hosts: ["*"] });
  await vi.advanceTimersByTimeAsync(600);
  expect([["host", "a"], ["host", "b"], ["templates"]].map(isStale)).toEqual([true, true, false]);
});

it("a provider that is lost touches the templates on it", async () => {
  const { stale, isStale } = scene(["templates"], ["distribution", "a"], ["events", undefined, undefined]);
  stale.happened({ id: 1, at: "", kind: "provider.lost", object: "provider", name: "p", actor: "diecast", message: "", code: null });
  await vi.advanceTimersByTimeAsync(600);
  expect([["templates"], ["distribution", "a"], ["events", undefined, undefined]].map(isStale)).toEqual([true, true, true]);
});

it("what providers say and what a site's link may bear is read again with the sites", async () => {
  const { stale, isStale } = scene(["sites"], ["distribution", "a"], ["hosts"]);
  stale.happened({ id: 1, at: "", kind: "site.changed", object: "site", name: "a-b", actor: "admin", message: "", code: null });
  await vi.advanceTimersByTimeAsync(600);
  expect([["sites"], ["distribution", "a"], ["hosts"]].map(isStale)).toEqual([true, true, false]);
  const other = scene(["sites"]);
  other.stale.changed({ ...nothing, providers: ["kvm-a"] });
  await vi.advanceTimersByTimeAsync(600);
  expect(other.isStale(["sites"])).toBe(true);
});

it("a read under way is not begun again, and what was told meanwhile is not lost", async () => {
  const { queries, stale } = scene();
  let reads = 0;
  const slow = () => new Promise<number>((done) => setTimeout(() => done((reads += 1)), 1200));
  const reading = queries.fetchQuery({ queryKey: ["templates"], queryFn: slow });
  stale.changed({ ...nothing, templates: ["a"] });
  await vi.advanceTimersByTimeAsync(1000);
  expect(queries.isFetching({ queryKey: ["templates"] })).toBe(1);
  await vi.advanceTimersByTimeAsync(1500);
  await reading;
  expect(queries.getQueryState(["templates"])?.isInvalidated).toBe(true);
});
