import { render, screen, within } from "@testing-library/react";
import { expect, it } from "vitest";
import type { Schemas } from "../../api/client";
import { TwoLists } from "./TwoLists";

const GIB = 1024 ** 3;
const provider = (name: string) =>
  ({
    name, state: "Available", site: null, labels: {}, storage: "default",
    facts: { storages: [{ name: "default", path: "/", active: true, capacity_bytes: 100 * GIB, free_bytes: 80 * GIB }] },
  }) as unknown as Schemas["ProviderView"];
const plan = (said: Partial<Schemas["PlanView"]>): Schemas["PlanView"] => ({ steps: [], obstacles: [], ...said });

function show(asked: { data: Schemas["PlanView"] | undefined; isFetching: boolean; isError: boolean }) {
  render(<TwoLists providers={[provider("kvm-a"), provider("kvm-b")]} chosen={["kvm-a", "kvm-b"]} onChange={() => undefined} plan={asked} />);
  return within(screen.getByRole("list", { name: "Target providers" }));
}

it("a target is said to be well only once that was found out, with what is free afterwards", () => {
  const full = { code: "P0004", cause: "kvm-b has 1.0 GiB free", hint: "free some space" };
  const list = show({ data: plan({ blockers: [{ provider: "kvm-b", problem: full }], bytes_each: 9 * GIB }), isFetching: false, isError: false });
  expect(list.getByText(/Nothing in the way · 71.0 GiB free afterwards/)).toBeVisible();
  expect(list.getByText(/kvm-b has 1.0 GiB free/i)).toBeVisible();
  expect(list.getAllByText(/Nothing in the way/)).toHaveLength(1);
});

it("while it is asked a target is being checked", () => {
  const list = show({ data: undefined, isFetching: true, isError: false });
  expect(list.getAllByText(/Being checked/)).toHaveLength(2);
  expect(list.queryByText(/Nothing in the way/)).toBeNull();
});

it("if it could not be asked nothing is said to be well", () => {
  const list = show({ data: undefined, isFetching: false, isError: true });
  expect(list.getAllByText(/Not known until it can be checked/)).toHaveLength(2);
  expect(list.queryByText(/Nothing in the way/)).toBeNull();
});
