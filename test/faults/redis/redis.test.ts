import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { type Background, startNode } from '../../support/background.js';
import { figure } from '../../support/figure.js';
import { Random, seedFrom } from '../../support/random.js';
import { RedisServer } from '../../support/redis.js';
import { temporaryFolder } from '../../support/temporary.js';
import { judge } from './laws.js';

const SEED = seedFrom('RUNMAKER_CHAOS_SEED');
const RUNNERS = 8;
const SLOTS = 24;
/** Of two queues: one of jobs without directives, one of stages, priorities and dependants, barriers included. */
const LINES = { plain: 16_000, staged: 4000 };
const BARRIERS = [1200, 2800];
const RESTARTS = 3;
/** In ms. Longer than a runner is ever stopped: after a longer stop two runners run its jobs until it notices. */
const LEASE = 8000;
const STANDSTILL = { least: 50, most: 1000 };
const PAUSE = { least: 150, most: 600 };
/** After this time runners are left undisturbed, in ms. */
const LONGEST_STORM = 20_000;
const CALM = 120_000;
const RUNNER = fileURLToPath(new URL('./runner.js', import.meta.url));

it('queues in Redis: no job runs twice at the same time, each end is recorded once, whatever happens to runners and to Redis', {
  tags: ['redis'],
  timeout: LONGEST_STORM + CALM + 30_000,
}, async () => {
  const random = new Random(SEED);
  const server = await RedisServer.start();
  onTestFinished(() => server.stop());
  await server.load('plain', '. x\n'.repeat(LINES.plain));
  await server.load('staged', stagedLines(random.fork(1)));
  const began = performance.now();
  const folder = join(temporaryFolder(), 'journals');
  mkdirSync(folder);
  const fleet = new Fleet(
    folder,
    ['plain', 'staged'].map(name => server.url(name)),
  );
  const deeds = { kill: 0, stop: 0, restart: 0 };
  const choices = random.fork(2);
  const isOver = async (): Promise<boolean> => (await open(server)) === 0;
  while (performance.now() - began < LONGEST_STORM && !(await isOver())) {
    fleet.fill();
    await setTimeout(choices.between(PAUSE.least, PAUSE.most));
    if (deeds.restart < RESTARTS && performance.now() - began > (deeds.restart + 1) * 2500) {
      await server.kill();
      await setTimeout(choices.between(100, 1000));
      await server.start();
      deeds.restart++;
    }
    const deed = choices.weighed({ kill: 30, stop: 70 });
    if (await fleet.suffer(deed, choices)) deeds[deed]++;
  }
  fleet.fill();
  await fleet.leave(CALM);
  const [plain, staged] = [await server.content('plain'), await server.content('staged')];
  const findings = judge(folder, fleet.killed, { staged: BARRIERS });
  figure(
    `chaos over Redis, seed ${SEED}: ${LINES.plain + LINES.staged} lines, ${RUNNERS} runners at a time, ${fleet.count} in all, in ${((performance.now() - began) / 1000).toFixed(0)} s`,
    `${deeds.kill} kills, ${deeds.stop} stops, Redis restarted ${deeds.restart} times; ${findings.starts} starts, ${findings.recorded} ends recorded and noted, ${findings.refused} refused`,
    `laws broken: ${findings.broken.length}`,
  );
  expect(findings.broken, findings.told.join('\n')).toEqual([]);
  expect(deeds.restart).toBe(RESTARTS);
  expect(plain.match(/^[^d]/gm) ?? []).toEqual([]);
  expect(staged.match(/^[^d-]/gm) ?? []).toEqual([]);
});

/** Jobs that have not ended in any queue. */
async function open(server: RedisServer): Promise<number> {
  const states = await Promise.all(['plain', 'staged'].map(name => server.direct.get(`runmaker:{${name}}:states`).catch(() => '.')));
  return states.join('').match(/[.r]/g)?.length ?? 0;
}

function stagedLines(random: Random): string {
  const lines = Array.from({ length: LINES.staged }, (_, at) => {
    if (BARRIERS.includes(at + 1)) return '---';
    if (random.chance(0.02)) return `. x #: priority=${random.below(5) - 2}`;
    return at > 0 && random.chance(0.01) && !BARRIERS.includes(at) ? `. x #: after=${at}` : '. x';
  });
  return `${lines.join('\n')}\n`;
}

/** Runners, which are replaced when some are killed. */
class Fleet {
  count = 0;
  /** When, by the clock of the journals. */
  readonly killed = new Map<string, number>();
  private readonly seats: { runner: Background; journal: string; isStopped: boolean }[] = [];

  constructor(
    private readonly folder: string,
    private readonly queues: readonly string[],
  ) {}

  fill(): void {
    for (let seat = 0; seat < RUNNERS; seat++) {
      // A runner that has exited has found all done.
      if (this.seats[seat] !== undefined && !this.killed.has(this.seats[seat]?.journal as string)) continue;
      const journal = String(++this.count);
      const out = join(this.folder, '..', `out-${journal}`);
      const args = [RUNNER, join(this.folder, journal), String(LEASE), String(SLOTS), ...this.queues];
      this.seats[seat] = { runner: startNode(args, { cwd: this.folder, stdout: out, stderr: out }), journal, isStopped: false };
    }
  }

  /** Returns whether there was a runner to disturb. */
  async suffer(deed: 'kill' | 'stop', random: Random): Promise<boolean> {
    const seat = random.pick(this.seats);
    const standstill = random.between(STANDSTILL.least, STANDSTILL.most);
    if (!seat.runner.isAlive || seat.isStopped) return false;
    if (deed === 'kill') {
      seat.runner.signal('SIGKILL');
      await seat.runner.end;
      this.killed.set(seat.journal, Number(process.hrtime.bigint()) / 1e6);
      return true;
    }
    seat.isStopped = true;
    seat.runner.signal('SIGSTOP');
    void setTimeout(standstill).then(() => {
      seat.runner.signal('SIGCONT');
      seat.isStopped = false;
    });
    return true;
  }

  /** Waits until all have exited; rejects when one fails. */
  async leave(within: number): Promise<void> {
    await setTimeout(STANDSTILL.most);
    for (const { runner } of this.seats) expect(await runner.within(within)).toEqual({ status: 0, signal: null });
  }
}
