// How the console is built: one page, nothing from another site, no inline scripts or styles that a
// strict Content-Security-Policy would refuse. What text there is, is packed here, once, for the server to hand out.
import react from "@vitejs/plugin-react";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { defineConfig } from "vitest/config";

const ASSETS = "dist/assets";

/** Beside each file of text the same as `.br` and `.gz`. Fonts are packed already. */
const packed = {
  name: "packed",
  apply: "build" as const,
  closeBundle() {
    for (const name of readdirSync(ASSETS).filter((it) => /\.(js|css|svg)$/.test(it))) {
      const file = join(ASSETS, name);
      const content = readFileSync(file);
      writeFileSync(`${file}.br`, brotliCompressSync(content));
      writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }));
    }
  },
};

export default defineConfig({
  plugins: [react(), packed],
  // Inlined assets would be `data:` addresses.
  build: { assetsInlineLimit: 0, chunkSizeWarningLimit: 1500 },
  server: { proxy: { "/api": { target: process.env.DIECAST_URL, secure: false, ws: true } } },
  test: { environment: "jsdom", globals: true, setupFiles: "src/test/setup.ts", include: ["src/**/*.test.{ts,tsx}"] },
});
