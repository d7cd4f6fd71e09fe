// Journeys: what an administrator does, from click to what is seen of it. Each begins where it likes.
import { strict as assert } from "node:assert";
import { shoot } from "./browser.mjs";
import { checkAndRemoveProvider, deleteTemplate, listGrowsAndShrinks, poolFromFirstToLast, versionsComeAndGo } from "./rounds.mjs";
import { dialog, go, PATIENT_MS, rowOf, soon } from "./steps.mjs";


async function createAndDistribute({ page, api, crowd }) {
  for (const order of ["full kvm-07", "bare kvm-08"]) await crowd.say(order);
  await api.until("/providers/kvm-07", (it) => it.facts.storages[0].free_bytes === 0);
  await api.until("/providers/kvm-08", (it) => it.facts.networks.length === 0);
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
  const target = (name) => page.getByRole("list", { name: "Target providers" }).getByRole("listitem").filter({ hasText: name });
  await target("kvm-07").getByText("must stay free").waitFor();
  await target("kvm-08").getByText("has no network").waitFor();
  await target("kvm-02").getByText(/Nothing in the way · 71.0 GiB free afterwards/).waitFor();
  for (const name of ["kvm-07", "kvm-08"]) assert.equal(await target(name).getByText("Nothing in the way").count(), 0, `${name} is not well`);
  await shoot(page, "journey-lists");
  for (const name of ["kvm-07", "kvm-08"]) await crowd.say(`heal ${name}`);
  await page.getByRole("button", { name: "Host defaults", exact: true }).click();
  await page.getByLabel("Names", { exact: false }).fill("pc-{nn}");
  await page.getByRole("button", { name: "Review", exact: true }).click();
  await page.getByText("What will happen").waitFor();
  await page.getByText(/^63.0 GiB over the network, about/).waitFor();
  await shoot(page, "journey-review");
  // Twice: it is made once, and the second click finds nothing to do.
  await page.locator("footer").getByRole("button", { name: "Create template" }).dblclick();
  await page.getByRole("heading", { level: 1, name: "journey" }).waitFor();
  await page.getByRole("progressbar").first().waitFor({ timeout: PATIENT_MS });
  await rowOf(page, "kvm-02").getByText("transferring").waitFor({ timeout: PATIENT_MS });
  await shoot(page, "journey-moving");
  await rowOf(page, "kvm-02").getByText("Ready", { exact: true }).waitFor({ timeout: PATIENT_MS });
}

async function hostsAsTheTemplateSays({ page, api, crowd }) {
  await go(page, crowd, "/templates/journey/properties");
  await page.getByRole("button", { name: "Edit the host defaults" }).click();
  await dialog(page).getByLabel("Kind", { exact: true }).selectOption("full");
  await dialog(page).getByRole("button", { name: "User data", exact: true }).click();
  await dialog(page).getByLabel("User data of one's own").fill("#cloud-config\n");
  await dialog(page).getByRole("button", { name: "Save" }).click();
  await dialog(page).waitFor({ state: "detached" });
  await page.getByText("1 line", { exact: true }).waitFor();
  await go(page, crowd, "/hosts");
  await page.getByRole("button", { name: "Create hosts" }).first().click();
  await dialog(page).getByLabel("Template", { exact: false }).first().selectOption("journey");
  await dialog(page).getByText("Left empty: pc-{nn}").waitFor();
  await dialog(page).getByText("What will happen").waitFor();
  await dialog(page).getByRole("button", { name: "Create 1 host" }).click();
  await rowOf(page, "pc-01").waitFor({ timeout: PATIENT_MS });
  const { kind, setup } = await api.get("/hosts/pc-01");
  assert.deepEqual([kind, setup.user_data], ["full", "#cloud-config\n"]);
  await go(page, crowd, "/templates/journey/properties");
  await page.getByRole("button", { name: "Edit the host defaults" }).click();
  await dialog(page).getByLabel("Names", { exact: true }).fill("");
  await dialog(page).getByRole("button", { name: "User data", exact: true }).click();
  await dialog(page).getByLabel("User data of one's own").fill("");
  await dialog(page).getByRole("button", { name: "Save" }).click();
  await dialog(page).waitFor({ state: "detached" });
  const { name, setup: left } = (await api.get("/templates/journey")).host_defaults;
  assert.deepEqual([name ?? "", left.user_data ?? ""], ["", ""], "an empty text clears");
  await api.ask("DELETE", "/hosts/pc-01");
  await api.until("/hosts?template=journey", (it) => it.items.length === 0);
}

