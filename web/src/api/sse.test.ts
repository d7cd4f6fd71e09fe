import { expect, it } from "vitest";
import { Parser, type Message } from "./sse";

function parse(...pieces: string[]): Message[] {
  const heard: Message[] = [];
  const parser = new Parser((message) => heard.push(message));
  for (const piece of pieces) parser.take(piece);
  return heard;
}

it("a message is whole whatever pieces it comes in", () => {
  const whole = 'id: 7\nevent: changed\ndata: {"hosts":["a"]}\n\n';
  const expected = [{ id: "7", event: "changed", data: '{"hosts":["a"]}' }];
  expect(parse(whole)).toEqual(expected);
  expect(parse(...whole)).toEqual(expected);
});

it("signs of life are no messages, and a number alone is one", () => {
  expect(parse(":\n\n", ": still here\n\n", "id: 3\n\n")).toEqual([{ id: "3", event: "message", data: "" }]);
});

it("what has no number does not repeat the last one", () => {
  expect(parse("id: 3\ndata: a\n\nevent: changed\ndata: b\n\n")[1]).toEqual({ id: undefined, event: "changed", data: "b" });
});
