import { QueryClient } from "@tanstack/react-query";
import { renderHook } from "@testing-library/react";
import { act } from "react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { follow, useConnection } from "./live";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const refused = () => Promise.reject(new TypeError("refused"));
const open = () => Promise.resolve({ ok: true, status: 200, body: new ReadableStream() });
const pass = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));

it("a connection that comes back at once is not said to be lost; one that stays away is, and recovers", async () => {
  const server = vi.fn(refused as () => Promise<unknown>);
  vi.stubGlobal("fetch", server);
  vi.stubGlobal("TextDecoderStream", TransformStream);
  const { result } = renderHook(useConnection);
  const stop = follow(new QueryClient());
  await pass(400);
  expect(result.current).toBe("connecting");
  server.mockImplementation(open);
  await pass(600);
  expect(result.current).toBe("live");
  stop();
  server.mockImplementation(refused);
  const again = follow(new QueryClient());
  await pass(3_000);
  expect(result.current).toBe("lost");
  server.mockImplementation(open);
  await pass(5_000);
  expect(result.current).toBe("live");
  again();
});

it("what was read before the first connection came about is read again with it", async () => {
  const server = vi.fn(refused as () => Promise<unknown>);
  vi.stubGlobal("fetch", server);
  vi.stubGlobal("TextDecoderStream", TransformStream);
  const queries = new QueryClient();
  const again = vi.spyOn(queries, "invalidateQueries");
  const stop = follow(queries);
  await pass(300);
  expect(again).not.toHaveBeenCalled();
  server.mockImplementation(open);
  await pass(2_000);
  expect(again).toHaveBeenCalledWith({ queryKey: undefined });
  stop();
});
