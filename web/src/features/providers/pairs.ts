// `corp=br20, lab=br30`: names and values in one field.

const parts = (text: string) => text.split(/[,\n]/).map((part) => part.trim()).filter(Boolean);

export const pairsRight = (text: string) => parts(text).every((part) => /^[^=\s]+\s*=\s*\S.*$/.test(part));

export function pairs(text: string): Record<string, string> {
  const split = parts(text).map((part) => {
    const at = part.indexOf("=");
    return [part.slice(0, at).trim(), part.slice(at + 1).trim()] as const;
  });
  return Object.fromEntries(split);
}

export const pairsText = (map: Record<string, string>) => Object.entries(map).map(([name, value]) => `${name}=${value}`).join(", ");

/** What turns `before` into `after`: an empty value takes a name away. */
export function pairsChange(before: Record<string, string>, after: Record<string, string>): Record<string, string> {
  const changed: Record<string, string> = {};
  for (const [name, value] of Object.entries(after)) if (before[name] !== value) changed[name] = value;
  for (const name of Object.keys(before)) if (!(name in after)) changed[name] = "";
  return changed;
}
