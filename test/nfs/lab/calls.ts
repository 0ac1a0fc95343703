import type { Machine } from './machine.js';

/** The requests to a client's kernel, and its requests to servers, while they were counted. */
export interface Calls {
  /** Remote procedure calls by name: NFS's own, and on version 3 those of its lock manager. */
  readonly rpcs: ReadonlyMap<string, number>;
  /** Files that node opened for reading and writing. A runner does so for each line that it tries to claim, and for little else. */
  readonly opened: number;
  /** Locks that were refused because another process held them. */
  readonly refused: number;
}

/** Counts calls on a client, from now until the returned function is called. */
export async function countCalls(client: Machine): Promise<() => Promise<Calls>> {
  await client.do('bash /guest/count-calls.sh start');
  return async () => {
    const rpcs = new Map<string, number>();
    const counts = new Map<string, number>();
    for (const line of (await client.do('bash /guest/count-calls.sh stop')).split('\n')) {
      const [word = '', name = '', count] = line.split(' ');
      if (word === 'rpc') rpcs.set(name, Number(count));
      else counts.set(word, Number(name));
    }
    return { rpcs, opened: counts.get('opened') ?? Number.NaN, refused: counts.get('refused') ?? Number.NaN };
  };
}

/** The sum of several clients' counts. */
export function allCalls(of: readonly Calls[]): Calls {
  const rpcs = new Map<string, number>();
  for (const calls of of) for (const [name, count] of calls.rpcs) rpcs.set(name, (rpcs.get(name) ?? 0) + count);
  const sum = (count: (calls: Calls) => number): number => of.reduce((total, calls) => total + count(calls), 0);
  return { rpcs, opened: sum(calls => calls.opened), refused: sum(calls => calls.refused) };
}
