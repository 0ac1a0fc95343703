import type { Calls } from '../lab/calls.js';

/** `1.9 s` */
export function inSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

export function middle(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Remote calls per job, in total and by name. */
export function callsPerJob({ rpcs }: Calls, jobs: number): string {
  const perJob = (count: number): string => (count / jobs).toFixed(2);
  const total = [...rpcs.values()].reduce((sum, count) => sum + count, 0);
  const kinds = [...rpcs].filter(([, count]) => count >= jobs / 20).sort(([, a], [, b]) => b - a);
  return `${perJob(total)} remote calls a job: ${kinds.map(([name, count]) => `${name} ${perJob(count)}`).join(', ')}`;
}

/** How a runner's attempts to claim a job ended, from its summary. */
interface Claims {
  readonly won: number;
  readonly lost: number;
  readonly busy: number;
}

/** The sum over several runners. @param outputs of `runmaker --json` */
export function claimsIn(outputs: readonly string[]): Claims {
  const all = outputs.map(output => {
    const last = JSON.parse(output.trimEnd().split('\n').at(-1) as string) as { claims: Claims };
    return last.claims;
  });
  const sum = (kind: keyof Claims): number => all.reduce((total, claims) => total + claims[kind], 0);
  return { won: sum('won'), lost: sum('lost'), busy: sum('busy') };
}
