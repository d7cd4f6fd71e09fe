import { expect, it } from "vitest";
import { together } from "./distribution/LiveBar";
import { pairs, pairsChange, pairsRight } from "./providers/pairs";
import { settingsBody, settingsOf } from "./pools/Settings";
import { termsBody, wavesRight } from "./recreations/Terms";

const row = (done: number, total: number, left: number | null) =>
  ({ bytes_done: done, bytes_total: total, bytes_per_second: 5, seconds_left: left, percent: 0 }) as Parameters<typeof together>[0][number];

it("several transfers are over when the slowest is", () => {
  expect(together([row(25, 100, 10), row(75, 100, 30), row(0, 0, null)])).toEqual({ value: 50, perSecond: 15, secondsLeft: 30 });
});

it("a name that was taken out of a field is taken away at the server", () => {
  expect(pairs("corp=br20, lab = br30")).toEqual({ corp: "br20", lab: "br30" });
  expect(pairsChange({ corp: "br20", lab: "br30" }, { corp: "br21" })).toEqual({ corp: "br21", lab: "" });
  expect(["", "a=b", "a", "=b", "a="].map(pairsRight)).toEqual([true, true, false, false, false]);
});

it("only what was changed in a pool is sent", () => {
  const before = settingsOf({ follows: "newest", min: 1, max: 4, spare: 0, placement: "spread", cap: null } as Parameters<typeof settingsOf>[0]);
  expect(settingsBody({ ...before, max: 6 }, before)).toEqual({ max: 6 });
});

it("waves are numbers or per cents", () => {
  expect(["1,10%,100%", "5", "", "1;2", "ten"].map(wavesRight)).toEqual([true, true, false, false, false]);
  expect(termsBody({ waves: "5", deadline: "", health: 60 })).toEqual({ waves: "5", health_seconds: 60 });
});
