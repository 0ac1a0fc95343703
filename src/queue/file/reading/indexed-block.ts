/** Whole lines that lie together in the file, and what they were when they were read. */
export interface IndexedBlock {
  /** Bytes of the file. */
  readonly start: number;
  readonly end: number;
  readonly firstLine: number;
  readonly lastLine: number;
  /** Of all bytes but the states. */
  readonly fingerprint: number;
  /** Of all bytes as they were when the index had all their states from there; undefined once it has some from elsewhere. */
  whole?: number | undefined;
}
