// The one connection by which the page learns what happens. What it says is only that something is not as
// it was; the page then reads that again. Lost, it is made again by itself, and everything is read again.
import type { QueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { sayGoodbye, token, type Schemas } from "./client";
import { Parser, type Message } from "./sse";
import { Stale } from "./stale";

export type Connection = "connecting" | "live" | "lost";

/** The server gives a sign of life every 15 seconds. */
const SILENCE_MAX_MS = 35_000;
const PAUSE_MIN_MS = 500;
const PAUSE_MAX_MS = 5_000;
/** A connection that comes back within this was never lost for anybody who looks. */
const GRACE_MS = 2_500;

let connection: Connection = "connecting";
const watchers = new Set<() => void>();

function become(next: Connection) {
  if (connection === next) return;
  connection = next;
  watchers.forEach((watcher) => watcher());
}

export function useConnection(): Connection {
  const subscribe = (watcher: () => void) => {
    watchers.add(watcher);
    return () => watchers.delete(watcher);
  };
  return useSyncExternalStore(subscribe, () => connection);
}

/** Follows until it is told to stop. */
export function follow(queries: QueryClient): () => void {
  const stop = new AbortController();
  void run(queries, stop.signal);
  return () => stop.abort();
}

async function run(queries: QueryClient, stop: AbortSignal) {
  const stale = new Stale(queries);
  let last: string | undefined;
  let pause = PAUSE_MIN_MS;
  let before = false;
  let missed: ReturnType<typeof setTimeout> | undefined;
  const missing = () => {
    missed ??= setTimeout(() => become("lost"), GRACE_MS);
  };
  stop.addEventListener("abort", () => clearTimeout(missed));
  become("connecting");
  missing();
  while (!stop.aborted) {
    const heard = (message: Message) => {
      if (message.id !== undefined) last = message.id;
      take(message, stale);
    };
    const opened = () => {
      clearTimeout(missed);
      missed = undefined;
      become("live");
      pause = PAUSE_MIN_MS;
      // What is not numbered was missed.
      if (before) stale.everything();
    };
    await once(last, heard, opened, stop).catch(() => undefined);
    // Even if nothing was heard: what the pages read meanwhile may be old by the time there is a connection.
    before = true;
    if (stop.aborted) break;
    missing();
    await new Promise((done) => setTimeout(done, pause));
    pause = Math.min(pause * 2, PAUSE_MAX_MS);
  }
}

async function once(
  last: string | undefined,
  heard: (message: Message) => void,
  opened: () => void,
  stop: AbortSignal,
) {
  const silence = new AbortController();
  const signal = AbortSignal.any([stop, silence.signal]);
  let clock = setTimeout(() => silence.abort(), SILENCE_MAX_MS);
  try {
    const headers: Record<string, string> = { Authorization: `Bearer ${token.get()}` };
    if (last !== undefined) headers["Last-Event-ID"] = last;
    const response = await fetch("/api/v1/events", { headers, signal, cache: "no-store" });
    if (response.status === 401) return sayGoodbye();
    if (!response.ok || !response.body) return;
    opened();
    const parser = new Parser(heard);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(clock);
      clock = setTimeout(() => silence.abort(), SILENCE_MAX_MS);
      parser.take(value);
    }
  } finally {
    clearTimeout(clock);
    silence.abort();
  }
}

function take(message: Message, stale: Stale) {
  if (message.event === "reset") return stale.everything();
  if (message.data === "") return;
  const said: unknown = JSON.parse(message.data);
  if (message.event === "changed") stale.changed(said as Schemas["ChangedView"]);
  else stale.happened(said as Schemas["EventView"]);
}
