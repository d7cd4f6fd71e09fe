// Debian's Chromium, quiet, with a profile of its own that goes with it; and those who visit by it.
import { AxeBuilder } from "@axe-core/playwright";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { root } from "./server.mjs";

const SWITCHES = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];
export const screenshots = `${root}target/screenshots`;

/** The browser; each of its visitors comes with nothing of another's. */
export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: SWITCHES });

/** A page of the server at this address, for one visitor, and what the browser complained of. */
export async function visit(browser, { url, width = 1280, height = 800 }) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width, height } });
  if (process.env.DIECAST_DIST) await serveFrom(context, url, process.env.DIECAST_DIST);
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => {
    // What the server refuses is shown on the page; the browser's line about it says nothing more.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) complaints.push(`the browser complains: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(`the page failed: ${error}`));
  page.on("request", (request) => {
    if (!request.url().startsWith("data:") && new URL(request.url()).origin !== new URL(url).origin) complaints.push(`the page asked another site: ${request.url()}`);
  });
  return { page, complaints, close: () => context.close() };
}

/** Signs in, by hand. */
export async function signIn(page, { url, password }) {
  await page.goto(url);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { level: 1, name: "Templates" }).waitFor();
}

/** The console as it was built last, in front of a server that has another one in it. */
async function serveFrom(context, server, folder) {
  const own = (url) => url.origin === new URL(server).origin && !url.pathname.startsWith("/api/");
  await context.route(own, (route) => {
    const file = join(folder, new URL(route.request().url()).pathname);
    const headers = { "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; object-src 'none'" };
    return route.fulfill({ path: /\.\w+$/.test(file) && existsSync(file) ? file : join(folder, "index.html"), headers });
  });
}

/** What axe finds that is serious; with `only`, of these rules. */
export async function axe(page, only) {
  // Nothing here is in frames of other sites, and what is well is told nobody.
  const builder = new AxeBuilder({ page }).setLegacyMode(true).options({ resultTypes: ["violations"] });
  const { violations } = await (only ? builder.withRules(only) : builder).analyze();
  return violations
    .filter((it) => it.impact === "serious" || it.impact === "critical")
    .map((it) => `${it.id} (${it.nodes.length}): ${it.nodes[0]?.html.slice(0, 200)} ${it.nodes[0]?.failureSummary?.slice(0, 300)}`);
}

/** How long a page has to come to rest; one with progress on it never does. */
const REST_MS = 4000;
/** A page rests when nothing was drawn for so long. */
const STILL_MS = 300;

/** Waits until what was asked for is there and drawn, and nothing fades or slides any more. */
export async function rests(page) {
  await page.locator("[aria-label=Loading]").first().waitFor({ state: "detached", timeout: REST_MS }).catch(() => undefined);
  await page.evaluate(async ([still, rest]) => {
    const over = new Promise((done) => setTimeout(done, rest));
    const undrawn = new Promise((done) => {
      let timer = setTimeout(done, still);
      const observer = new MutationObserver(() => {
        clearTimeout(timer);
        timer = setTimeout(done, still);
      });
      observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
      void over.then(() => observer.disconnect());
    });
    await Promise.race([undrawn, over]);
    const ends = (it) => Number.isFinite(it.effect?.getComputedTiming().endTime);
    await Promise.race([Promise.allSettled(document.getAnimations().filter(ends).map((it) => it.finished)), over]);
  }, [STILL_MS, REST_MS]);
}

export async function shoot(page, name) {
  mkdirSync(screenshots, { recursive: true });
  await page.screenshot({ path: `${screenshots}/${name}.png` });
}

export async function theme(page, dark) {
  await page.emulateMedia({ colorScheme: dark ? "dark" : "light" });
}