async function silenceAndReturn({ page, crowd }) {
  await go(page, crowd, "/templates/journey/distribution");
  const row = rowOf(page, "kvm-03");
  await row.getByText("Ready", { exact: true }).waitFor({ timeout: PATIENT_MS });
  await crowd.say("silence kvm-03");
  await row.getByText("Not available").waitFor({ timeout: PATIENT_MS });
  await shoot(page, "journey-silent");
  await crowd.say("wake kvm-03");
  await row.getByText("Ready", { exact: true }).waitFor({ timeout: PATIENT_MS });
}

async function failAndRetry({ page, api, crowd }) {
  await crowd.say("fail kvm-02");
  await api.post("/templates", { name: "stubborn", provider: "kvm-01", vm: "golden", to: ["kvm-02"] });
  await go(page, crowd, "/templates/stubborn/distribution");
  const row = rowOf(page, "kvm-02");
  await row.getByText("Failed to distribute").waitFor({ timeout: PATIENT_MS });
  await row.getByRole("button", { name: "Explain T0001" }).click();
  await page.getByRole("heading", { name: "T0001 No source could be reached" }).waitFor();
  await page.getByRole("button", { name: "Close the explanation" }).click();
  await crowd.say("heal kvm-02");
  await row.getByRole("button", { name: "Retry on kvm-02" }).click();
  await row.getByText("Ready", { exact: true }).waitFor({ timeout: PATIENT_MS });
}

