import { beforeEach, describe, expect, it } from 'vitest';
import { Runner } from '../../../src/run/runner.js';
import { openGit, ownCache, repository } from '../../support/git.js';

const LIMIT = { timeout: 300_000 };
const RUNNERS = 8;
const JOBS = 200;

beforeEach(() => {
  ownCache();
});

describe('runners of one slot', LIMIT, () => {
  it('share many short jobs: none gets more than six times as many as another', { tags: ['long'] }, async () => {
    const made = repository({ 'runs.txt': '. true\n'.repeat(JOBS) });
    const queues = await Promise.all(Array.from({ length: RUNNERS }, () => openGit(made.name())));
    await Promise.all(queues.map(queue => new Runner(queue, { jobs: 1 }).run()));
    const shares = queues.map(({ claims }) => claims.won).sort((a, b) => a - b);
    expect(made.read()).toBe('d true\n'.repeat(JOBS));
    expect(shares.reduce((sum, share) => sum + share, 0)).toBe(JOBS);
    expect(shares.at(-1)).toBeLessThanOrEqual(6 * (shares[0] as number));
  });
});
