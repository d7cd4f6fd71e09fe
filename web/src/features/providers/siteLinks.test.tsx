import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import type { Schemas } from "../../api/client";
import { SiteLinksOf, linksOf } from "./SiteLinks";

const link = (site: string, other: string, sending: number, receiving: number): Schemas["SiteLinkView"] => ({
  site, other, limit: "2Mbit/s", receiving_bytes_per_second: receiving, sending_bytes_per_second: sending,
});
const sites: Schemas["SiteView"][] = [
  { name: "-", providers: ["kvm-z"], links: [] },
  { name: "berlin", providers: ["kvm-a"], links: [link("berlin", "madrid", 0, 250 * 1024)] },
  { name: "madrid", providers: ["kvm-b"], links: [link("madrid", "berlin", 250 * 1024, 0)] },
];

const show = () => render(<QueryClientProvider client={new QueryClient()}><SiteLinksOf sites={sites} /></QueryClientProvider>);

it("each link is told once, with what crosses it in which direction and what may", () => {
  expect(linksOf(sites)).toHaveLength(1);
  show();
  const table = screen.getByRole("grid", { name: "Links between sites" });
  expect(table).toHaveTextContent("berlin – madrid");
  expect(table).toHaveTextContent("madrid → berlin: 250 KiB/s");
  expect(table).not.toHaveTextContent("berlin → madrid");
  expect(table).toHaveTextContent("2Mbit/s");
});

it("a limit is asked for between any two sites, and what is no limit cannot be saved", async () => {
  show();
  await userEvent.click(screen.getByRole("button", { name: "Limit a link" }));
  const dialog = within(screen.getByRole("dialog"));
  expect(dialog.getAllByRole("option", { name: "No site" }).length).toBeGreaterThan(0);
  await userEvent.type(dialog.getByLabelText("Limit"), "fast");
  expect(dialog.getByRole("button", { name: "Save" })).toBeDisabled();
});
