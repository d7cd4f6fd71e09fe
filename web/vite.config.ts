// How the console is built: one page, nothing from another site, no inline scripts or styles that a
// strict Content-Security-Policy would refuse.
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [react()],
  // Inlined assets would be `data:` addresses.
  build: { assetsInlineLimit: 0, chunkSizeWarningLimit: 1500 },
  server: { proxy: { "/api": { target: process.env.DIECAST_URL, secure: false, ws: true } } },
  test: { environment: "jsdom", globals: true, setupFiles: "src/test/setup.ts", include: ["src/**/*.test.{ts,tsx}"] },
});
