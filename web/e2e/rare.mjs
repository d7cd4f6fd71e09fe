// What a crowd cannot bring about: the server's answer is changed on its way, so that it can be looked at.

const damage = (last_copy, hosts) => ({
  version: 1, found_at: new Date(Date.now() - 7200_000).toISOString(), code: last_copy ? "T0011" : "T0008", last_copy, hosts, count: 3,
  cause: "3 places of disk0 differ from what they were verified to be", hint: "look at the disk's own log; it is mended from another provider by itself",
  places: ["64.0 KiB at offset 41943040 of disk0", "64.0 KiB at offset 52428800 of disk0"],
});
const hosts = Array.from({ length: 15 }, (_, index) => `desk-${String(index + 1).padStart(3, "0")}`);
const held = (last) => [{ template: "win11", version: 1, provider: "kvm-01", verified_at: null, damage: damage(last, hosts) }];
const limited = { text: "limited to 2 Mbit/s by provider kvm-01 until 18:00 Europe/Madrid", bytes_per_second: 250_000, by: "provider kvm-01", until: null };

const recovery = {
  open: true, backup_made_at: new Date(Date.now() - 90_000_000).toISOString(), restored_at: new Date(Date.now() - 600_000).toISOString(), finished_at: null,
  providers: [
    { id: "1", name: "kvm-01", known: true, answers: true, told: true },
    { id: "2", name: "kvm-late", known: false, answers: true, told: true },
    { id: "3", name: "kvm-03", known: true, answers: false, told: false },
  ],
  items: [
    { kind: "version", name: "win11 v4", providers: ["kvm-01", "kvm-late"], detail: "made after the backup; adopting it makes it a version again, without copying", adoptable: true, problem: null },
    { kind: "host", name: "desk-031", providers: ["kvm-01"], detail: "a linked host of `win11` v4", adoptable: true, problem: null },
    { kind: "host gone", name: "desk-002", providers: ["kvm-01"], detail: "it was there when the backup was made", adoptable: false, problem: null },
  ],
};

/** More sites than the drawing has room for, each of which gives to each. */
const SITES = 14;
const site = (index) => ({ name: `${index < SITES ? "holder" : "taker"}-${String(index).padStart(3, "0")}${index % 3 === 0 ? "-with-a-rather-long-name-that-does-not-fit" : ""}`, site: `site-${index % SITES}` });
const machines = Array.from({ length: SITES * 4 }, (_, index) => site(index));
const crossing = (it) => (it.items
  ? { ...it, items: machines.map((one) => ({ ...it.items[0], ...one, id: one.name })) }
  : { ...it, providers: machines.slice(SITES).map(({ name }, index) => ({
    ...it.providers[0], provider: name, state: "Not available", progress: "Distributing", phase: "transferring", percent: (index * 7) % 100,
    sources: machines.slice(0, SITES).map((one, given) => ({ provider: one.name, bytes_per_second: 1 + ((index + given) % 5) * 30_000_000 })),
  })) });
const defaults = { kind: "full", name: "pc-{nn}", setup: { preparation: "cloud-init", user_data: "#cloud-config\npackages: [vim]\n", data_disk_bytes: 20 * 1024 ** 3, ready_when: "address" } };

/** Name of the picture, address, which answer is changed, how, and what makes a dialog appear. */
const answers = [
  ["recovery-open", "/recovery", "**/api/v1/recovery", () => recovery],
  ["provider-damaged", "/providers/kvm-01", "**/api/v1/providers/kvm-01", (it) => ({ ...it, held: held(true), limit: "2Mbit/s 08:00-18:00 Europe/Madrid; 100Mbit/s", limited })],
  ["distribution-damaged", "/templates/win11/distribution", "**/api/v1/templates/win11/distribution", (it) => ({
    ...it, providers: it.providers.map((row, index) => (index === 0 ? { ...row, state: "Needs update", progress: "Distributing", damaged: [damage(false, hosts)], limited } : row)),
  })],
  ["versions-damaged", "/templates/win11/versions", "**/api/v1/templates/win11/versions?*", (it) => ({ ...it, items: it.items.map((one) => ({ ...one, held: held(false) })) })],
  ["template-crossing", "/templates/moving/distribution", /\/api\/v1\/(providers|templates\/moving\/distribution)(\?|$)/, crossing],
  ["template-defaults", "/templates/win11/properties", "**/api/v1/templates/win11", (it) => ({ ...it, host_defaults: defaults })],
  ["hosts-create-usual", "/hosts", /\/api\/v1\/templates(\?|$)/, (it) => ({ ...it, items: it.items.map((one) => ({ ...one, host_defaults: defaults })) }), async (page) => {
    await page.getByRole("button", { name: "Create hosts" }).click();
    await page.getByRole("dialog").getByLabel("Template", { exact: false }).first().selectOption("win11");
    await page.getByRole("button", { name: "Preparation of the guest" }).click();
  }],
  ["host-damaged", "/hosts/desk-001", "**/api/v1/hosts/desk-001", (it) => ({ ...it, base_damage: damage(true, hosts) })],
];

/** As the pages are written. */
export const rare = answers.map(([name, path, answer, change, act]) => [name, path, act, [answer, async (route) => {
  const response = await route.fetch();
  await route.fulfill({ response, json: change(await response.json()) });
}]]);
