// The console in a browser, against a real server: every page photographed and checked, and the journeys.
// `node e2e/run.mjs` for all; `node e2e/run.mjs pages hosts` for some pages only, `journeys maintain` for the journeys of which that is one.
import { launch, screenshots, signIn, visit } from "./browser.mjs";
import { journeys } from "./journeys.mjs";
import { pages, tour } from "./pages.mjs";
import { rare } from "./rare.mjs";
import { fill } from "./scene.mjs";
import { Api, startCrowd } from "./server.mjs";

const PROVIDERS = 8;
/** Visitors who look at pages side by side: what one waits for, another uses. */
const VISITORS = 3;
const BLANK = ["templates", "hosts", "pools", "recreations", "schedules", "alarms", "notifications", "tokens", "recovery"];
const ON_A_TABLET = ["templates", "template-distribution", "hosts", "providers", "create-template"];
const [only, ...wanted] = process.argv.slice(2);
const faults = [];
const began = Date.now();
const say = (words) => console.error(`e2e: ${((Date.now() - began) / 1000).toFixed(0)} s: ${words}`);

const browser = await launch();

/** One who is signed in, unless said otherwise, for as long as `visiting` takes. */
async function visitor(crowd, visiting, { known = true, ...size } = {}) {
  const { page, complaints, close } = await visit(browser, { url: crowd.url, ...size });
  if (known) await signIn(page, crowd);
  await visiting(page);
  faults.push(...complaints);
  await close();
}

/** All of them looked at, by several visitors at a time. */
async function lookAt(crowd, list, prefix = "", size = {}) {
  const left = wanted.length > 0 ? list.filter(([name]) => wanted.includes(name)) : [...list];
  const looks = async (page) => {
    for (let next = left.shift(); next; next = left.shift()) faults.push(...(await tour(page, crowd.url, next, prefix)));
  };
  await Promise.all(Array.from({ length: Math.min(VISITORS, left.length) }, () => visitor(crowd, looks, size)));
}

async function everyPage() {
  const crowd = await startCrowd(PROVIDERS);
  try {
    const api = new Api(crowd);
    await api.signIn();
    say("empty pages");
    await visitor(crowd, async (page) => faults.push(...(await tour(page, crowd.url, ["sign-in", "/"]))), { known: false });
    if (wanted.length === 0) await lookAt(crowd, BLANK.map((name) => [name, `/${name}`]), "empty-");
    say("a scene");
    await fill(api, crowd, PROVIDERS);
    say("every page");
    await lookAt(crowd, [...pages, ...rare]);
    if (wanted.length === 0) await lookAt(crowd, pages.filter(([name]) => ON_A_TABLET.includes(name)), "tablet-", { width: 820, height: 1180 });
  } finally {
    await crowd.stop();
  }
}

async function travel(list) {
  const crowd = await startCrowd(PROVIDERS);
  try {
    const api = new Api(crowd);
    await api.signIn();
    await api.until("/providers", (it) => it.items.every((provider) => provider.state === "Available"));
    await visitor(crowd, async (page) => {
      for (const journey of list) {
        say(journey.name);
        await journey({ page, api, crowd }).catch((error) => faults.push(`${journey.name}: ${error.stack}`));
      }
    });
  } finally {
    await crowd.stop();
  }
}

try {
  const lists = only === "pages" ? [] : journeys.filter((list) => wanted.length === 0 || list.some((it) => wanted.includes(it.name)));
  await Promise.all([only !== "journeys" && everyPage(), ...lists.map(travel)]);
} finally {
  await browser.close();
}
say(`pictures are in ${screenshots}`);
for (const fault of new Set(faults)) console.error(`- ${fault}`);
process.exit(faults.length > 0 ? 1 : 0);
