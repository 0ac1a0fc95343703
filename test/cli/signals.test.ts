import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Background, startInBackground } from '../support/background.js';
import { Workbench, waiting } from '../support/bench.js';
import { deafReader } from '../support/deaf-reader.js';
import { eventually, isOpenAfter } from '../support/eventually.js';
import { fixture, isAlive, programWords, type Running, run, start, startProgram } from '../support/programs.js';

/** A command that ignores TERM and records its process id. */
const DEAF = "trap '' TERM; echo $$ >> pids; i=0; while [ $i -lt 400 ]; do i=$((i+1)); sleep 0.05; done";

/** A job with a background process that ignores TERM and holds no output of the job open; both record their process ids. */
const DEAF_BEHIND = `sh -c 'trap "" TERM; echo $$ >> pids; exec sleep 50' >/dev/null 2>&1 & echo $$ >> pids; exec sleep 50`;

async function runner(bench: Workbench, ...options: string[]): Promise<Running> {
  const started = startProgram('runmaker', [...options, bench.runs], { cwd: bench.folder });
  await bench.has('pids');
  return started;
}

describe.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s', (signal, status) => {
  it(`ends the running jobs, which become e, claims no more, and exits with ${status}`, async () => {
    const bench = new Workbench(`. true\n. ${waiting()}\n. ${waiting()}\n. true\n`);
    const started = startProgram('runmaker', ['-j2', bench.runs], { cwd: bench.folder });
    await bench.has('pids', 2);
    started.signal(signal);
    expect((await started.ended).status).toBe(status);
    expect(bench.states).toBe('dee.');
    await bench.areGone('pids');
  });

  it('shows each job as ended by TERM', async () => {
    const bench = new Workbench('. echo $$ >> pids; exec sleep 20\n');
    const started = await runner(bench);
    started.signal(signal);
    expect((await started.ended).stdout).toContain('): exit -15 "');
  });

  it('also ends the processes that jobs have started', async () => {
    const bench = new Workbench(". sh -c 'echo $$ >> pids; sleep 20' & echo $$ >> pids; sleep 20 & wait\n");
    const started = startProgram('runmaker', [bench.runs], { cwd: bench.folder });
    await bench.has('pids', 2);
    started.signal(signal);
    await started.ended;
    await bench.areGone('pids');
  });

  it('kills, after --kill-after, jobs that ignore TERM', async () => {
    const bench = new Workbench(`. ${DEAF}\n`);
    const started = await runner(bench, '--kill-after=300ms');
    started.signal(signal);
    expect((await started.ended).status).toBe(status);
    expect(started.stdout).toContain('): exit -9 "');
    expect(bench.states).toBe('e');
    await bench.areGone('pids');
  });

  it('kills, after --kill-after, also the background processes of a job', async () => {
    const bench = new Workbench(`. ${DEAF_BEHIND}\n`);
    const started = startProgram('runmaker', ['--kill-after=300ms', bench.runs], { cwd: bench.folder });
    await bench.has('pids', 2);
    started.signal(signal);
    expect((await started.ended).status).toBe(status);
    expect(bench.states).toBe('e');
    expect(bench.lines('pids').map(Number).filter(isAlive)).toEqual([]);
  });

  it('counts a job as interrupted even if it exits cleanly on TERM: it may have exited early', async () => {
    const bench = new Workbench(". trap 'exit 0' TERM; echo $$ >> pids; i=0; while [ $i -lt 400 ]; do i=$((i+1)); sleep 0.05; done\n");
    const started = await runner(bench);
    started.signal(signal);
    expect((await started.ended).status).toBe(status);
    expect(bench.states).toBe('e');
  });

  it('ends a suspended job', async () => {
    const bench = new Workbench('. echo $$ >> pids; kill -STOP $$; sleep 20\n');
    const started = await runner(bench, '--kill-after=1h');
    const [job] = bench.lines('pids');
    onTestFinished(() => {
      if (isAlive(Number(job))) process.kill(Number(job), 'SIGKILL');
    });
    await eventually('the job is stopped', () => /\) T /.test(readFileSync(`/proc/${job}/stat`, 'latin1')));
    started.signal(signal);
    expect((await started.ended).status).toBe(status);
    expect(bench.states).toBe('e');
  });

  it('makes a waiting runner exit', async () => {
    const bench = new Workbench('d true\n');
    const started = startProgram('runmaker', ['--watch', bench.runs]);
    appendFileSync(bench.runs, '. true\n');
    await bench.reaches('dd');
    started.signal(signal);
    expect((await started.ended).status).toBe(status);
  });
});

