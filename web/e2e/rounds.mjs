// Journeys around one thing, from its beginning to its end.
import { dialog, go, PATIENT_MS, rowOf, task } from "./steps.mjs";

export async function listGrowsAndShrinks({ page, api, crowd }) {
  await api.post("/templates", { name: "rounds", provider: "kvm-01", vm: "golden", to: ["kvm-02"] });
  await api.until("/templates/rounds/distribution", (it) => it.distribution === "OK");
  await go(page, crowd, "/templates/rounds/distribution");
  await page.getByRole("button", { name: "Add providers" }).click();
  await dialog(page).getByRole("checkbox", { name: /kvm-03/ }).check();
  await dialog(page).getByRole("button", { name: "Add", exact: true }).first().click();
  const target = dialog(page).getByRole("list", { name: "Target providers" }).getByRole("listitem").filter({ hasText: "kvm-03" });
  await target.getByText(/Nothing in the way · .* free afterwards/).waitFor();
  await dialog(page).getByRole("button", { name: "Add 1 provider" }).click();
  const row = rowOf(page, "kvm-03");
  await row.getByText("Ready", { exact: true }).waitFor({ timeout: PATIENT_MS });
  await task(page, "kvm-03", "Remove from the list");
  await dialog(page).getByText("What will happen").waitFor();
  await dialog(page).getByRole("button", { name: "Remove from the list" }).click();
  await row.waitFor({ state: "detached", timeout: PATIENT_MS });
  await api.until("/templates/rounds/distribution", (it) => it.providers.every((row) => row.provider !== "kvm-03"));
}

export async function versionsComeAndGo({ page, api, crowd }) {
  await api.post("/templates/rounds/maintenance");
  await api.until("/templates/rounds", (it) => it.status === "Maintenance");
  await api.post("/templates/rounds/maintenance/leave", { recreate: "later" });
  await api.until("/templates/rounds", (it) => it.version === 2 && it.status === "Ready", 90);
  await go(page, crowd, "/templates/rounds/versions");
  await task(page, "v1", "Add a tag");
  await dialog(page).getByLabel("Tag", { exact: false }).first().fill("proven");
  await dialog(page).getByRole("button", { name: "Add a tag" }).click();
  await page.getByRole("button", { name: "Take away the tag proven" }).waitFor({ timeout: PATIENT_MS });
  await task(page, "v1", "Make it the current one");
  await dialog(page).getByText("What will happen").waitFor();
  await dialog(page).getByRole("button", { name: "Make it the current one" }).click();
  await api.until("/templates/rounds", (it) => it.version === 1);
  await api.until("/templates/rounds/distribution", (it) => it.distribution === "OK");
  await go(page, crowd, "/templates/rounds/versions");
  await task(page, "v2", "Delete");
  await dialog(page).getByText("What will happen").waitFor();
  await dialog(page).getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByRole("grid").getByText("v2", { exact: true }).waitFor({ state: "detached", timeout: PATIENT_MS });
}

export async function checkAndRemoveProvider({ page, api, crowd }) {
  await api.post("/providers", { name: "passing" });
  await go(page, crowd, "/providers");
  await page.getByRole("link", { name: "passing", exact: true }).waitFor({ timeout: PATIENT_MS });
  await task(page, "kvm-04", "Check");
  await dialog(page).getByText("a throw-away machine started on an overlay").waitFor({ timeout: PATIENT_MS });
  await dialog(page).getByRole("button", { name: "Close" }).last().click();
  await task(page, "passing", "Remove");
  await dialog(page).getByRole("button", { name: "Remove", exact: true }).click();
  await page.getByRole("link", { name: "passing", exact: true }).waitFor({ state: "detached", timeout: PATIENT_MS });
}

export async function poolFromFirstToLast({ page, api, crowd }) {
  await go(page, crowd, "/pools");
  await page.getByRole("button", { name: "Create pool" }).first().click();
  await dialog(page).getByLabel("Name", { exact: false }).first().fill("brief");
  await dialog(page).getByLabel("Template", { exact: false }).first().selectOption("rounds");
  await dialog(page).getByText("What will happen").waitFor();
  await dialog(page).getByRole("button", { name: "Create pool" }).click();
  await page.getByRole("heading", { level: 1, name: "brief" }).waitFor();
  await page.getByRole("heading", { name: "Events" }).waitFor();
  await page.getByText("pool.created").waitFor({ timeout: PATIENT_MS });
  await api.until("/hosts?pool=brief", (it) => it.items.length > 0 && it.items.every((host) => host.status === "Ready"));
  await task(page, "brief", "Delete");
  await dialog(page).getByText("What will happen").waitFor();
  await dialog(page).getByRole("button", { name: "Delete", exact: false }).first().click();
  await api.until("/pools", (it) => it.items.every((pool) => pool.name !== "brief"));
  await page.waitForURL(/\/pools$/);
  await api.until("/hosts?template=rounds", (it) => it.items.length === 0);
}

export async function deleteTemplate({ page, api, crowd }) {
  await go(page, crowd, "/templates");
  await page.getByRole("link", { name: "rounds", exact: true }).click({ button: "right" });
  await page.getByRole("menuitem", { name: "Delete" }).click();
  await dialog(page).getByText("What will happen").waitFor();
  await dialog(page).getByRole("button", { name: "Delete", exact: false }).first().click();
  await page.getByRole("link", { name: "rounds", exact: true }).waitFor({ state: "detached", timeout: PATIENT_MS });
  await api.until("/templates", (it) => it.items.every((template) => template.name !== "rounds"));
}
