import type { JsonEvent } from '../../src/report/json/json-event.js';

/** The output of `runmaker --json`. Fails on a line that is not one JSON object. */
export function eventsIn(stdout: string): JsonEvent[] {
  return stdout
    .split('\n')
    .slice(0, -1)
    .map(line => JSON.parse(line) as JsonEvent);
}

/** The events of one kind. */
export function only<K extends JsonEvent['event']>(events: readonly JsonEvent[], kind: K): Extract<JsonEvent, { event: K }>[] {
  return events.filter((event): event is Extract<JsonEvent, { event: K }> => event.event === kind);
}

/** The numbers of the jobs, in the order of their start. */
export function started(stdout: string): number[] {
  return only(eventsIn(stdout), 'started').map(event => Number(event.job.id));
}

/** The maximum number of concurrent jobs. */
export function mostAtOnce(stdout: string): number {
  let now = 0;
  let most = 0;
  for (const { event } of eventsIn(stdout)) {
    if (event === 'started') most = Math.max(most, ++now);
    if (event === 'ended') now--;
  }
  return most;
}
