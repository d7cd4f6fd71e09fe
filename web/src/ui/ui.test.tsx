import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { Bar } from "./Bar";
import { bytes, duration, natural, percent } from "./format";
import { Grid } from "./Grid";
import { Markdown } from "./Markdown";
import { isLabel, isPattern } from "./rules";

const names = (count: number) => Array.from({ length: count }, (_, index) => ({ name: `desk-${index + 1}` }));
const columns = [{ label: "Name", by: (it: { name: string }) => it.name, cell: (it: { name: string }) => <a href="/">{it.name}</a> }];

function list(rows: { name: string }[], tasks?: () => { label: string; act: () => void }[]) {
  return render(<Grid label="Hosts" rows={rows} name={(it) => it.name} text={(it) => it.name} columns={columns} tasks={tasks} start={<p>Begin here</p>} />);
}

it("an empty list says what to do first", () => {
  list([]);
  expect(screen.getByText("Begin here")).toBeVisible();
});

it("of ten thousand rows only those in sight are drawn", () => {
  list(names(10_000));
  expect(screen.getAllByRole("row").length).toBeLessThan(60);
  expect(screen.getByText("10000 items")).toBeVisible();
});

it("numbers in names count as numbers", () => {
  expect(["desk-10", "desk-2"].sort(natural)).toEqual(["desk-2", "desk-10"]);
});

it("searching leaves what matches, and says how many of all", async () => {
  list(names(30));
  await userEvent.type(screen.getByRole("textbox"), "desk-7");
  expect(screen.getByRole("link", { name: "desk-7" })).toBeVisible();
  expect(screen.getByText("1 of 30")).toBeVisible();
});

it("the right mouse button offers what Tasks offers", async () => {
  const act = vi.fn();
  list(names(2), () => [{ label: "Start", act }]);
  await userEvent.pointer({ keys: "[MouseRight]", target: screen.getByRole("link", { name: "desk-1" }) });
  await userEvent.click(within(screen.getByRole("menu")).getByRole("menuitem", { name: "Start" }));
  expect(act).toHaveBeenCalledOnce();
});

it("the arrow keys go from row to row", async () => {
  list(names(3));
  screen.getByRole("link", { name: "desk-1" }).focus();
  await userEvent.keyboard("{ArrowDown}");
  expect(screen.getByRole("link", { name: "desk-2" })).toHaveFocus();
});

it("names are shown as typed", () => {
  const name = `<img src=x onerror=alert(1)> "it's" ${"long".repeat(50)}`;
  list([{ name }]);
  expect(screen.getByRole("link", { name })).toHaveTextContent(name);
});

it("a bar says in words what it shows", () => {
  render(<Bar label="Progress of kvm-a" value={41.7} perSecond={1024 * 1024} secondsLeft={90} />);
  expect(screen.getByRole("progressbar")).toHaveAttribute("aria-valuetext", "41 %, 1.0 MiB/s, 2 min left");
});

it("what is not whole is never a hundred per cent", () => {
  expect(percent(99.99)).toBe("99 %");
  expect([bytes(0), bytes(1536), bytes(9 * 1024 ** 3)]).toEqual(["0 B", "1.5 KiB", "9.0 GiB"]);
  expect([duration(45), duration(3600 * 3 + 1200)]).toEqual(["45 s", "3 h 20 min"]);
});

it("the page of a code becomes headings, lists and code, and its links stay here", async () => {
  const follow = vi.fn();
  const link = (target: string) => (target.startsWith("../") ? undefined : () => follow(target));
  render(<Markdown text={"# T1 Title\n\nSee `x`:\n\n1. First\n\n   ```sh\n   run <b>\n   ```\n\n2. [P0001](P0001.md)\n3. [A guide](../guides/x.md)\n"} onLink={link} />);
  expect(screen.getByRole("heading", { name: "T1 Title" })).toBeVisible();
  expect(screen.getByText("run <b>")).toBeVisible();
  expect(screen.getAllByRole("listitem")).toHaveLength(3);
  expect(screen.queryByRole("button", { name: "A guide" })).toBeNull();
  expect(screen.getByText("docs/guides/x.md")).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: "P0001" }));
  expect(follow).toHaveBeenCalledWith("P0001.md");
});

it("names and patterns are judged as the server judges them", () => {
  expect(["win11", "a", "-a", "A", "a.b", "a".repeat(64)].map(isLabel)).toEqual([true, true, false, false, false, false]);
  expect(["desk-{nnn}", "{n}", "desk", "desk-{nn}-{n}", "Desk-{n}"].map(isPattern)).toEqual([true, true, false, false, false]);
});