describe('a second SIGINT', () => {
  it('kills at once', async () => {
    const bench = new Workbench(`. ${DEAF}\n. ${DEAF}\n`);
    const started = startProgram('runmaker', ['-j2', '--kill-after=60s', bench.runs], { cwd: bench.folder });
    await bench.has('pids', 2);
    started.signal('SIGINT');
    expect(await isOpenAfter(started.ended, 300)).toBe(true);
    started.signal('SIGINT');
    expect((await started.ended).status).toBe(130);
    expect(bench.states).toBe('ee');
    await bench.areGone('pids');
  });

  it('also kills at once what is left of a job whose own process has exited', async () => {
    const bench = new Workbench(`. ${DEAF_BEHIND}\n`);
    const started = startProgram('runmaker', ['--kill-after=60s', bench.runs], { cwd: bench.folder });
    await bench.has('pids', 2);
    started.signal('SIGINT');
    expect(await isOpenAfter(started.ended, 500)).toBe(true);
    started.signal('SIGINT');
    expect((await started.ended).status).toBe(130);
    expect(bench.states).toBe('e');
    expect(bench.lines('pids').map(Number).filter(isAlive)).toEqual([]);
  });
});

describe('the background process of a job that exited by itself', () => {
  it('survives an interrupt of its runner', async () => {
    const bench = new Workbench(`. sleep 50 >/dev/null 2>&1 & echo $! >> stays\n. ${waiting()}\n`);
    const started = await runner(bench);
    const [left] = bench.lines('stays').map(Number) as [number];
    onTestFinished(() => void process.kill(left, 'SIGKILL'));
    started.signal('SIGINT');
    expect((await started.ended).status).toBe(130);
    expect(bench.states).toBe('de');
    expect(isAlive(left)).toBe(true);
  });
});

describe('a standard output that is open but not read', () => {
  /** Its lines are long compared with their prefixes. */
  const TALKATIVE = 'echo $$ >> pids; exec yes $(printf %01000d)';

  async function stuckRunner(bench: Workbench, ...options: string[]): Promise<Background> {
    const files = { cwd: bench.folder, stdout: deafReader(bench.folder), stderr: bench.path('stderr') };
    const started = startInBackground('runmaker', [...options, bench.runs], files);
    const [job] = await bench.has('pids');
    const written = (): string => readFileSync(`/proc/${job}/io`, 'latin1').match(/wchar: (\d+)/)?.[1] as string;
    await eventually('the job waits until it can write more', async () => {
      const before = written();
      await setTimeout(300);
      return Number(before) > 500_000 && written() === before;
    });
    return started;
  }

  it.each([[[]], [['--json']], [['--quiet', '--results=results']]])(
    'leaves no line in state r and no runner behind after a second SIGINT (%j)',
    { tags: ['slow'] },
    async options => {
      const bench = new Workbench(`. ${TALKATIVE}\n. true\n`);
      const started = await stuckRunner(bench, ...options);
      started.signal('SIGINT');
      await bench.areGone('pids');
      started.signal('SIGINT');
      expect((await started.within(20_000)).status).toBe(130);
      expect(bench.states).toBe('e.');
    },
  );

  it('leaves no line in state r after --kill-after either', async () => {
    const bench = new Workbench(`. ${TALKATIVE}\n`);
    const started = await stuckRunner(bench, '--kill-after=100ms');
    started.signal('SIGTERM');
    await bench.reaches('e');
  });
});

