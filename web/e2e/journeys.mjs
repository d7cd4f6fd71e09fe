// Journeys: what an administrator does, from click to what is seen of it. Each begins where it likes.
import { strict as assert } from "node:assert";
import { shoot } from "./browser.mjs";

/** The page is to show what the server knows within this. */
const SOON_MS = 2000;
/** For what takes agents a while. */
const PATIENT_MS = 40_000;

const dialog = (page) => page.getByRole("dialog");
const go = (page, crowd, path) => page.goto(`${crowd.url}${path}`);

async function createAndDistribute({ page, crowd }) {
  await go(page, crowd, "/templates");
  await page.getByRole("button", { name: "Create template" }).first().click();
  await page.getByLabel("Provider", { exact: false }).first().selectOption("kvm-01");
  await page.getByRole("radio", { name: "golden" }).check();
  assert.ok(await page.getByRole("radio", { name: "busy" }).isDisabled(), "a running VM cannot be taken");
  await page.getByText("`busy`").or(page.getByText("busy is running")).first().waitFor();
  const name = page.getByLabel("Name of the template", { exact: false });
  await name.fill("Not a name");
  await page.getByText("with no hyphen at either end").waitFor();
  assert.ok(await page.getByRole("button", { name: "Next" }).isDisabled(), "a wrong name does not go further");
  await name.fill("journey");
  await page.getByRole("button", { name: "Next" }).click();
  await page.getByRole("button", { name: "Add all" }).click();
  await shoot(page, "journey-lists");
  await page.getByRole("button", { name: "Next" }).click();
  await page.getByText("What will happen").waitFor();
  await shoot(page, "journey-review");
  // Twice: it is made once, and the second click finds nothing to do.
  await page.locator("footer").getByRole("button", { name: "Create template" }).dblclick();
  await page.getByRole("heading", { level: 1, name: "journey" }).waitFor();
  await page.getByRole("progressbar").first().waitFor({ timeout: PATIENT_MS });
  await page.getByRole("row", { name: /kvm-02/ }).getByText("transferring").waitFor({ timeout: PATIENT_MS });
  await shoot(page, "journey-moving");
  await page.getByRole("row", { name: /kvm-02/ }).getByText("Ready", { exact: true }).waitFor({ timeout: PATIENT_MS });
}

async function silenceAndReturn({ page, crowd }) {
  await go(page, crowd, "/templates/journey/distribution");
  const row = page.getByRole("row", { name: /kvm-03/ });
  await row.getByText("Ready", { exact: true }).waitFor({ timeout: PATIENT_MS });
  crowd.say("silence kvm-03");
  await row.getByText("Not available").waitFor({ timeout: PATIENT_MS });
  await shoot(page, "journey-silent");
  crowd.say("wake kvm-03");
  await row.getByText("Ready", { exact: true }).waitFor({ timeout: PATIENT_MS });
}

async function failAndRetry({ page, api, crowd }) {
  crowd.say("fail kvm-02");
  await api.post("/templates", { name: "stubborn", provider: "kvm-01", vm: "golden", to: ["kvm-02"] });
  await go(page, crowd, "/templates/stubborn/distribution");
  const row = page.getByRole("row", { name: /kvm-02/ });
  await row.getByText("Failed to distribute").waitFor({ timeout: PATIENT_MS });
  await row.getByRole("button", { name: "Explain T0001" }).click();
  await page.getByRole("heading", { name: "T0001 No source could be reached" }).waitFor();
  await page.getByRole("button", { name: "Close the explanation" }).click();
  crowd.say("heal kvm-02");
  await new Promise((done) => setTimeout(done, 1500));
  await row.getByRole("button", { name: "Retry on kvm-02" }).click();
  await row.getByText("Ready", { exact: true }).waitFor({ timeout: PATIENT_MS });
}

async function seenWithinTwoSeconds({ page, api, crowd }) {
  await go(page, crowd, "/providers");
  await page.getByRole("link", { name: "kvm-01", exact: true }).waitFor();
  await page.locator("[data-connection=live]").waitFor({ state: "attached" });
  await api.post("/providers", { name: "late-comer" });
  await page.getByRole("link", { name: "late-comer" }).waitFor({ timeout: SOON_MS });
}

