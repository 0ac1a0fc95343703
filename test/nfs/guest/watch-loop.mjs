// Preloaded into a program (NODE_OPTIONS=--import=…): whenever its event loop was held for half a second or longer, a line
// with the milliseconds is appended to the file that WATCH_LOOP names.
import { appendFileSync } from 'node:fs';

const STEP = 50;
const LONG = 500;
let last = performance.now();
setInterval(() => {
  const held = performance.now() - last - STEP;
  if (held >= LONG) appendFileSync(process.env.WATCH_LOOP, `${Math.round(held)}\n`);
  last = performance.now();
}, STEP).unref();
