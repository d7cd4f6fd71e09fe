// What differs between a record as it was and as it is.

export interface Difference {
  /** Where in the record: `settings.min` */
  at: string;
  before: string | undefined;
  after: string | undefined;
}

const isRecord = (it: unknown): it is Record<string, unknown> => typeof it === "object" && it !== null && !Array.isArray(it);
const word = (it: unknown) => (it === undefined || it === null ? undefined : typeof it === "string" ? it : JSON.stringify(it));

export function differences(before: unknown, after: unknown, at = ""): Difference[] {
  if (isRecord(before) || isRecord(after)) {
    const [was, is] = [isRecord(before) ? before : {}, isRecord(after) ? after : {}];
    const keys = [...new Set([...Object.keys(was), ...Object.keys(is)])];
    return keys.flatMap((key) => differences(was[key], is[key], at === "" ? key : `${at}.${key}`));
  }
  const [was, is] = [word(before), word(after)];
  return was === is ? [] : [{ at, before: was, after: is }];
}
