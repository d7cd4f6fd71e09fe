// One journey on real hypervisors: what an administrator does with a template from its making to its hosts' second
// version. `crates/lab/tests/console.rs` brings the lab up and says by the environment where it is.
import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import { launch, rests, shoot, signIn, visit } from "./browser.mjs";
import { enter, isListening, type } from "./screen.mjs";
import { rowOf } from "./steps.mjs";

const { DIECAST_URL: url, DIECAST_PASSWORD: password, DIECAST_LAB_PROGRAM: program, BOOT_SECONDS, NOTE: note } = process.env;
// The server's certificate is its own authority's.
process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
/** What is done by machines is waited for in boots of a guest. */
const boots = (count) => count * Number(BOOT_SECONDS) * 1000;
const SOON = boots(15);
const LONG = boots(60);

const began = Date.now();
const chapter = (words) => console.error(`-- ${((Date.now() - began) / 1000).toFixed(0)} s: ${words}`);
const lab = (...words) => execFileSync(program, words, { stdio: ["ignore", "ignore", "inherit"] });

const browser = await launch();
const { page, complaints } = await visit(browser, { url });
const go = (path) => page.goto(`${url}${path}`);
const dialog = page.getByRole("dialog");
const button = (name, within = page) => within.getByRole("button", { name, exact: true });
const row = (name) => rowOf(page, name);
const word = (within, text, timeout = SOON) => within.getByText(text, { exact: true }).first().waitFor({ timeout });

async function create() {
  await go("/create-template");
  await page.getByLabel("Provider", { exact: false }).first().selectOption("kvm-a");
  await page.getByRole("radio", { name: "golden" }).check({ timeout: SOON });
  await page.getByLabel("Name of the template", { exact: false }).fill("golden");
  await button("Next").click();
  await button("Add all").click();
  await shoot(page, "lab-lists");
  await button("Review").click();
  await page.getByText("What will happen").waitFor();
  await shoot(page, "lab-review");
  await button("Create template", page.locator("footer")).click();
  await page.getByRole("heading", { level: 1, name: "golden" }).waitFor({ timeout: SOON });
}

async function switchedOffAndRetried() {
  await go("/templates/golden/distribution");
  const away = row("kvm-c");
  await away.getByText("transferring").waitFor({ timeout: SOON });
  await away.getByRole("progressbar").waitFor({ timeout: SOON });
  await shoot(page, "lab-moving");
  await word(row("kvm-b"), "Ready", LONG);
  chapter("kvm-c is switched off");
  lab("stop", "kvm-c");
  await word(away, "Not available");
  await page.getByText("Failed to distribute").first().waitFor({ timeout: SOON });
  await shoot(page, "lab-not-available");
  lab("slow", "kvm-c", "--off");
  chapter("kvm-c is tried again, and gets its power back");
  await away.getByRole("button", { name: "Retry on kvm-c" }).click();
  lab("start", "kvm-c");
  await word(away, "Ready", LONG);
  await page.getByRole("heading", { level: 1 }).locator("xpath=ancestor::section[1]").getByText("OK", { exact: true }).waitFor({ timeout: SOON });
}

async function createHosts() {
  await go("/hosts");
  await button("Create hosts").first().click();
  await dialog.getByLabel("Template", { exact: false }).first().selectOption("golden");
  await dialog.getByRole("spinbutton", { name: "How many" }).fill("2");
  await dialog.getByText("What will happen").waitFor();
  await button("Create 2 hosts", dialog).click();
  for (const host of ["desk-001", "desk-002"]) await word(row(host), "Ready", LONG);
}

async function changeByTheScreen() {
  await go("/templates/golden/maintenance");
  await button("Enter maintenance").click();
  await dialog.getByText("What will happen").waitFor();
  await button("Enter maintenance", dialog).click();
  await page.locator("button:enabled", { hasText: "Open the screen" }).click({ timeout: LONG });
  await word(page, "Shown");
  await isListening(page, LONG);
  await shoot(page, "lab-screen");
  for (const line of [`note ${note}`, "cat /etc/release-note"]) {
    await type(page, line, SOON);
    await enter(page, SOON);
  }
  await shoot(page, "lab-screen-typed");
  await page.emulateMedia({ colorScheme: "dark" });
  await rests(page);
  await shoot(page, "lab-screen-dark");
  await page.emulateMedia({ colorScheme: "light" });
}

async function leaveAndRecreate() {
  await go("/templates/golden/maintenance");
  await button("Leave maintenance").and(page.locator(":enabled")).click({ timeout: SOON });
  await dialog.getByLabel("Note").fill(`typed at the screen: "${note}" <b>`);
  await dialog.getByText("All hosts must be recreated to run the new version. When?").waitFor();
  await dialog.getByRole("radio", { name: "As soon as the new version is there" }).check();
  await dialog.getByLabel("Waves", { exact: true }).fill("1,100%");
  await dialog.getByText("What will happen").waitFor();
  await shoot(page, "lab-leave");
  await button("Leave maintenance", dialog).click();
  await go("/recreations");
  await page.getByRole("link", { name: "golden v2" }).click({ timeout: LONG });
  await page.getByText("Wave 1", { exact: true }).waitFor();
  await shoot(page, "lab-waves");
  await word(page, "Done", LONG);
  await shoot(page, "lab-recreated");
  await go("/templates/golden/versions");
  await page.getByText(`typed at the screen: "${note}" <b>`).first().waitFor();
  await shoot(page, "lab-versions");
  await go("/hosts?template=golden");
  for (const host of ["desk-001", "desk-002"]) {
    await row(host).getByText("v2").waitFor({ timeout: SOON });
    assert.equal(await row(host).getByText("outdated").count(), 0, `${host} is not left behind`);
  }
}

try {
  await signIn(page, { url, password });
  for (const part of [create, switchedOffAndRetried, createHosts, changeByTheScreen, leaveAndRecreate]) {
    chapter(part.name);
    await part();
  }
  assert.deepEqual(complaints, []);
  chapter("all is well");
} catch (error) {
  await shoot(page, "lab-broken");
  throw error;
} finally {
  await browser.close();
}
