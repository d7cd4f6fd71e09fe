import { render, screen } from "@testing-library/react";
import { expect, it } from "vitest";
import { Refusal } from "../../api/client";
import { SourceStep } from "./SourceStep";

it("if the machines could not be read the reason is shown, and nothing turns for ever", () => {
  const error = new Refusal({ code: "P0001", title: "A provider does not answer", detail: "kvm-a does not answer", status: 503 });
  render(<SourceStep providers={[]} source={{ provider: "kvm-a", vm: "", image: "", from: "vm" }} onChange={() => undefined} vms={{ data: undefined, error }} />);
  expect(screen.getByText(/kvm-a does not answer/i)).toBeVisible();
  expect(screen.queryByRole("progressbar")).toBeNull();
});
