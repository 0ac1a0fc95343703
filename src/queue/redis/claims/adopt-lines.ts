import { randomBytes } from 'node:crypto';
import { State } from '../../../job/state.js';
import type { Reply } from '../connection/connection.js';
import type { JobReader } from '../lines/job-reader.js';
import { monotonicNow, type Presence } from '../presence/presence.js';
import { ADOPT } from '../scripts/leases.js';
import { type ClaimParts, RedisClaim } from './redis-claim.js';

export interface AdoptParts extends ClaimParts {
  readonly reader: JobReader;
  /** The lease to claim under. */
  readonly presence: () => Presence;
}

/** Takes over running jobs: those of these lines that have no live owner by then, with their saved handles. */
export async function adoptLines(parts: AdoptParts, lines: readonly number[], atOnce: number): Promise<RedisClaim[]> {
  const { connection, reader, presence } = parts;
  const claims: RedisClaim[] = [];
  for (let at = 0; at < lines.length; at += atOnce) {
    const lease = presence();
    const since = monotonicNow();
    const op = `a${randomBytes(4).toString('hex')}`;
    const some = lines.slice(at, at + atOnce);
    const reply = (await connection.call(ADOPT, {
      args: again => [lease.runner, op, lease.duration, again ? '1' : '0', ...some],
    })) as readonly Reply[];
    if (reply.length > 0) lease.begin(since);
    const handles = new Map<number, string>();
    for (let pair = 0; pair < reply.length; pair += 2) handles.set(Number(reply[pair]), String(reply[pair + 1]));
    for (const job of await reader.jobsAt([...handles.keys()]))
      claims.push(new RedisClaim(parts, lease, op, { ...job, state: State.running }, handles.get(job.number) || undefined));
  }
  return claims;
}
