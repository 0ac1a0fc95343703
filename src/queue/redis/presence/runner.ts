import { hostName } from '../../../system/host.js';
import type { ClientSettings } from '../connection/settings.js';
import { Presence } from './presence.js';

/** A runner in the eyes of a queue: a lease, and another one after it has lost that. */
export class Runner {
  private current: Presence | undefined;
  private leases = 0;

  /** @param client a name that no other has · @param duration of a lease, in ms */
  constructor(
    private readonly client: string,
    private readonly duration: number,
    private readonly settings: ClientSettings,
    private readonly keys: readonly string[],
    private readonly tell: (message: string, hint: string) => void,
  ) {}

  /** The lease to claim under. */
  get presence(): Presence {
    if (this.current && this.current.lost === undefined) return this.current;
    void this.current?.end();
    const { duration, settings, keys, tell } = this;
    // The scripts read the duration off its beginning.
    const runner = [duration, hostName(), process.pid, this.client, ++this.leases].join(' ').replaceAll(':', '_');
    this.current = new Presence({ settings, keys, runner, duration }, tell);
    return this.current;
  }

  /** Renews no more. Returns the name under which jobs were claimed last, if any were. */
  async end(): Promise<string | undefined> {
    const name = this.current?.isRegistered ? this.current.runner : undefined;
    await this.current?.end();
    return name;
  }
}
