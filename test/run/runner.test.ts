import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { JobOutcome } from '../../src/job/outcome.js';
import type { Claim, ClaimRequest, ClaimResult, Queue } from '../../src/queue/queue.js';
import { Runner } from '../../src/run/runner.js';
import { eventually, isOpenAfter } from '../support/eventually.js';
import { openRuns } from '../support/queues.js';
import { runsFile } from '../support/temporary.js';

/** The same queue, with its answers to claims passed through a function. */
function withClaims(queue: Queue, pass: (result: ClaimResult) => ClaimResult | Promise<ClaimResult>): Queue {
  return Object.create(queue, { claim: { value: async (request: ClaimRequest) => await pass(await queue.claim(request)) } });
}

/** The same claim, but the write of the job's state takes a moment. */
function slowToWrite(claim: Claim): Claim {
  const finish = async (outcome: JobOutcome) => {
    await setTimeout(50);
    return await claim.finish(outcome);
  };
  return Object.create(claim, { finish: { value: finish } });
}

describe('a runner that is told to drain while it claims a job', () => {
  it.each(['.', '!', 'e'])('returns the job as it was: %s', async state => {
    const path = runsFile(`${state} false\n. true\n`);
    const queue = withClaims(await openRuns(path), result => {
      runner.drain();
      return result;
    });
    const runner = new Runner(queue, { retry: true });
    await runner.run();
    expect(readFileSync(path, 'utf8')).toBe(`${state} false\n. true\n`);
  });
});

describe('a runner that claims from a queue that does not answer', () => {
  it('waits when it is interrupted, exits when it is told to exit at once, and returns any job granted after that', {
    tags: ['slow'],
  }, async () => {
    const path = runsFile('. true\n');
    let grant: (() => void) | undefined;
    const queue = withClaims(
      await openRuns(path),
      result =>
        new Promise(resolve => {
          grant = () => resolve(result);
        }),
    );
    const runner = new Runner(queue);
    const running = runner.run();
    await eventually('a job is being claimed', () => grant !== undefined, 5000);
    runner.interrupt();
    expect(await isOpenAfter(running, 1500)).toBe(true);
    runner.kill();
    expect(await running).toMatchObject({ succeeded: 0, errors: 0 });
    expect(readFileSync(path, 'utf8')).toBe('r true\n');
    grant?.();
    await eventually('the claim is given back', () => readFileSync(path, 'utf8') === '. true\n', 5000);
  });
});

describe('the events of a slot', () => {
  it('come job by job, though the next job is claimed before the state of the last one is written', async () => {
    const queue = withClaims(await openRuns(runsFile('. true\n. false\n. true\n')), result =>
      result.kind === 'claimed' ? { ...result, claim: slowToWrite(result.claim) } : result,
    );
    const told: string[] = [];
    await new Runner(queue, {
      listeners: [event => void told.push('job' in event ? `${event.type} ${event.job.number}` : event.type)],
    }).run();
    const each = (job: number) => ['claimed', 'started', 'ended', 'finished'].map(type => `${type} ${job}`);
    expect(told).toEqual([...each(1), ...each(2), ...each(3), 'warning', 'summary']);
  });
});
