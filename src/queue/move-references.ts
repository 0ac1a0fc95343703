import { RunmakerError } from '../errors.js';
import type { Job } from '../job/job.js';
import { State } from '../job/state.js';

/** The state of a job in the source once it is in the target. */
export const MOVED: State = '>';

/** The jobs to move, and their surroundings. */
export interface Move {
  /** In order. */
  readonly moving: readonly Job[];
  readonly all: readonly Job[];
  readonly barriers: readonly number[];
  /** Whether the target has no jobs yet. */
  readonly isTargetEmpty: boolean;
}

/**
 * Refuses a move after which jobs would refer to others by outdated numbers, or would not wait for those that stay.
 * @throws RunmakerError `usage`
 */
export function checkReferences({ moving, all, barriers, isTargetEmpty }: Move): void {
  const places = placesOf(moving, barriers);
  const moved = new Set(moving.map(({ id }) => id));
  const staying = all.filter(({ id, state }) => !moved.has(id) && state !== State.done && state !== MOVED);
  const stayingNames = new Set(staying.map(({ directives }) => directives.name).filter(name => name !== undefined));
  const names = new Set(moving.map(({ directives }) => directives.name));
  for (const { number = 0, directives } of moving) {
    for (const reference of directives.after) {
      if (typeof reference === 'number') {
        if (isTargetEmpty && places.get(reference) === reference) continue;
        throw new RunmakerError('usage', `line ${number} waits for line ${reference}, which has another number in the target`, {
          hint: `give line ${reference} a name, and wait for that: name=first … after=first`,
        });
      }
      if (!names.has(reference) || stayingNames.has(reference))
        throw new RunmakerError('usage', `line ${number} waits for ${reference}, which is not moved as a whole`, { hint: STAYS });
    }
  }
  const last = moving.at(-1)?.number ?? 0;
  const above = staying.find(({ number = 0 }) => barriers.some(barrier => number < barrier && barrier < last));
  if (above) throw new RunmakerError('usage', `line ${above.number} is not moved, and jobs below a barrier wait for it`, { hint: STAYS });
}

const STAYS = 'move all jobs, and wait until those that run have ended';

/** Where each moved line will stand in an empty target, by its number in the source. */
function placesOf(moving: readonly Job[], barriers: readonly number[]): ReadonlyMap<number, number> {
  const places = new Map<number, number>();
  let place = 0;
  let next = 0;
  for (const { number = 0 } of moving) {
    const passed = next;
    while (next < barriers.length && (barriers[next] as number) < number) next++;
    if (next > passed && place > 0) place++;
    places.set(number, ++place);
  }
  return places;
}
