import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { MemoryRouter } from "react-router";
import { expect, it, vi } from "vitest";
import { api } from "../../api/client";
import { EventList } from "./EventList";

const event = (id: number, object = "provider", name = "kvm-a") =>
  ({ id, at: "2026-01-01T00:00:00Z", kind: `${object}.changed`, object, name, actor: "admin", message: `change ${id}`, code: null });

function answer(after: string | undefined) {
  // The newest page, and the one before it.
  if (after === undefined) return { items: [event(9), event(8, "recreation", "r-1")], next: "8" };
  return { items: [event(7, "notification", "pager"), event(6)], next: null };
}

it("older events are shown on request, by the number of the oldest shown, and every object leads to its page", async () => {
  const asked = vi.spyOn(api, "GET").mockImplementation(((_: string, { params }: { params: { query: { after?: string } } }) =>
    Promise.resolve({ data: answer(params.query.after), response: new Response() })) as unknown as typeof api.GET);
  render(
    <QueryClientProvider client={new QueryClient()}>
      <MemoryRouter><EventList /></MemoryRouter>
    </QueryClientProvider>,
  );
  expect(await screen.findByText("change 9")).toBeVisible();
  expect(screen.queryByText("change 7")).toBeNull();
  await userEvent.click(screen.getByRole("button", { name: "Show older" }));
  expect(await screen.findByText("change 6")).toBeVisible();
  expect(screen.queryByRole("button", { name: "Show older" })).toBeNull();
  expect(asked.mock.lastCall?.[1]).toMatchObject({ params: { query: { order: "newest", after: "8" } } });
  expect(screen.getByRole("link", { name: "r-1" })).toHaveAttribute("href", "/recreations/r-1");
  expect(screen.getByRole("link", { name: "pager" })).toHaveAttribute("href", "/notifications");
});
