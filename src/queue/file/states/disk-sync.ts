import { errnoName } from '../../../errors.js';
import { syncData } from '../../../system/sync-data.js';
import type { LockDriver } from '../locks/lock-driver.js';
import { asFarAsPossible, patiently } from '../patience.js';

/** A power cut costs at most the states of this last time, in ms. */
const INTERVAL = 1000;
/** Nothing can have been written, or the file is gone. */
const NOTHING_TO_FLUSH = new Set(['EROFS', 'ENOENT']);

/** Brings written states to the disk: off the event loop, at most once a second, and once more at the end. */
export class DiskSync {
  private timer: NodeJS.Timeout | undefined;
  private syncing: Promise<void> = Promise.resolve();
  private failure: { readonly error: unknown } | undefined;

  constructor(
    private readonly path: string,
    private readonly driver: LockDriver,
    private readonly patience: number,
  ) {}

  /** Something was written that should last. */
  note(): void {
    if (this.driver.writesThrough) return;
    this.timer ??= setTimeout(() => this.flush(), INTERVAL).unref();
  }

  /** Settles when all that was noted is on the disk. Throws if some of it did not get there. */
  async close(): Promise<void> {
    if (this.timer) this.flush();
    await this.syncing;
    if (this.failure) throw this.failure.error;
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.syncing = this.syncing
      // What a local disk did not take is lost: the kernel forgets it, and would say next time that all is well.
      .then(() => patiently(this.driver.staleLooks ? this.patience : 0, () => this.sync()))
      .catch(error => {
        this.failure = { error };
      });
  }

  private async sync(): Promise<void> {
    try {
      const file = await patiently(this.patience, async () => await this.driver.open(this.path, 'look'));
      try {
        await syncData(file.fd);
      } finally {
        await asFarAsPossible(() => file.close());
      }
    } catch (error) {
      if (!NOTHING_TO_FLUSH.has(errnoName(error) ?? '')) throw error;
    }
  }
}