describe('SIGQUIT', () => {
  it('kills at once', async () => {
    const bench = new Workbench(`. ${DEAF}\n`);
    const started = await runner(bench, '--kill-after=60s');
    started.signal('SIGQUIT');
    expect((await started.ended).status).toBe(131);
    expect(bench.states).toBe('e');
    await bench.areGone('pids');
  });
});

describe.each([
  ['SIGXCPU', 152],
  ['SIGALRM', 142],
  ['SIGPWR', 158],
] as const)('%s, which by default ends a process', (signal, status) => {
  it('leaves no line in state r and no process behind', async () => {
    const bench = new Workbench(`. ${waiting()}\n`);
    const started = await runner(bench);
    started.signal(signal);
    expect((await started.ended).status).toBe(status);
    expect(bench.states).toBe('e');
    await bench.areGone('pids');
  });
});

describe('a terminal that is hung up', () => {
  it.each([[[]], [['--no-progress']], [['--json']]])(
    'lets the running jobs end, and the runner exits in good order (%j)',
    async options => {
      const bench = new Workbench(`. echo $$ >> pids; echo a; sleep 0.5; echo b\n. true\n`);
      const { status, stderr } = await run(
        'python3',
        [fixture('hang-up.py'), 'pids', ...programWords('runmaker'), ...options, bench.runs],
        {
          cwd: bench.folder,
        },
      );
      expect({ status, stderr, states: bench.states }).toEqual({ status: 0, stderr: '', states: 'd.' });
    },
  );
});

describe.each(['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const)('%s', signal => {
  it('lets the running jobs end, claims no more, and exits as usual', async () => {
    const bench = new Workbench(`. ${waiting()}\n. ${waiting('true', 'exit 3')}\n. true\n`);
    const started = startProgram('runmaker', ['-j2', bench.runs], { cwd: bench.folder });
    await bench.has('pids', 2);
    started.signal(signal);
    expect(await isOpenAfter(started.ended, 300)).toBe(true);
    expect(bench.states).toBe('rr.');
    writeFileSync(bench.path('go'), '');
    expect((await started.ended).status).toBe(1);
    expect(bench.states).toBe('d!.');
  });

  it('still retries a failing job as often as allowed', async () => {
    const bench = new Workbench(`. ${waiting('true', '[ $RUNMAKER_ATTEMPT = 3 ]')}\n. true\n`);
    const started = await runner(bench, '--retries=3');
    started.signal(signal);
    // Once it drains it claims no more: the first attempt ends after that.
    expect(await isOpenAfter(started.ended, 300)).toBe(true);
    writeFileSync(bench.path('go'), '');
    expect((await started.ended).status).toBe(0);
    expect(bench.states).toBe('d.');
  });

  it('can be followed by SIGINT when that takes too long', async () => {
    const bench = new Workbench(`. ${waiting()}\n`);
    const started = await runner(bench);
    started.signal(signal);
    expect(await isOpenAfter(started.ended, 200)).toBe(true);
    started.signal('SIGINT');
    expect((await started.ended).status).toBe(130);
    expect(bench.states).toBe('e');
    await bench.areGone('pids');
  });

  it('does not end a runner whose last output is still being read', async () => {
    const bench = new Workbench('. seq 20000\n');
    // Continues to read once it is told to.
    const reader = `while [ ! -e go ]; do sleep 0.02; done; grep -c '): [0-9]*$'`;
    const [node, script] = programWords('runmaker');
    const piped = start(
      'bash',
      ['-c', `set -m; { ${node} ${script} runs.txt & echo $! > pid; wait $!; echo $? > status; } | { ${reader}; }`],
      {
        cwd: bench.folder,
        input: '',
      },
    );
    await bench.reaches('d');
    process.kill(Number(bench.read('pid')), signal);
    await setTimeout(200);
    writeFileSync(bench.path('go'), '');
    expect((await piped.ended).stdout).toBe('20000\n');
    expect(bench.read('status')).toBe('0\n');
  });
});

