// An act of the administrator: asked once however often the button is pressed, its refusal kept for showing.
import { useQueryClient, type QueryKey } from "@tanstack/react-query";
import { useCallback, useRef, useState } from "react";
import { problemOf, type Problem } from "./client";

export interface Act<A extends unknown[]> {
  run: (...args: A) => Promise<boolean>;
  busy: boolean;
  problem: Problem | undefined;
  clear: () => void;
}

/** `after` names what is read again when it was done, beside what the server tells by itself. */
export function useAct<A extends unknown[]>(act: (...args: A) => Promise<unknown>, after: QueryKey[] = []): Act<A> {
  const queries = useQueryClient();
  const under = useRef(false);
  const latest = useRef(act);
  latest.current = act;
  const keys = useRef(after);
  keys.current = after;
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const run = useCallback(
    async (...args: A) => {
      // State is too slow for this: two clicks may come before a page is drawn.
      if (under.current) return false;
      under.current = true;
      setBusy(true);
      setProblem(undefined);
      try {
        await latest.current(...args);
        for (const queryKey of keys.current) void queries.invalidateQueries({ queryKey });
        return true;
      } catch (error) {
        setProblem(problemOf(error));
        return false;
      } finally {
        under.current = false;
        setBusy(false);
      }
    },
    [queries],
  );
  const clear = useCallback(() => setProblem(undefined), []);
  return { run, busy, problem, clear };
}

/** The key that makes sending the same creation twice harmless: one for as long as a form is open. */
export function useIdempotencyKey(): Record<string, string> {
  const key = useRef<string>(undefined);
  key.current ??= crypto.randomUUID();
  return { "Idempotency-Key": key.current };
}
