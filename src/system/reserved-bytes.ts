/*
 * Locks that are about no line are on bytes set aside, far beyond the end of any file. All hosts that work on a file must agree on them:
 *
 *     2^60 …      presence: one for each byte of the file
 *     2^61 …      ranks: eight for each byte of the file
 *     2^62        looking at states
 *     2^62 + 1    appending
 *     2^62 + 2    trying out locks on one host
 *     2^62 + 16 … trying them out between two
 */

/** The first byte by which owners of running jobs show presence: see src/queue/file/presence/presence-byte.ts. */
export const PRESENCE_BYTES = 1n << 60n;

/** The first byte of those that tell which of several claims of a line is the latest: see src/queue/file/presence/claim-rank.ts. */
export const RANK_BYTES = 1n << 61n;

/** Locked shared to read states: on a network filesystem taking a lock refreshes the cache, and this one excludes no other. */
export const LOOK_BYTE = 1n << 62n;

/** Locked exclusively to append: waits only for other appenders, never for running jobs. */
export const APPEND_BYTE = (1n << 62n) + 1n;

/** For testing whether locks exclude each other. */
export const TRIAL_BYTE = (1n << 62n) + 2n;

/** The first byte for tests between two hosts, one byte a round. */
export const PEER_BYTES = (1n << 62n) + 16n;
