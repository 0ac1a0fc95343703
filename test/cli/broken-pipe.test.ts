import { describe, expect, it } from 'vitest';
import { Workbench } from '../support/bench.js';
import { programWords, run } from '../support/programs.js';

/** Runs one of our programs into `head`, in a shell, and keeps its exit status and its stderr. */
async function intoHead(bench: Workbench, program: 'runmaker' | 'runset', args: readonly string[], lines: number) {
  const quoted = [...programWords(program), ...args].map(word => `'${word}'`).join(' ');
  const script = `(${quoted}; echo $? > status) 2> stderr | head -n ${lines}`;
  const { stdout } = await run('sh', ['-c', script], { cwd: bench.folder });
  return { stdout, status: Number(bench.read('status')), stderr: bench.read('stderr') };
}

describe('when nobody reads its output any more', () => {
  it('runmaker drains: running jobs go on to their end, no more are claimed, every state is right', async () => {
    const bench = new Workbench('. echo a; sleep 0.3; echo b; echo x >> ran\n'.repeat(20));
    const { stdout, status, stderr } = await intoHead(bench, 'runmaker', ['-j2', bench.runs], 1);
    expect(stdout).toMatch(/^executing /);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(bench.states).toMatch(/^d+\.+$/);
    expect(bench.lines('ran').length).toBe(bench.states.lastIndexOf('d') + 1);
  });

  it('a job that prints without end is not killed, and not kept waiting either', async () => {
    const bench = new Workbench('. seq 300000; echo x >> ran\n. true\n');
    const { status } = await intoHead(bench, 'runmaker', [bench.runs], 2);
    expect(status).toBe(0);
    expect(bench.states).toBe('d.');
    expect(bench.lines('ran')).toEqual(['x']);
  });

  it('runmaker --json drains, too', async () => {
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
});
