// Ten thousand hosts: the list is there, stays smooth, and finds one among them.
// `node e2e/many.mjs` prints what it measured; it takes minutes, and so is no part of every run.
import { strict as assert } from "node:assert";
import { launch, shoot, signIn, visit } from "./browser.mjs";
import { Api, startCrowd } from "./server.mjs";

const PROVIDERS = 10;
const EACH = 1000;
/** Rows that are drawn at a time: those in sight and some around them. */
const ROWS_MAX = 100;
/** How much longer a frame may take while somebody scrolls, and a search than the page at first: as measured on the same machine. */
const FRAMES_MAX = 4;
const SEARCH_MAX = 5;
const browser = await launch();
const crowd = await startCrowd(PROVIDERS);
try {
  const api = new Api(crowd);
  await api.signIn();
  const names = Array.from({ length: PROVIDERS }, (_, index) => `kvm-${String(index + 1).padStart(2, "0")}`);
  for (const name of names) await api.until(`/providers/${name}`, (it) => it.state === "Available");
  await api.post("/templates", { name: "win11", provider: "kvm-01", vm: "golden", to: names });
  await api.until("/templates/win11/distribution", (it) => it.distribution === "OK");
  for (let part = 0; part < PROVIDERS; part += 1) await api.post("/hosts", { template: "win11", count: EACH, name: `d${part}-{nnnn}`, providers: [names[part]] });
  const { page, complaints } = await visit(browser, crowd);
  await signIn(page, crowd);
  const began = Date.now();
  await page.getByRole("link", { name: "Hosts" }).click();
  await page.getByRole("link", { name: "d0-0001" }).waitFor({ timeout: 60_000 });
  const first = Date.now() - began;
  await page.getByText(`${PROVIDERS * EACH} items`).waitFor({ timeout: 120_000 });
  const all = Date.now() - began;
  const frames = await page.evaluate(async () => {
    const list = document.querySelector(".dc-scroll");
    const gaps = [];
    let last = performance.now();
    for (let step = 0; step < 120; step += 1) {
      list.scrollTop += 2000;
      await new Promise((done) => requestAnimationFrame(done));
      const now = performance.now();
      gaps.push(now - last);
      last = now;
    }
    const middle = (all) => [...all].sort((one, other) => one - other)[Math.floor(all.length / 2)];
    const scrolling = { median: middle(gaps), worst: Math.max(...gaps), rows: document.querySelectorAll("tbody tr").length };
    const idle = [];
    for (let step = 0; step < 60; step += 1) {
      await new Promise((done) => requestAnimationFrame(done));
      const now = performance.now();
      idle.push(now - last);
      last = now;
    }
    return { ...scrolling, idle: middle(idle) };
  });
  await shoot(page, "many-hosts");
  const typed = Date.now();
  await page.getByLabel("Search in: Hosts").fill("d7-0777");
  await page.getByText(`1 of ${PROVIDERS * EACH}`).waitFor({ timeout: 30_000 });
  const search = Date.now() - typed;
  console.log(JSON.stringify({ first_ms: first, all_ms: all, search_ms: search, frames, complaints }));
  assert.deepEqual(complaints, []);
  assert.ok(frames.rows <= ROWS_MAX, `${frames.rows} rows are drawn: more than are in sight`);
  assert.ok(frames.median <= FRAMES_MAX * frames.idle, `scrolling takes ${frames.median} ms a frame where ${frames.idle} are usual`);
  assert.ok(search <= SEARCH_MAX * first, `a search takes ${search} ms where the whole page took ${first}`);
} finally {
  await browser.close();
  await crowd.stop();
}
