import { hostName } from '../../../system/host.js';
import type { Connection } from '../connection/connection.js';
import { RENEW } from '../scripts/leases.js';
import { Presence } from './presence.js';

/** A runner as a queue sees it: a lease, replaced by another when it is lost. */
export class Runner {
  private current: Presence | undefined;
  private leases = 0;

  /** @param client a unique name · @param duration of a lease, in ms */
  constructor(
    private readonly client: string,
    private readonly duration: number,
    private readonly connection: Connection,
    private readonly keys: readonly string[],
    private readonly tell: (message: string, hint: string) => void,
  ) {}

  /** The lease to claim under. */
  get presence(): Presence {
    if (this.current && this.current.lost === undefined) return this.current;
    void this.current?.end();
    const { duration, connection, keys, tell } = this;
    // The scripts read the duration from its beginning.
    const runner = [duration, hostName(), process.pid, this.client, ++this.leases].join(' ').replaceAll(':', '_');
    const renew = (name: string, ms: number): Promise<unknown> => connection.call(RENEW, { args: () => [name, ms, '0'] });
    this.current = new Presence({ settings: connection.settings, keys, runner, duration }, renew, tell);
    return this.current;
  }

  /** Stops renewing. Returns the name of the latest claims, if there were any. */
  async end(): Promise<string | undefined> {
    const name = this.current?.isRegistered ? this.current.runner : undefined;
    await this.current?.end();
    return name;
  }
}
