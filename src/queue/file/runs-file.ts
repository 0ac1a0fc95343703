import type { LockableFile, LockDriver } from './locks/lock-driver.js';
import type { AbsenceTracker } from './presence/absence-tracker.js';
import type { PresenceKeeper } from './presence/presence-keeper.js';
import type { FileView } from './reading/file-view.js';
import type { DiskSync } from './states/disk-sync.js';
import type { StaleSaves } from './states/stale-saves.js';
import type { StateWriter } from './states/state-writer.js';

/** What all work on one runs file has in common. */
export interface RunsFile {
  readonly path: string;
  readonly driver: LockDriver;
  readonly view: FileView;
  readonly keeper: PresenceKeeper;
  readonly absences: AbsenceTracker;
  readonly writer: StateWriter;
  readonly syncer: DiskSync;
  readonly staleSaves: StaleSaves;
  /** How long to keep trying while the file cannot be reached, in ms. */
  readonly patience: number;
}

/** How long to try for a lock that others hold for moments only, in ms. */
export const PATIENCE = 60_000;

/** Editors that replace the file do so once in a while, not again and again. */
const REPLACEMENTS = 5;

/**
 * Opens the file to change states, and closes it again whatever happens: locks that were taken go with it. When another
 * file has been put in its place meanwhile, the same is done to that one: what was done to the old one is gone.
 */
export async function withFile<T>(runs: RunsFile, work: (file: LockableFile) => Promise<T>): Promise<T> {
  for (let replaced = 0; ; replaced++) {
    const file = await runs.driver.open(runs.path, 'change');
    try {
      const result = await work(file);
      if (replaced === REPLACEMENTS || (await file.isAt(runs.path))) return result;
    } finally {
      await file.close();
    }
  }
}
