import { expect, it } from "vitest";
import { limitBody, limitRight } from "../ui/Limit";
import { differences } from "./audit/differences";
import { together } from "./distribution/LiveBar";
import { bodyOf, formOf, noForm, wrongIn } from "./notifications/ways";
import { pairs, pairsChange, pairsRight } from "./providers/pairs";
import { scrubBody, scrubOf, windowRight } from "./providers/Scrub";
import { wishes } from "./hosts/CreateHosts";
import { noSetup, setupChange } from "./hosts/Setup";
import { settingsBody, settingsOf, settingsWrong } from "./pools/Settings";
import { defaultsChange, defaultsOf, defaultsRight } from "./templates/HostDefaults";
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
  const pool = { follows: "newest", min: 1, max: 4, spare: 0, placement: "spread", cap: null, weights: {}, providers: [], kind: "linked", terms: {} };
  const before = settingsOf(pool as unknown as Parameters<typeof settingsOf>[0]);
  expect(settingsBody({ ...before, max: 6 }, before)).toEqual({ max: 6 });
  expect(settingsBody({ ...before, placement: "weights", weights: "kvm-a=2, kvm-b=1" }, before)).toEqual({ placement: "weights", weights: { "kvm-a": 2, "kvm-b": 1 } });
  expect(settingsBody({ ...before, waves: "5", elsewhere: 600 }, before)).toEqual({ terms: { waves: "5", health_seconds: 600 }, replace_elsewhere_seconds: 600 });
  expect([settingsWrong(before), settingsWrong({ ...before, placement: "weights", weights: "kvm-a=many" })]).toEqual([false, true]);
  expect([setupChange(noSetup, noSetup), setupChange({ ...noSetup, dataGib: 2 }, noSetup)?.data_disk_bytes]).toEqual([undefined, 0]);
});

it("of new hosts only what somebody touched is sent: the rest is as the template says", () => {
  const usual = { kind: "full", name: "pc-{nn}", setup: { preparation: "cloud-init", user_data: "#cloud-config", data_disk_bytes: 1 << 30, ready_when: "address" } };
  expect(wishes({ setup: {} }, usual)).toEqual({});
  expect(wishes({ name: "", setup: {} }, usual)).toEqual({});
  expect(wishes({ name: "lab-{n}", full: false, setup: { userData: "", dataGib: 0 } }, usual)).toEqual({ name: "lab-{n}", full: false, setup: { user_data: "", data_disk_bytes: 0 } });
  expect(wishes({ setup: { preparation: "none", userData: "#!/bin/sh" } }, usual)).toEqual({ setup: { preparation: "none" } });
  expect(wishes({ setup: { userData: "", dataGib: 0 } }, {})).toEqual({ name: "desk-{nnn}" });
});

it("of a template's host defaults only what was changed is sent; an empty text clears", () => {
  const before = defaultsOf({ kind: "full", name: "pc-{nn}", setup: { user_data: "#cloud-config" } });
  expect(defaultsChange(before, before)).toEqual({});
  expect(defaultsChange(before, { ...before, kind: "linked", name: "" })).toEqual({ host_defaults: { kind: "linked", name: "" } });
  expect(defaultsChange(before, { ...before, setup: { ...before.setup, userData: "" } })).toEqual({ host_defaults: { setup: { user_data: "" } } });
  expect(defaultsChange(before, { ...before, setup: { ...before.setup, preparation: "sysprep", unattend: "<unattend/>" } })).toEqual({
    host_defaults: { setup: { preparation: "sysprep", unattend: "<unattend/>" } },
  });
  expect(["", "pc-{nn}", "pc"].map((name) => defaultsRight({ ...before, name }))).toEqual([true, true, false]);
});

it("waves are numbers or per cents", () => {
  expect(["1,10%,100%", "5", "", "1;2", "ten"].map(wavesRight)).toEqual([true, true, false, false, false]);
  expect(termsBody({ waves: "5", deadline: "", health: 60 })).toEqual({ waves: "5", health_seconds: 60 });
});

it("an entry of the audit trail shows what differs, and only that", () => {
  expect(differences({ name: "a", settings: { min: 1, max: 4 } }, { name: "a", settings: { min: 2, max: 4 }, tags: ["x"] })).toEqual([
    { at: "settings.min", before: "1", after: "2" },
    { at: "tags", before: undefined, after: '["x"]' },
  ]);
  expect(differences(null, { name: "a" })).toEqual([{ at: "name", before: undefined, after: "a" }]);
});

it("a limit is an amount with its unit, at times of the day if wanted; an empty field takes it away", () => {
  expect(["", "100Mbit/s", "2Mbit/s 08:00-18:00 Europe/Madrid; 100Mbit/s", "10MiB/s", "100", "fast", "2Mbit/s 8-18"].map(limitRight)).toEqual([true, true, true, true, false, false, false]);
  expect([limitBody(null, ""), limitBody("1Mbit/s", ""), limitBody("1Mbit/s", "2Mbit/s")]).toEqual([{}, { limit: "off" }, { limit: "2Mbit/s" }]);
});

it("of scrubs only what was changed is sent: hours that the command line set stay", () => {
  const before = scrubOf({ on: true, every_seconds: 40 * 3600, bytes_per_second: 32 << 20 });
  expect(scrubBody(before, before)).toBeUndefined();
  expect(scrubBody(before, { ...before, window: " 22:00-06:00 Europe/Madrid " })).toEqual({ window: "22:00-06:00 Europe/Madrid" });
  expect(["", "22:00-06:00", "22-06"].map(windowRight)).toEqual([true, true, false]);
});

it("a notification's form says which field is not right, and sends no secret that was not typed", () => {
  const email = { ...noForm, to: "ops@example.com, night@example.com", from: "diecast@example.com", smtp: "mail.example.com:587" };
  expect([wrongIn("email", noForm), wrongIn("email", { ...email, smtp: "a b" }), wrongIn("email", email)]).toEqual(["to", "smtp", undefined]);
  expect([wrongIn("webhook", noForm), wrongIn("webhook", { ...noForm, url: "https://example.com/x", secret: "short" })]).toEqual(["url", "secret"]);
  expect(wrongIn("script", { ...noForm, script: "../../etc/passwd" })).toBe("script");
  expect(JSON.stringify(bodyOf("email", email))).not.toContain("password");
  const view = { way: "webhook", webhook: { url: "https://example.com", own_ca: false }, kinds: [], severity: "critical", group_seconds: 5, quiet_seconds: 0, enabled: false };
  expect(bodyOf("webhook", formOf(view as unknown as Parameters<typeof formOf>[0]))).toEqual({
    webhook: { url: "https://example.com" }, terms: { kinds: [], severity: "critical", group_seconds: 5, quiet_seconds: 0, enabled: false },
  });
});
