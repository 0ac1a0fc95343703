// Preloaded into a program (NODE_OPTIONS=--import=…): whenever its event loop was blocked for half a second or longer, it appends
// a line with the milliseconds to the file that WATCH_LOOP names.
import { appendFileSync } from 'node:fs';

const STEP = 50;
const LONG = 500;
let last = performance.now();
setInterval(() => {
  const held = performance.now() - last - STEP;
  if (held >= LONG) appendFileSync(process.env.WATCH_LOOP, `${Math.round(held)}\n`);
  last = performance.now();
}, STEP).unref();