async function addProvider({ page, crowd }) {
  await go(page, crowd, "/providers");
  await page.getByRole("button", { name: "Add provider" }).click();
  const box = dialog(page);
  await box.getByLabel("Name", { exact: false }).first().fill("kvm-new");
  await box.getByRole("button", { name: "Add provider" }).click();
  const line = page.getByText(/diecast-agent join/).first();
  await line.waitFor();
  const token = /--token (\S+)/.exec((await page.locator("body").innerText()) + (await page.locator("input[readonly], textarea").evaluateAll((all) => all.map((it) => it.value).join(" "))))?.[1];
  assert.ok(token, "the line carries the token");
  await shoot(page, "journey-join");
  crowd.say(`join ${token}`);
  await page.getByText("kvm-new has joined").waitFor({ timeout: PATIENT_MS });
  await shoot(page, "journey-joined");
}

async function maintain({ page, api, crowd }) {
  await api.until("/templates/journey/distribution", (it) => it.providers.filter((row) => row.state === "Ready").length > 2);
  await api.post("/hosts", { template: "journey", count: 6, name: "tour-{nn}" });
  await api.until("/hosts?template=journey", (it) => it.items.length === 6 && it.items.every((host) => host.status === "Ready"));
  await go(page, crowd, "/templates/journey/maintenance");
  await page.getByRole("button", { name: "Enter maintenance" }).click();
  await dialog(page).getByText("What will happen").waitFor();
  await dialog(page).getByRole("button", { name: "Enter maintenance" }).click();
  await page.getByRole("button", { name: "Leave maintenance" }).and(page.locator(":enabled")).waitFor({ timeout: PATIENT_MS });
  await page.getByText("Maintenance", { exact: true }).last().waitFor({ timeout: PATIENT_MS });
  await page.getByRole("button", { name: "Leave maintenance" }).click();
  await dialog(page).getByLabel("Note").fill("<i>a note</i>");
  await dialog(page).getByRole("radio", { name: "As soon as the new version is there" }).check();
  await dialog(page).getByLabel("Waves").fill("2,100%");
  await dialog(page).getByText("What will happen").waitFor();
  await dialog(page).getByRole("button", { name: "Leave maintenance" }).click();
  await api.until("/templates/journey", (it) => it.version === 2, 90);
  await go(page, crowd, "/templates/journey/versions");
  await page.getByRole("grid").getByText("v2").first().waitFor();
  await shoot(page, "journey-versions");
  await go(page, crowd, "/recreations");
  await page.getByRole("link", { name: "journey v2" }).first().waitFor({ timeout: PATIENT_MS });
  await page.getByRole("link", { name: "journey v2" }).first().click();
  await page.getByText("Wave 1").waitFor();
  await shoot(page, "journey-recreation");
}

async function staleChange({ page, api, crowd }) {
  await go(page, crowd, "/templates/journey/properties");
  await page.getByRole("button", { name: "Change" }).click();
  await dialog(page).getByLabel("Versions kept", { exact: true }).fill("9");
  await api.ask("PATCH", "/templates/journey", { concurrency: 7 });
  await dialog(page).getByRole("button", { name: "Save" }).click();
  await dialog(page).getByRole("button", { name: "Read again" }).waitFor();
  assert.equal((await api.get("/templates/journey")).keep !== 9, true, "nothing was overwritten");
  await shoot(page, "journey-stale");
  await dialog(page).getByRole("button", { name: "Read again" }).click();
  await dialog(page).getByLabel("Providers at a time", { exact: true }).and(page.locator("[value='7']")).waitFor();
}

async function lostAndFound({ page, crowd }) {
  await go(page, crowd, "/templates");
  await page.locator("[data-connection=live]").waitFor({ state: "attached" });
  await page.waitForTimeout(8000);
  assert.equal(await page.locator("[data-connection=lost]").count(), 0, "the connection lasts");
  crowd.say("restart");
  await page.getByText("The connection to the server is lost").waitFor({ timeout: PATIENT_MS });
  await shoot(page, "journey-lost");
  await page.locator("[data-connection=live]").waitFor({ state: "attached", timeout: PATIENT_MS });
  await page.getByRole("link", { name: "journey", exact: true }).waitFor();
}

async function signOut({ page, crowd }) {
  await go(page, crowd, "/templates");
  assert.equal((await page.content()).includes("dcs_"), false, "no token in the page");
  assert.equal(page.url().includes("dcs_"), false, "no token in the address");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("Password").fill("wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").waitFor();
  await shoot(page, "journey-refused");
}

export const journeys = {
  createAndDistribute, silenceAndReturn, failAndRetry, seenWithinTwoSeconds, addProvider, maintain, staleChange, lostAndFound, signOut,
};
