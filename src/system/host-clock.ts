/**
 * The time by this host's clock, in ms since 1970, as it would be if the clock had not been set since this process began: one that is set
 * forward must not make what was written a moment ago look old.
 */
export const hostClock = {
  now: (): number => performance.timeOrigin + performance.now(),
};
