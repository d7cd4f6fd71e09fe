// A real server with a crowd of agents, for the length of a run.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));
const target = process.env.CARGO_TARGET_DIR ?? `${root}target`;

/** Starts it; `say` gives the crowd an order, and ends when it was followed. */
export async function startCrowd(providers) {
  const program = `${target}/debug/examples/crowd`;
  if (!existsSync(program)) throw new Error(`${program} is missing: cargo build -p diecast-server --example crowd`);
  const child = spawn(program, [String(providers)], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout });
  const first = await new Promise((resolve, reject) => {
    lines.once("line", resolve);
    child.once("exit", (code) => reject(new Error(`the crowd ended with ${code}`)));
  });
  // Its certificate is its own authority's.
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
  const { url, user, password } = JSON.parse(first);
  // One line is answered for each order, in their order.
  const waiting = [];
  lines.on("line", () => waiting.shift()?.());
  const say = (order) => new Promise((done) => {
    waiting.push(done);
    child.stdin.write(`${order}\n`);
  });
  const stop = () => new Promise((done) => {
    child.once("exit", done);
    child.stdin.end();
  });
  return { url, user, password, say, stop };
}

/** The API as the command line uses it, to set a scene. */
export class Api {
  constructor({ url, user, password }) {
    Object.assign(this, { url, user, password });
  }

  async signIn() {
    const { token } = await this.post("/session", { user: this.user, password: this.password });
    this.token = token;
    return token;
  }

  async ask(method, path, body) {
    const headers = { "Content-Type": "application/json", ...(this.token && { Authorization: `Bearer ${this.token}` }) };
    const response = await fetch(`${this.url}/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  }

  get = (path) => this.ask("GET", path);
  post = (path, body = {}) => this.ask("POST", path, body);

  async until(path, so, seconds = 60) {
    for (let left = seconds * 5; left > 0; left -= 1) {
      const seen = await this.get(path);
      if (so(seen)) return seen;
      await new Promise((done) => setTimeout(done, 200));
    }
    throw new Error(`${path} never came to be so`);
  }
}
