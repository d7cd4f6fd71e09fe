// Every page in light and dark: photographed, and looked at by axe.
import { axe, rests, shoot, theme } from "./browser.mjs";
import { task } from "./steps.mjs";

/** Name of the picture, address, what makes a dialog appear, if any, and which answer is changed, if one is, and how. */
export const pages = [
  ["templates", "/templates"],
  ["template-distribution", "/templates/win11/distribution"],
  ["template-moving", "/templates/moving/distribution"],
  ["template-versions", "/templates/win11/versions"],
  ["template-matrix", "/templates/win11/versions", (page) => page.getByRole("button", { name: "Versions by provider" }).click()],
  ["template-maintenance", "/templates/office/maintenance"],
  ["template-no-maintenance", "/templates/win11/maintenance"],
  ["template-hosts", "/templates/win11/hosts"],
  ["template-properties", "/templates/win11/properties"],
  ["template-host-defaults", "/templates/win11/properties", (page) => page.getByRole("button", { name: "Edit the host defaults" }).click()],
  ["template-events", "/templates/win11/events"],
  ["template-tasks", "/templates", (page) => page.getByRole("link", { name: "win11", exact: true }).click({ button: "right" })],
  ["maintenance-enter", "/templates/win11/maintenance", (page) => page.getByRole("button", { name: "Enter maintenance" }).click()],
  ["maintenance-leave", "/templates/office/maintenance", (page) => page.getByRole("button", { name: "Leave maintenance" }).click()],
  ["distribution-remove", "/templates/win11/distribution", async (page) => {
    await page.getByRole("button", { name: "Tasks of kvm-02" }).click();
    await page.getByRole("menuitem", { name: "Remove from the list" }).click();
  }],
  ["distribution-add", "/templates/office/distribution", async (page) => {
    await page.getByRole("button", { name: "Add providers" }).click();
    await page.getByRole("button", { name: "Add all" }).click();
    await page.getByText("What will happen").waitFor();
  }],
  ["version-activate", "/templates/win11/versions", (page) => task(page, "v1", "Make it the current one")],
  ["version-tag", "/templates/win11/versions", (page) => task(page, "v1", "Add a tag")],
  ["version-delete", "/templates/win11/versions", (page) => task(page, "v1", "Delete")],
  ["explain", "/templates/moving/distribution", (page) => page.getByRole("button", { name: /^Explain/ }).first().click()],
  ["create-template", "/create-template?provider=kvm-01"],
  ["create-template-hosts", "/create-template?provider=kvm-01&vm=golden", async (page) => {
    await page.getByLabel("Name of the template", { exact: false }).fill("with-defaults");
    await page.getByRole("button", { name: "Host defaults", exact: true }).click();
    await page.getByRole("button", { name: "User data", exact: true }).click();
  }],
  ["create-template-lists", "/create-template?provider=kvm-01&vm=golden", async (page) => {
    await page.getByLabel("Name of the template", { exact: false }).fill("with-targets");
    await page.getByRole("button", { name: "Next" }).click();
    await page.getByRole("button", { name: "Add all" }).click();
    await page.getByText("Nothing in the way").first().waitFor();
  }],
  ["create-template-review", "/create-template?provider=kvm-01&vm=golden", async (page) => {
    await page.getByLabel("Name of the template", { exact: false }).fill("to-review");
    await page.getByRole("button", { name: "Next" }).click();
    await page.getByRole("button", { name: "Add all" }).click();
    await page.getByRole("button", { name: "Review", exact: true }).click();
    await page.getByText("What will happen").waitFor();
  }],
  ["providers", "/providers"],
  ["provider", "/providers/kvm-01"],
  ["provider-machines", "/providers/kvm-01", (page) => page.getByRole("tab", { name: "Machines" }).click()],
  ["provider-versions", "/providers/kvm-01", (page) => page.getByRole("tab", { name: "Versions" }).click()],
  ["provider-hosts", "/providers/kvm-01", (page) => page.getByRole("tab", { name: "Hosts" }).click()],
  ["provider-events", "/providers/kvm-01", (page) => page.getByRole("tab", { name: "Events" }).click()],
  ["provider-change", "/providers/kvm-01", (page) => task(page, "kvm-01", "Change")],
  ["provider-check", "/providers/kvm-01", async (page) => {
    await task(page, "kvm-01", "Check");
    await page.getByText("a throw-away machine started on an overlay").waitFor();
  }],
  ["provider-remove", "/providers/kvm-01", (page) => task(page, "kvm-01", "Remove")],
  ["provider-silent", "/providers/kvm-06"],
  ["provider-add", "/providers", (page) => page.getByRole("button", { name: "Add provider" }).click()],
  ["hosts", "/hosts"],
  ["hosts-create", "/hosts", (page) => page.getByRole("button", { name: "Create hosts" }).click()],
  ["host", "/hosts/desk-001"],
  ["pools", "/pools"],
  ["pool", "/pools/desks"],
  ["pool-create", "/pools", (page) => page.getByRole("button", { name: "Create pool" }).click()],
  ["pool-change", "/pools/desks", (page) => task(page, "desks", "Change")],
  ["recreations", "/recreations"],
  ["recreation-decision", "/recreations", async (page) => {
    await page.getByRole("link", { name: "win11 v2" }).first().click();
    await page.getByRole("button", { name: "Go on without them" }).waitFor();
  }],
  ["schedules", "/schedules"],
  ["schedule-create", "/schedules", (page) => page.getByRole("button", { name: "Create schedule" }).first().click()],
  ["events", "/events"],
  ["alarms", "/alarms"],
  ["notifications", "/notifications"],
  ["notification-add", "/notifications", (page) => page.getByRole("button", { name: "Add notification" }).first().click()],
  ["notification-test", "/notifications", (page) => page.getByRole("button", { name: "Test pager" }).click()],
  ["tokens", "/tokens"],
  ["token-create", "/tokens", (page) => page.getByRole("button", { name: "Create token" }).first().click()],
  ["audit", "/audit"],
  ["audit-entry", "/audit", (page) => page.getByRole("button", { name: /^Details of entry/ }).first().click()],
  ["recovery", "/recovery"],
  ["missing", "/nowhere"],
];

/** What light and dark differ in, for axe. */
const COLORS = ["color-contrast"];

/** Goes to one of them; what axe finds there. */
export async function tour(page, url, [name, path, act, changed], prefix = "") {
  const found = [];
  const look = async (dark) => {
    const mode = dark ? "dark" : "light";
    await theme(page, dark);
    await rests(page);
    await shoot(page, `${prefix}${name}-${mode}`);
    for (const it of await axe(page, dark ? COLORS : undefined)) found.push(`${name} ${mode}: ${it}`);
  };
  try {
    if (changed) await page.route(...changed);
    // Other tests may make networks on this machine; Chromium then gives up what it is at.
    const go = () => page.goto(`${url}${path}`, { waitUntil: "load" });
    await go().catch(go);
    await page.getByRole("heading", { level: 1 }).waitFor();
    if (act) {
      await rests(page);
      await act(page);
    }
    for (const dark of [false, true]) await look(dark);
  } catch (error) {
    found.push(`${name}: ${String(error).slice(0, 400)}`);
    await shoot(page, `${prefix}${name}-broken`);
  } finally {
    if (changed) await page.unroute(changed[0]);
  }
  return found;
}