describe('SIGUSR1 before the program handles it', () => {
  it('opens no debugger, and drains as later', { tags: ['slow'] }, async () => {
    for (const early of [30, 60, 90, 150]) {
      const bench = new Workbench(`. echo $$ > pids; sleep 1\n${'. sleep 1\n'.repeat(20)}`);
      const started = startProgram('runmaker', ['runs.txt'], { cwd: bench.folder });
      await setTimeout(early);
      started.signal('SIGUSR1');
      const { status, stderr } = await started.ended;
      // Whether the runner had begun at all: before Node itself starts, the signal ends any process.
      if (status !== null) expect({ status, states: bench.states }).toEqual({ status: 0, states: expect.stringMatching(/^d{0,2}\.+$/) });
      expect(stderr.replace(/^Debugger listening on .*\nFor help.*\n/, '').replace(/^runmaker: draining: 1 job let end, .*\n/, '')).toBe(
        '',
      );
    }
  });
});

describe('SIGHUP', () => {
  it('is ignored by a runner under nohup, which should outlive its terminal', async () => {
    const bench = new Workbench(`. ${waiting()}\n. true\n`);
    const started = start('python3', [fixture('terminal.py'), 'nohup', ...programWords('runmaker'), 'runs.txt'], { cwd: bench.folder });
    await bench.has('pids');
    const [job] = bench.lines('pids');
    process.kill(Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${job}/status`, 'utf8'))?.[1]), 'SIGHUP');
    await setTimeout(200);
    writeFileSync(bench.path('go'), '');
    expect((await started.ended).status).toBe(0);
    expect(bench.states).toBe('dd');
  });
});

describe('a signal', () => {
  it('that arrives while the runner starts jobs at full speed leaves no line in state r and no process behind', async () => {
    const count = 400;
    const bench = new Workbench('. echo $$ >> pids; sleep 0.2\n'.repeat(count));
    const started = startProgram('runmaker', ['-j8', '--quiet', bench.runs], { cwd: bench.folder });
    await bench.has('pids', 20);
    started.signal('SIGTERM');
    expect((await started.ended).status).toBe(143);
    expect(bench.states).toMatch(/^[de]+\.+$/);
    await bench.areGone('pids');
  });

  it('that reaches the whole process group, as Ctrl-C does, is passed on to the jobs once', async () => {
    const bench = new Workbench(
      ". trap 'echo TERM >> got; exit 0' TERM; trap 'echo INT >> got' INT; echo $$ >> pids; i=0; while [ $i -lt 400 ]; do i=$((i+1)); sleep 0.02; done\n",
    );
    const started = startProgram('runmaker', [bench.runs], { cwd: bench.folder, detached: true });
    await bench.has('pids');
    process.kill(-started.pid, 'SIGINT');
    expect((await started.ended).status).toBe(130);
    expect(bench.lines('got')).toEqual(['TERM']);
  });

  it('cancels the remaining attempts, too', async () => {
    const bench = new Workbench(`. ${waiting('true', 'false')}\n`);
    const started = await runner(bench, '--retries=100');
    started.signal('SIGTERM');
    expect((await started.ended).status).toBe(143);
    expect(bench.lines('pids').length).toBe(1);
    expect(bench.states).toBe('e');
  });

  it('does not wait for the pause between two starts', async () => {
    const bench = new Workbench(`. ${waiting()}\n. true\n`);
    const started = await runner(bench, '-j2', '--delay=1h');
    started.signal('SIGTERM');
    expect((await started.ended).status).toBe(143);
    expect(bench.states).toBe('e.');
  });
});
