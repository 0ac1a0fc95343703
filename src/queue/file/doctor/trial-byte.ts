/** A byte far beyond the end of any file, set aside for trying locks on. */
export const TRIAL_BYTE = (1n << 62n) + 2n;
