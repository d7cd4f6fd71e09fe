// Debian's Chromium, quiet, with a profile of its own that goes with it.
import { AxeBuilder } from "@axe-core/playwright";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { root } from "./server.mjs";

const SWITCHES = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];
export const screenshots = `${root}target/screenshots`;

/** A browser, and what it complained of. */
export async function open(size = { width: 1280, height: 800 }) {
  const profile = mkdtempSync(join(tmpdir(), "diecast-chromium-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: SWITCHES,
    ignoreHTTPSErrors: true,
    viewport: size,
  });
  if (process.env.DIECAST_DIST) await serveFrom(context, process.env.DIECAST_DIST);
  const page = context.pages()[0] ?? (await context.newPage());
  const complaints = [];
  page.on("console", (message) => {
    // What the server refuses is shown on the page; the browser's line about it says nothing more.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  const outside = [];
  page.on("request", (request) => {
    if (!request.url().startsWith("data:") && new URL(request.url()).hostname !== "127.0.0.1") outside.push(request.url());
  });
  const close = async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  };
  return { page, complaints, outside, close };
}

/** The console as it was built last, in front of a server that has another one in it. */
async function serveFrom(context, folder) {
  await context.route(/^https:\/\/127\.0\.0\.1:\d+\/(?!api\/)/, (route) => {
    const file = join(folder, new URL(route.request().url()).pathname);
    const headers = { "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; object-src 'none'" };
    return route.fulfill({ path: /\.\w+$/.test(file) && existsSync(file) ? file : join(folder, "index.html"), headers });
  });
}

/** What axe finds that is serious. */
export async function axe(page) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations
    .filter((it) => it.impact === "serious" || it.impact === "critical")
    .map((it) => `${it.id} (${it.nodes.length}): ${it.nodes[0]?.html.slice(0, 200)} ${it.nodes[0]?.failureSummary?.slice(0, 300)}`);
}

export async function shoot(page, name) {
  mkdirSync(screenshots, { recursive: true });
  await page.screenshot({ path: `${screenshots}/${name}.png` });
}

export async function theme(page, dark) {
  await page.emulateMedia({ colorScheme: dark ? "dark" : "light" });
}
