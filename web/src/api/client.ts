// The typed client of the operators' API. Its types are generated from `openapi/operator.json`.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];

/** A refusal or failure, as the server words it (RFC 9457). */
export interface Problem {
  code: string;
  title: string;
  detail: string;
  hint?: string;
  status: number;
}

/** What is thrown by [`told`]; carries what the administrator is to read. */
export class Refusal extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
  }
}

const TOKEN = "diecast.token";

/** The token lives as long as the tab: closing it signs out. */
export const token = {
  get: () => sessionStorage.getItem(TOKEN),
  set: (value: string) => sessionStorage.setItem(TOKEN, value),
  drop: () => sessionStorage.removeItem(TOKEN),
};

export const api = createClient<paths>({ baseUrl: "" });

let signedOut: () => void = () => {};

/** What to do when the server no longer knows the token. */
export function onSignedOut(act: () => void) {
  signedOut = act;
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
  const answer = await asked.catch(() => undefined);
  if (!answer) throw new Refusal(unreachable);
  if (answer.error !== undefined) throw new Refusal(asProblem(answer.error, answer.response.status));
  return answer.data as T;
}

const unreachable: Problem = {
  code: "A0012",
  title: "The server cannot be reached",
  detail: "the server does not answer",
  hint: "check that the server runs; the page goes on by itself",
  status: 0,
};

function asProblem(error: unknown, status: number): Problem {
  if (typeof error === "object" && error !== null && "detail" in error) return { ...(error as Problem), status };
  return { code: "S0004", title: "Something unforeseen", detail: `the server answered ${status}`, status };
}
