// The typed client of the operators' API. Its types are generated from `openapi/operator.json`.
import createClient from "openapi-fetch";
import i18n from "../i18n";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];

/** A refusal or failure, as the server words it (RFC 9457). */
export interface Problem {
  code: string;
  title: string;
  detail: string;
  hint?: string;
  status: number;
  request?: string | null;
  blockers?: string[];
}

/** What is thrown by [`told`]; carries what the administrator is to read. */
export class Refusal extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
  }
}

const TOKEN = "diecast.token";

/** The token lives as long as the tab: closing it signs out. It is never part of an address. */
export const token = {
  get: () => sessionStorage.getItem(TOKEN),
  set: (value: string) => sessionStorage.setItem(TOKEN, value),
  drop: () => sessionStorage.removeItem(TOKEN),
};

export const api = createClient<paths>({ baseUrl: "", fetch: (request: Request) => fetch(request) });

let signedOut: () => void = () => {};

/** What to do when the server no longer knows the token. */
export function onSignedOut(act: () => void) {
  signedOut = act;
}

export function sayGoodbye() {
  signedOut();
}

api.use({
  onRequest({ request }) {
    const known = token.get();
    if (known) request.headers.set("Authorization", `Bearer ${known}`);
    return request;
  },
  onResponse({ response, request }) {
    const signingIn = request.method === "POST" && new URL(request.url).pathname.endsWith("/session");
    if (response.status === 401 && !signingIn) signedOut();
    return response;
  },
});

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The data of an answer; throws a [`Refusal`] if there is none. */
export async function told<T>(asked: Promise<Answer<T>>): Promise<T> {
  return (await answered(asked)).data as T;
}

/** What was read, and the mark of the state it was read in: a change sends it back as `If-Match`. */
export interface Tagged<T> {
  value: T;
  etag: string | undefined;
}

export async function tagged<T>(asked: Promise<Answer<T>>): Promise<Tagged<T>> {
  const answer = await answered(asked);
  return { value: answer.data as T, etag: answer.response.headers.get("ETag") ?? undefined };
}

async function answered<T>(asked: Promise<Answer<T>>): Promise<Answer<T>> {
  const answer = await asked.catch(() => undefined);
  if (!answer) throw new Refusal(unreachable());
  if (answer.error !== undefined) throw new Refusal(asProblem(answer.error, answer.response.status));
  return answer;
}

/** The header of a change that is meant for one state only. */
export function ifMatch(etag: string | undefined): Record<string, string> {
  return etag ? { "If-Match": etag } : {};
}

/** What is to be read of any failure. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Refusal) return error.problem;
  return { code: "S0004", title: i18n.t("failure.unforeseen"), detail: String(error), status: 0 };
}

const unreachable = (): Problem => ({
  code: "A0012",
  title: i18n.t("failure.unreachable"),
  detail: i18n.t("failure.unreachableCause"),
  hint: i18n.t("failure.unreachableHint"),
  status: 0,
});

function asProblem(error: unknown, status: number): Problem {
  if (typeof error === "object" && error !== null && "detail" in error) return { ...(error as Problem), status };
  return { code: "S0004", title: i18n.t("failure.unforeseen"), detail: i18n.t("failure.status", { status }), status };
}
