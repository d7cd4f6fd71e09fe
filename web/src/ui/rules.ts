// What the server will take, said before anything is sent. The server judges in any case.

/** 1 to 63 lower-case letters, digits and hyphens, with no hyphen at either end. */
export const isLabel = (text: string) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text);

/** A label with one number in it: `desk-{nnn}`. */
export function isPattern(text: string): boolean {
  const match = /^([^{}]*)\{(n{1,6})\}([^{}]*)$/.exec(text);
  return match !== null && isLabel(`${match[1]}${"1".padStart(match[2]?.length ?? 1, "0")}${match[3]}`);
}
