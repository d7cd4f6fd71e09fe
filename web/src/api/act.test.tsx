import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { ActButton } from "../ui/ActButton";
import { ProblemNote } from "../ui/ProblemNote";
import { useAct } from "./act";
import { Refusal } from "./client";

function Acting({ act }: { act: () => Promise<unknown> }) {
  const made = useAct(act);
  return (
    <>
      <ActButton act={made}>Do it</ActButton>
      <ProblemNote problem={made.problem} />
    </>
  );
}

const show = (act: () => Promise<unknown>) =>
  render(<QueryClientProvider client={new QueryClient()}><Acting act={act} /></QueryClientProvider>);

it("a double click does nothing twice", async () => {
  const act = vi.fn(() => new Promise(() => undefined));
  show(act);
  await userEvent.dblClick(screen.getByRole("button", { name: "Do it" }));
  expect(act).toHaveBeenCalledTimes(1);
});

it("a refusal is shown where it arose, as it was worded", async () => {
  const problem = { code: "A0007", title: "It is in use", detail: "hosts depend on `win11`", hint: "delete the hosts first", status: 409 };
  show(() => Promise.reject(new Refusal(problem)));
  await userEvent.click(screen.getByRole("button", { name: "Do it" }));
  expect(await screen.findByText("It is in use", { exact: false })).toBeVisible();
  expect(screen.getByText("What to do: delete the hosts first.")).toBeVisible();
  expect(screen.getByRole("button", { name: "Explain A0007" })).toBeVisible();
});
