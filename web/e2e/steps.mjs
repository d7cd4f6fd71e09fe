// What journeys are made of.

/** The page is to show what the server knows within this, and what asking a few times takes where it runs now. */
const SOON_MS = 2000;
const ASKED_TIMES = 20;
export async function soon(api) {
  const began = Date.now();
  await api.get("/providers");
  return SOON_MS + ASKED_TIMES * (Date.now() - began);
}
/** For what takes agents a while. */
export const PATIENT_MS = 40_000;

export const dialog = (page) => page.getByRole("dialog");
export const go = (page, crowd, path) => page.goto(`${crowd.url}${path}`);

/** The row that is about `name`: others may tell of it too, as of whom they copy from. */
export const rowOf = (page, name) => page.getByRole("row").filter({ has: page.getByRole("button", { name: `Tasks of ${name}`, exact: true }) });

/** Chooses a task of a thing from its button. */
export async function task(page, of, label) {
  await page.getByRole("button", { name: `Tasks of ${of}`, exact: true }).first().click();
  await page.getByRole("menuitem", { name: label }).click();
}
