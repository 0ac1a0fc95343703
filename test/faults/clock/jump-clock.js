// Preloaded with node --import: the wall clock jumps by hours, back and forth, several times a second. The monotonic clock, which
// timers use, does not: as when the time is set, or a virtual machine wakes up.
const HOURS = 3600_000;
const RealDate = Date;
const began = performance.now();

/** Every 150 ms another offset: up to 48 hours ahead or behind. */
function shift() {
  const step = Math.floor((performance.now() - began) / 150);
  return Math.round(48 * HOURS * Math.sin(step * 2.4));
}

globalThis.Date = class extends RealDate {
  constructor(...given) {
    if (given.length === 0) super(RealDate.now() + shift());
    else super(...given);
  }

  static now() {
    return RealDate.now() + shift();
  }
};
