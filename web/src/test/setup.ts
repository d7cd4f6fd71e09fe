// What every component test has: the texts, and a page that is empty again afterwards.
import "@testing-library/jest-dom/vitest";
import { cleanup } from "@testing-library/react";
import { afterEach } from "vitest";
import "../i18n";

afterEach(cleanup);

// jsdom draws nothing, and so measures nothing.
globalThis.ResizeObserver ??= class {
  observe() {}
  unobserve() {}
  disconnect() {}
};
window.matchMedia ??= (query: string) => ({ matches: false, media: query, addEventListener() {}, removeEventListener() {} }) as unknown as MediaQueryList;
Object.defineProperties(Element.prototype, { clientHeight: { get: () => 800 }, clientWidth: { get: () => 1200 } });
Object.defineProperties(HTMLElement.prototype, {
  offsetHeight: { get(this: HTMLElement) { return this.tagName === "TR" ? 53 : 800; } },
  offsetWidth: { get: () => 1200 },
});
Element.prototype.scrollIntoView ??= () => undefined;
