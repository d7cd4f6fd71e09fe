import { render, screen } from "@testing-library/react";
import { expect, it } from "vitest";
import { savedBytes, SavedWords, SourceWords } from "./Saved";

const MIB = 1024 ** 2;

it("what was saved is told by its reason, most first, and what saved nothing is not told", () => {
  const saved = { holes: 300 * MIB, there: 0, compression: 900 * MIB };
  const { container } = render(<SavedWords saved={saved} />);
  expect([...container.querySelectorAll("span")].map((it) => it.textContent)).toEqual(["900 MiB by compression", "300 MiB in holes"]);
  expect(savedBytes(saved)).toBe(1200 * MIB);
  expect(savedBytes(null)).toBe(0);
});

it("who gives something now is named with the rate, and not more than a line bears", () => {
  const source = (provider: string, bytes_per_second: number) => ({ provider, bytes_per_second, bytes: 1 });
  const { container } = render(<SourceWords sources={[source("kvm-a", MIB), source("kvm-b", 0), source("kvm-c", 4 * MIB)]} />);
  expect(container).toHaveTextContent("from kvm-c (4.0 MiB/s), kvm-a (1.0 MiB/s)");
  render(<SourceWords sources={["1", "2", "3", "4", "5"].map((it) => source(`kvm-${it}`, MIB))} />);
  expect(screen.getByText(/and 2 more/)).toBeVisible();
});

it("while nobody gives anything nothing is said", () => {
  const { container } = render(<SourceWords sources={[]} />);
  expect(container).toBeEmptyDOMElement();
});
