import { describe, expect, it } from 'vitest';
import { Workbench } from '../support/bench.js';
import { type Program, programWords, run, runset } from '../support/programs.js';

/** Runs one of our programs with its output piped into `head`, and keeps its exit status and its stderr. */
async function intoHead(bench: Workbench, program: 'runmaker' | 'runset', args: readonly string[], lines: number) {
  const quoted = [...programWords(program), ...args].map(word => `'${word}'`).join(' ');
  const script = `(${quoted}; echo $? > status) 2> stderr | head -n ${lines}`;
  const { stdout } = await run('sh', ['-c', script], { cwd: bench.folder });
  return { stdout, status: Number(bench.read('status')), stderr: bench.read('stderr') };
}

/** The same with a reader that exits before the first byte arrives. */
async function intoNothing(bench: Workbench, program: Program, args: readonly string[]) {
  const quoted = [...programWords(program), ...args].map(word => `'${word}'`).join(' ');
  await run('sh', ['-c', `(sleep 0.5; ${quoted}; echo $? > status) 2> stderr | true`], { cwd: bench.folder });
  return { status: Number(bench.read('status')), stderr: bench.read('stderr') };
}

describe('when the reader of its output has gone', () => {
  it('runmaker drains: running jobs continue to their end, no new ones are claimed, every state is right', async () => {
    const bench = new Workbench('. echo a; sleep 0.3; echo b; echo x >> ran\n'.repeat(20));
    const { stdout, status, stderr } = await intoHead(bench, 'runmaker', ['-j2', bench.runs], 1);
    expect(stdout).toMatch(/^executing /);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(bench.states).toMatch(/^d+\.+$/);
    expect(bench.lines('ran').length).toBe(bench.states.lastIndexOf('d') + 1);
  });

  it('a job that prints endlessly is neither killed nor blocked', async () => {
    const bench = new Workbench('. seq 300000; echo x >> ran\n. true\n');
    const { status } = await intoHead(bench, 'runmaker', [bench.runs], 2);
    expect(status).toBe(0);
    expect(bench.states).toBe('d.');
    expect(bench.lines('ran')).toEqual(['x']);
  });

  it('runmaker --json drains as well', async () => {
    const bench = new Workbench('. sleep 0.2; echo a\n'.repeat(10));
    const { status, stderr } = await intoHead(bench, 'runmaker', ['--json', bench.runs], 1);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(bench.states).toMatch(/^d+\.+$/);
  });

  it('runset --list stops', async () => {
    const bench = new Workbench('. echo a command of some length, so that it fills pipes\n'.repeat(100_000));
    const { stdout, status, stderr } = await intoHead(bench, 'runset', ['--list', bench.runs], 1);
    expect(stdout).toBe('1: . - echo a command of some length, so that it fills pipes\n');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('runmaker --dry-run stops', async () => {
    const bench = new Workbench('. echo a command of some length, so that it fills pipes\n'.repeat(20_000));
    const { stdout, status, stderr } = await intoHead(bench, 'runmaker', ['--dry-run', bench.runs], 2);
    expect(stdout).toBe('echo a command of some length, so that it fills pipes\n'.repeat(2));
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it.each<[Program, string[]]>([
    ['runset', ['--list', 'runs.txt']],
    ['runset', ['--stats', 'runs.txt']],
    ['runset', ['--stats', '--json', 'runs.txt']],
    ['runset', ['--help']],
    ['runset', ['--version']],
    ['runmaker', ['--dry-run', 'runs.txt']],
    ['runmaker', ['--help']],
    ['runmaker-client', ['--help']],
    ['runmaker-server', ['--help']],
    ['runwait', ['--help']],
    ['runwait', ['--progress', 'runs.txt']],
    ['runwait', ['--json', 'runs.txt']],
  ])('%s %j ends as usual, and prints nothing', async (program, args) => {
    const bench = new Workbench('d true\n');
    expect(await intoNothing(bench, program, args)).toEqual({ status: 0, stderr: '' });
  });

  it('runset --doctor still delivers its verdict as the exit status', async () => {
    const bench = new Workbench('. true\n');
    for (const locks of ['record', 'directory']) {
      const { status } = await runset(['--doctor', '--locks', locks, bench.runs]);
      expect(await intoNothing(bench, 'runset', ['--doctor', '--locks', locks, 'runs.txt'])).toEqual({ status, stderr: '' });
    }
  });

  it('a usage error goes unseen, but still sets the exit status', async () => {
    const bench = new Workbench('. true\n');
    const words = programWords('runset').join(' ');
    await run('sh', ['-c', `(sleep 0.5; ${words} --bogus; echo $? > status) 2>&1 | true`], { cwd: bench.folder });
    expect(bench.read('status')).toBe('2\n');
  });
});
