/**
 * The time by this host's clock, in ms since 1970, ignoring changes of the clock since this process began: a clock set forward must not
 * make what was written a moment ago look old.
 */
export const hostClock = {
  now: (): number => performance.timeOrigin + performance.now(),
};