async function seenWithinTwoSeconds({ page, api, crowd }) {
  await go(page, crowd, "/providers");
  await page.getByRole("link", { name: "kvm-01", exact: true }).waitFor();
  await page.locator("[data-connection=live]").waitFor({ state: "attached" });
  await api.post("/providers", { name: "late-comer" });
  await page.getByRole("link", { name: "late-comer" }).waitFor({ timeout: await soon(api) });
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
  await crowd.say(`join ${token}`);
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
  await dialog(page).getByLabel("Waves").fill("everybody");
  assert.ok(await dialog(page).getByRole("button", { name: "Leave maintenance" }).isDisabled(), "wrong waves are not sent");
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
  await page.getByText("Wave 1", { exact: true }).first().waitFor();
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

async function lostAndFound({ page, api, crowd }) {
  await go(page, crowd, "/templates/journey/properties");
  await page.locator("[data-connection=live]").waitFor({ state: "attached" });
  let streams = 0;
  page.on("request", (request) => (streams += new URL(request.url()).pathname === "/api/v1/events" && !new URL(request.url()).search ? 1 : 0));
  for (const concurrency of [11, 12, 13, 14, 15, 16]) {
    await api.ask("PATCH", "/templates/journey", { concurrency });
    await page.getByText(String(concurrency), { exact: true }).waitFor({ timeout: await soon(api) });
  }
  assert.equal(streams, 0, "the connection lasts");
  const restarted = crowd.say("restart");
  await page.getByText("The connection to the server is lost").waitFor({ timeout: PATIENT_MS });
  await shoot(page, "journey-lost");
  await restarted;
  await page.locator("[data-connection=live]").waitFor({ state: "attached", timeout: PATIENT_MS });
  assert.ok(streams > 0, "it was made again");
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Templates" }).click();
  await page.getByRole("link", { name: "journey", exact: true }).waitFor();
}

async function operateHosts({ page, api, crowd }) {
  await api.post("/templates", { name: "operated", provider: "kvm-01", vm: "golden", to: ["kvm-05"] });
  await api.until("/templates/operated/distribution", (it) => it.distribution === "OK");
  await api.post("/hosts", { template: "operated", count: 3, name: "op-{n}" });
  await api.until("/hosts?template=operated", (it) => it.items.length === 3 && it.items.every((host) => host.status === "Ready"));
  await go(page, crowd, "/hosts?template=operated");
  const row = (name) => rowOf(page, name);
  await page.getByRole("button", { name: "Tasks of op-1" }).click();
  await page.getByRole("menuitem", { name: "Stop" }).click();
  await dialog(page).getByRole("button", { name: "Stop", exact: true }).click();
  await row("op-1").getByText("Off", { exact: true }).waitFor({ timeout: PATIENT_MS });
  await page.getByRole("link", { name: "op-1" }).click({ button: "right" });
  await page.getByRole("menuitem", { name: "Start" }).click();
  await dialog(page).getByRole("button", { name: "Start", exact: true }).click();
  await row("op-1").getByText("Ready", { exact: true }).waitFor({ timeout: PATIENT_MS });
  // Searched by the server, and marked one by one.
  await page.getByLabel("Search in: Hosts").fill("op-3");
  await page.getByText("1 of 3").waitFor();
  await page.getByRole("checkbox", { name: "Select op-3" }).check();
  await page.getByRole("button", { name: "Delete 1 host" }).click();
  await shoot(page, "journey-delete");
  await dialog(page).getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByLabel("Search in: Hosts").fill("");
  await row("op-3").waitFor({ state: "detached", timeout: PATIENT_MS });
  await row("op-2").waitFor();
  // What was marked and is gone by now is not asked for.
  for (const name of ["op-1", "op-2"]) await page.getByRole("checkbox", { name: `Select ${name}` }).check();
  await api.ask("DELETE", "/hosts/op-2");
  await row("op-2").waitFor({ state: "detached", timeout: PATIENT_MS });
  await page.getByRole("button", { name: /^Delete \d hosts?$/ }).click();
  await dialog(page).getByText("op-1", { exact: true }).first().waitFor();
  assert.equal(await dialog(page).getByText("op-2").count(), 0, "it is gone");
  await dialog(page).getByRole("button", { name: "Cancel" }).click();
}

async function decideOnTheSilent({ page, api, crowd }) {
  await api.post("/templates", { name: "decided", provider: "kvm-01", vm: "golden", to: ["kvm-06"] });
  await api.until("/templates/decided/distribution", (it) => it.distribution === "OK");
  // Of two hosts whose names follow each other one is used by nobody.
  for (const provider of ["kvm-01", "kvm-06"]) await api.post("/hosts", { template: "decided", count: 2, name: `${provider}-{n}`, providers: [provider] });
  await api.until("/hosts?template=decided", (it) => it.items.length === 4 && it.items.every((host) => host.status === "Ready"));
  await crowd.say("silence kvm-06");
  await api.until("/providers/kvm-06", (it) => it.state === "Not available");
  const recreate = async () => {
    await go(page, crowd, "/hosts?template=decided");
    await page.getByRole("link", { name: "kvm-06-1" }).waitFor();
    await page.getByRole("checkbox", { name: "Select all" }).check();
    await page.getByRole("button", { name: "Recreate 4 hosts" }).click();
    await dialog(page).getByLabel("Waves").fill("100%");
    await dialog(page).getByText("What will happen").waitFor();
    await dialog(page).getByRole("button", { name: "Recreate", exact: true }).click();
    await page.waitForURL(/\/recreations$/);
    await page.getByRole("button", { name: "Check again" }).waitFor({ timeout: PATIENT_MS });
  };
  const newest = async () => (await api.get("/recreations?template=decided")).items.sort((one, other) => (one.created_at < other.created_at ? 1 : -1))[0];
  await recreate();
  await page.getByRole("listitem").filter({ hasText: "kvm-06" }).first().waitFor();
  await shoot(page, "journey-decision");
  await page.getByRole("button", { name: "Check again" }).click();
  await page.getByRole("status").filter({ hasText: "0 of 1 respond now" }).first().waitFor();
  await page.getByRole("button", { name: "Check again" }).and(page.locator(":enabled")).waitFor();
  await page.getByRole("button", { name: /^Later/ }).click();
  await page.getByRole("button", { name: "Check again" }).waitFor({ state: "detached", timeout: PATIENT_MS });
  assert.equal((await newest()).stage, "Cancelled", "later: nothing is recreated");
  await recreate();
  await page.getByRole("button", { name: "Go on without them" }).click();
  await page.getByRole("button", { name: "Check again" }).waitFor({ state: "detached", timeout: PATIENT_MS });
  await api.until(`/recreations/${(await newest()).id}`, (it) => it.hosts.some((host) => host.provider === "kvm-01" && host.state === "passed"), 90);
  assert.equal((await api.get("/hosts/kvm-06-1")).incarnation, 1, "who does not answer is left alone");
  await crowd.say("wake kvm-06");
  await api.until("/providers/kvm-06", (it) => it.state === "Available");
}

async function changePool({ page, api, crowd }) {
  await api.until("/templates/operated/distribution", (it) => it.distribution === "OK");
  await api.post("/pools", { name: "edited", template: "operated", pattern: "ed-{nn}", settings: { min: 1, max: 2 } });
  await go(page, crowd, "/pools/edited");
  await page.getByRole("button", { name: "Tasks of edited" }).click();
  await page.getByRole("menuitem", { name: "Change" }).click();
  await dialog(page).getByLabel("Placement").selectOption("weights");
  await dialog(page).getByText("Write a number for each provider").waitFor();
  assert.ok(await dialog(page).getByRole("button", { name: "Save" }).isDisabled(), "weights without a number are not sent");
  await dialog(page).getByLabel("Weights", { exact: false }).fill("kvm-01=1, kvm-05=3");
  await dialog(page).getByRole("button", { name: "Where, how, in which waves" }).click();
  await dialog(page).getByLabel("Waves", { exact: true }).fill("2,100%");
  await dialog(page).getByRole("button", { name: "Preparation of the guest" }).click();
  await dialog(page).getByLabel("Ready when").selectOption("running");
  await dialog(page).getByText("What will happen").waitFor();
  await shoot(page, "journey-pool");
  await dialog(page).getByRole("button", { name: "Save" }).click();
  await dialog(page).waitFor({ state: "detached" });
  const pool = await api.get("/pools/edited");
  assert.deepEqual([pool.placement, pool.weights, pool.terms.waves, pool.setup.ready_when], ["weights", { "kvm-01": 1, "kvm-05": 3 }, "2,100%", "running"]);
  await page.getByText("kvm-01=1, kvm-05=3").waitFor({ timeout: await soon(api) });
}

async function limitsAndScrubs({ page, api, crowd }) {
  await go(page, crowd, "/providers/kvm-07");
  await page.getByRole("button", { name: "Tasks of kvm-07" }).click();
  await page.getByRole("menuitem", { name: "Change" }).click();
  await dialog(page).getByLabel("Limit").fill("fast");
  await dialog(page).getByText("Write 100Mbit/s, or parts").waitFor();
  assert.ok(await dialog(page).getByRole("button", { name: "Save" }).isDisabled(), "what is no limit is not sent");
  await dialog(page).getByLabel("Limit").fill("2Mbit/s 08:00-18:00 Europe/Madrid; 100Mbit/s");
  await dialog(page).getByLabel("Time of the day").fill("22:00-06:00 Europe/Madrid");
  await shoot(page, "journey-limit");
  await dialog(page).getByRole("button", { name: "Save" }).click();
  await dialog(page).waitFor({ state: "detached" });
  await page.getByText("2Mbit/s 08:00-18:00 Europe/Madrid; 100Mbit/s").first().waitFor({ timeout: await soon(api) });
  await page.getByText("22:00-06:00 Europe/Madrid").first().waitFor({ timeout: await soon(api) });
  assert.equal((await api.get("/providers/kvm-07")).scrub.window, "22:00-06:00 Europe/Madrid");
}

async function tokensOnceAndAudit({ page, api, crowd }) {
  await go(page, crowd, "/tokens");
  await page.getByRole("button", { name: "Create token" }).first().click();
  await dialog(page).getByLabel("Name", { exact: false }).first().fill("dashboard");
  await dialog(page).getByRole("button", { name: "Create token" }).click();
  const text = await page.getByRole("textbox", { name: "The token" }).inputValue();
  await shoot(page, "journey-token");
  const look = (path) => fetch(`${api.url}/api/v1${path}`, { headers: { Authorization: `Bearer ${text}` } });
  assert.equal((await look("/templates")).status, 200, "it opens what it may");
  await dialog(page).getByRole("button", { name: "Close" }).last().click();
  assert.equal((await page.content()).includes(text), false, "it is shown once");
  await page.getByRole("button", { name: "Tasks of dashboard" }).click();
  await page.getByRole("menuitem", { name: "Revoke" }).click();
  await dialog(page).getByRole("button", { name: "Revoke", exact: true }).click();
  await page.getByRole("link", { name: "Audit" }).click();
  await page.getByText("token.revoked").first().waitFor();
  await page.getByRole("button", { name: /^Details of entry/ }).first().click();
  await dialog(page).getByText("dashboard").first().waitFor();
  assert.equal((await look("/templates")).status, 401, "revoked, it opens nothing");
}

async function alarmAndWhoIsTold({ page, api, crowd }) {
  await go(page, crowd, "/notifications");
  await page.getByRole("button", { name: "Add notification" }).first().click();
  await dialog(page).getByLabel("Name", { exact: false }).first().fill("chat");
  await dialog(page).getByRole("radio", { name: "Webhook" }).check();
  await dialog(page).getByLabel("Address", { exact: false }).fill("nowhere");
  await dialog(page).getByText("Write a whole address").waitFor();
  await dialog(page).getByLabel("Address", { exact: false }).fill("http://127.0.0.1:9/hook");
  await dialog(page).getByRole("button", { name: "Add notification" }).click();
  await page.getByText("Key of chat").first().waitFor();
  await dialog(page).getByRole("button", { name: "Close" }).last().click();
  await page.getByRole("button", { name: "Test chat" }).click();
  await dialog(page).getByText("It was not delivered").waitFor({ timeout: PATIENT_MS });
  await dialog(page).getByRole("button", { name: "Close" }).last().click();
  await crowd.say("silence kvm-08");
  await page.getByRole("button", { name: /alarm/ }).click();
  await page.getByRole("row", { name: /kvm-08/ }).waitFor({ timeout: PATIENT_MS });
  await shoot(page, "journey-alarm");
  await crowd.say("wake kvm-08");
  await page.getByRole("row", { name: /kvm-08/ }).waitFor({ state: "detached", timeout: PATIENT_MS });
  await api.ask("DELETE", "/notifications/chat");
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

/** Each of these needs what those before it in its list left. The lists have a server each. */
export const journeys = [
  [createAndDistribute, hostsAsTheTemplateSays, silenceAndReturn, failAndRetry, maintain, staleChange, lostAndFound],
  [seenWithinTwoSeconds, addProvider, operateHosts, decideOnTheSilent, changePool],
  [listGrowsAndShrinks, versionsComeAndGo, checkAndRemoveProvider, poolFromFirstToLast, deleteTemplate],
  [limitsAndScrubs, tokensOnceAndAudit, alarmAndWhoIsTold, signOut],
];
