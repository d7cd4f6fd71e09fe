// A machine's screen in the page, as whoever sits before it uses it: looks at it, and types.

/** A line of the screen in text mode is so many high, of which the last few are the cursor's. */
const LINE_PX = 16;
const CURSOR_FROM_PX = 13;
/** After so long an empty line is typed again. */
const ANSWER_MS = 5000;

/** How much is written on the screen: lit pixels, but for the lines in which a cursor blinks. */
export function ink(page) {
  return page.evaluate(([line, cursor]) => {
    const canvas = document.querySelector(".dc-screen canvas");
    if (!canvas?.width) return 0;
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let lit = 0;
    for (let at = 0; at < data.length; at += 4) {
      const y = Math.floor(at / 4 / canvas.width);
      if (y % line < cursor && data[at] + data[at + 1] + data[at + 2] > 128) lit += 1;
    }
    return lit;
  }, [LINE_PX, CURSOR_FROM_PX]);
}

/** Waits until what is written is so. */
async function inkIs(page, so, patience) {
  for (const end = Date.now() + patience; Date.now() < end; ) {
    const now = await ink(page);
    if (so(now)) return now;
    await page.waitForTimeout(50);
  }
  throw new Error(`the screen never came to be so: ${await ink(page)} pixels are lit`);
}

/** Waits until something is written on the screen. */
const isLit = (page, patience) => inkIs(page, (lit) => lit > 0, patience);

/**
 * Waits until somebody in the machine takes what is typed: a shell answers an empty line with its next prompt. A full
 * screen moves up by a line, and then there may be less on it than before.
 */
export async function isListening(page, patience) {
  const before = await isLit(page, patience);
  for (const end = Date.now() + patience; Date.now() < end; ) {
    await page.keyboard.press("Enter");
    const answered = await inkIs(page, (lit) => lit !== before, ANSWER_MS).catch(() => 0);
    if (answered) return;
  }
  throw new Error("nobody in the machine takes what is typed");
}

/** Types key by key: each is seen on the screen before the next, as a slow machine forgets what comes too fast. */
export async function type(page, text, patience) {
  for (const key of text) {
    const before = await ink(page);
    await page.keyboard.press(key === " " ? "Space" : key);
    if (key !== " ") await inkIs(page, (lit) => lit > before, patience);
  }
}

/** Ends a line; what comes of it, and be it the next prompt, is seen: on a full screen with less beside it. */
export async function enter(page, patience) {
  const before = await ink(page);
  await page.keyboard.press("Enter");
  await inkIs(page, (lit) => lit !== before, patience);
}
