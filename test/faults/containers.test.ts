import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Docker, IMAGE } from '../support/engine/docker.js';
import { figure } from '../support/figure.js';
import { programWords } from '../support/programs.js';
import { Random, seedFrom } from '../support/random.js';
import { temporaryFolder } from '../support/temporary.js';

const SEED = seedFrom('RUNMAKER_CONTAINERS_SEED');
const JOBS = 300;
const RUNNERS = 3;
/** Between two disturbances, in ms: from and to. */
const PAUSE = { from: 300, to: 1500 };
/** How long runners are disturbed, in ms: the remaining jobs run in peace. */
const LONGEST = 40_000;
/** After this many disturbances the engine is ended and started again. */
const RESTART_EVERY = 12;

/** Each job records its beginning and its end. It creates a folder for as long as it runs: an existing one belongs to another run. */
function jobLine(at: number): string {
  const words = `mkdir held/${at} || echo twice ${at} >> log; echo begin ${at} >> log; sleep 0.${at % 4}; rmdir held/${at}; echo end ${at} >> log`;
  return `. ${words} #: image=${IMAGE} network=none`;
}

describe('300 jobs in containers', { tags: ['docker'], timeout: 240_000 }, () => {
  let docker: Docker;
  beforeAll(async () => {
    docker = await Docker.start(['--live-restore']);
  });
  afterAll(async () => await docker?.stop());

  it('run once each, whatever happens to runners and to the engine, and leave nothing behind', async () => {
    const folder = temporaryFolder();
    const random = new Random(SEED);
    const [runs, log] = [join(folder, 'runs.txt'), join(folder, 'log')];
    writeFileSync(runs, `${Array.from({ length: JOBS }, (_, at) => jobLine(at)).join('\n')}\n`);
    writeFileSync(log, '');
    mkdirSync(join(folder, 'held'));
    const states = (): string =>
      readFileSync(runs, 'latin1')
        .split('\n')
        .slice(0, -1)
        .map(line => line[0])
        .join('');
    const printed = (): string[] => readFileSync(join(folder, 'said'), 'latin1').split('\n');
    const began = performance.now();
    const deeds: Record<string, number> = { KILL: 0, STOP: 0, restart: 0 };
    const runners = Array.from({ length: RUNNERS }, () => new Runner(runs, folder, docker));
    const end = performance.now() + LONGEST;
    for (let blow = 1; /[.r]/.test(states()) && performance.now() < end; blow++) {
      await setTimeout(random.between(PAUSE.from, PAUSE.to));
      if (blow % RESTART_EVERY === 0) {
        await docker.down();
        await docker.up();
        count(deeds, 'restart');
        continue;
      }
      const victim = random.pick(runners);
      if (random.chance(0.5)) {
        victim.signal('SIGKILL');
        count(deeds, 'KILL');
      } else {
        victim.signal('SIGSTOP');
        await setTimeout(random.between(100, 1000));
        victim.signal('SIGCONT');
        count(deeds, 'STOP');
      }
    }
    await Promise.all(runners.map(runner => runner.finish()));
    const last = new Runner(runs, folder, docker, ['--reclaim', '--retry']);
    await last.finish();
    const marks = readFileSync(log, 'utf8').trim().split('\n');
    const ended = (at: number): number => marks.filter(mark => mark === `end ${at}`).length;
    // A job whose container the engine lost when it was ended is an error, and was rerun by the last runner.
    const lost = new Set(
      printed()
        .filter(line => / (lost|not started): /.test(line))
        .map(line => Number(/mkdir held\/(\d+)/.exec(line)?.[1])),
    );
    const ends = Array.from({ length: JOBS }, (_, at) => ended(at));
    const blows = Object.entries(deeds)
      .map(([deed, times]) => `${times} ${deed}`)
      .join(', ');
    const seconds = ((performance.now() - began) / 1000).toFixed(0);
    const took = `in ${seconds} s: ${blows}; ${marks.length / 2} runs, ${lost.size} of them lost by the engine`;
    figure(`containers, seed ${SEED}: ${JOBS} jobs, ${RUNNERS} runners, ${took}`);
    expect(marks.filter(mark => mark.startsWith('twice'))).toEqual([]);
    expect(states()).toBe('d'.repeat(JOBS));
    expect(ends.flatMap((times, at) => (times === 1 || (times === 2 && lost.has(at)) ? [] : [`${at}: ${times} ends`]))).toEqual([]);
    expect((await docker.containers()).map(({ Command, State }) => `${State} ${Command}`)).toEqual([]);
  });
});

function count(deeds: Record<string, number>, deed: string): void {
  deeds[deed] = (deeds[deed] ?? 0) + 1;
}

/** A runner that is restarted when it is killed, until it may finish. */
class Runner {
  private child: ChildProcess;
  private isFinishing = false;
  private readonly done: Promise<void>;
  private finished: () => void = () => undefined;
  stderr = '';

  constructor(
    private readonly runs: string,
    private readonly folder: string,
    private readonly docker: Docker,
    private readonly options: readonly string[] = [],
  ) {
    this.done = new Promise(resolve => {
      this.finished = resolve;
    });
    this.child = this.start();
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Settles when it has exited by itself. */
  async finish(): Promise<void> {
    this.isFinishing = true;
    const late = globalThis.setTimeout(() => this.child.kill('SIGKILL'), 100_000);
    await this.done;
    clearTimeout(late);
  }

  private start(): ChildProcess {
    const [node, script] = programWords('runmaker');
    const env = { ...process.env, DOCKER_HOST: this.docker.host };
    const child = spawn(node, [script, '-j4', ...this.options, this.runs], {
      cwd: this.folder,
      env,
      stdio: ['ignore', openSync(join(this.folder, 'said'), 'a'), 'pipe'],
    });
    child.stderr?.on('data', bytes => {
      this.stderr += bytes;
    });
    child.once('close', (_, signal) => {
      if (signal === null || this.isFinishing) this.finished();
      else this.child = this.start();
    });
    return child;
  }
}
