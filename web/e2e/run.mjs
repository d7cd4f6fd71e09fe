// The console in a browser, against a real server: every page photographed and checked, and the journeys.
// `node e2e/run.mjs` for all; `node e2e/run.mjs pages hosts` for some pages only.
import { open, screenshots } from "./browser.mjs";
import { journeys } from "./journeys.mjs";
import { pages, tour } from "./pages.mjs";
import { tourRare } from "./rare.mjs";
import { fill } from "./scene.mjs";
import { Api, startCrowd } from "./server.mjs";

const PROVIDERS = 8;
const [only, ...wanted] = process.argv.slice(2);
const faults = [];
const say = (words) => console.error(`e2e: ${words}`);

async function signIn(page, crowd) {
  await page.goto(crowd.url);
  await page.getByLabel("Password").fill(crowd.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { level: 1, name: "Templates" }).waitFor();
}

const browser = await open();
const crowd = await startCrowd(PROVIDERS);
const api = new Api(crowd);
try {
  await api.signIn();
  if (!only || only === "pages") {
    say("empty pages");
    await browser.page.goto(crowd.url);
    faults.push(...(await tour(browser.page, crowd.url, [["sign-in", "/"]])));
    await signIn(browser.page, crowd);
    const blank = [["templates", "/templates"], ["hosts", "/hosts"], ["pools", "/pools"], ["recreations", "/recreations"], ["schedules", "/schedules"], ["alarms", "/alarms"], ["notifications", "/notifications"], ["tokens", "/tokens"], ["recovery", "/recovery"]];
    faults.push(...(await tour(browser.page, crowd.url, wanted.length > 0 ? [] : blank, "empty-")));
    say("a scene");
    await fill(api, crowd, PROVIDERS);
    say("every page");
    faults.push(...(await tour(browser.page, crowd.url, wanted.length > 0 ? pages.filter(([name]) => wanted.includes(name)) : pages)));
    faults.push(...(await tourRare(browser.page, crowd.url, wanted)));
    await browser.page.setViewportSize({ width: 820, height: 1180 });
    const tablet = pages.filter(([name]) => ["templates", "template-distribution", "hosts", "providers", "create-template"].includes(name));
    faults.push(...(await tour(browser.page, crowd.url, wanted.length > 0 ? [] : tablet, "tablet-")));
    await browser.page.setViewportSize({ width: 1280, height: 800 });
  } else {
    await signIn(browser.page, crowd);
  }
  if (!only || only === "journeys") {
    // As the pages left them, some of the crowd were slow or failed.
    for (const name of ["kvm-02", "kvm-03", "kvm-04"]) crowd.say(`heal ${name}`);
    for (const [name, journey] of Object.entries(journeys)) {
      if (wanted.length > 0 && !wanted.includes(name)) continue;
      say(name);
      await journey({ page: browser.page, api, crowd }).catch((error) => faults.push(`${name}: ${error.stack}`));
    }
  }
  faults.push(...browser.complaints.map((it) => `the browser complains: ${it}`));
  faults.push(...browser.outside.map((it) => `the page asked another site: ${it}`));
} finally {
  await browser.close();
  await crowd.stop();
}
say(`pictures are in ${screenshots}`);
for (const fault of new Set(faults)) console.error(`- ${fault}`);
process.exit(faults.length > 0 ? 1 : 0);
