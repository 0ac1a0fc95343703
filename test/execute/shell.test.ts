import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Executor, Task } from '../../src/execute/executor.js';
import type { ShellOptions } from '../../src/execute/options.js';
import { NodeExecutor } from '../../src/execute/shell/node-executor.js';
import { resolveShell } from '../../src/execute/shell/shell.js';
import { SpawnExecutor } from '../../src/execute/shell/spawn-executor.js';
import { hostName } from '../../src/system/host.js';
import { posixSpawner, type Spawner } from '../../src/system/posix-spawn.js';
import { executorConformance } from '../conformance/executor-conformance.js';
import { eventually, isOpenAfter } from '../support/eventually.js';
import { isAlive } from '../support/programs.js';
import { taskOf } from '../support/task.js';

/** The outcome of a task: how it ended, and all its output. */
async function run(executor: Executor, command: string | Buffer, extra: Partial<Task> = {}) {
  const printed = { stdout: '', stderr: '' };
  const output: Task['output'] = (stream, bytes) => {
    printed[stream] += bytes.toString('latin1');
  };
  const execution = await executor.start(taskOf(command, { output, ...extra }));
  return { exit: await execution.exit, label: execution.label, pid: execution.pid, execution, ...printed };
}

const temporary = (): string => mkdtempSync(path.join(os.tmpdir(), 'runmaker-execute-'));

describe.each([
  ['posix_spawn', (options?: ShellOptions) => new SpawnExecutor(resolveShell(options ?? {}), posixSpawner() as Spawner)],
  ['child_process', (options?: ShellOptions) => new NodeExecutor(resolveShell(options ?? {}))],
])('a shell started by %s', (name, make) => {
  executorConformance(name, make, { shell: true, directory: os.tmpdir(), crowd: 300, latency: 500 });

  test('reports the number of the signal that ended it', async () => {
    expect((await run(make(), 'kill -9 $$')).exit).toEqual({ kind: 'signalled', signal: 9 });
  });

  test('is labelled with the host, without its domain, and the process id', async () => {
    const { label, pid, stdout } = await run(make(), 'echo $$');
    expect(label).toBe(`${hostName()},${pid}`);
    expect(stdout).toBe(`${pid}\n`);
  });

  test("lends its output until the consumer's promise settles, however much other tasks print meanwhile", async () => {
    const executor = make();
    const count = 20;
    const printed = Array.from({ length: count }, () => '');
    const started = Array.from({ length: count }, (_, which) =>
      executor.start(
        taskOf(`yes ${String(which).padStart(3, '0')} | head -c 400000`, {
          async output(_stream, bytes) {
            await setTimeout(1);
            printed[which] += bytes.toString('latin1');
          },
        }),
      ),
    );
    await Promise.all((await Promise.all(started)).map(execution => execution.exit));
    expect(printed.map((text, which) => text === `${String(which).padStart(3, '0')}\n`.repeat(100_000))).toEqual(Array(count).fill(true));
  });

  test('reads nothing, leads a process group, and has no signal blocked or ignored', async () => {
    const { stdout } = await run(
      make(),
      'cat; ps -o pgid= -p $$; echo $$; grep -E "SigBlk" /proc/self/status; kill -s PIPE $$; echo alive',
    );
    const [group, pid, blocked] = stdout.split('\n');
    expect(group?.trim()).toBe(pid);
    expect(blocked).toMatch(/^SigBlk:\s+0+$/);
    expect(stdout).not.toContain('alive');
  });

  test('sees its variables on top of those of the runner', async () => {
    const { stdout } = await run(make(), 'echo "$RUNMAKER_JOB,$PATH"', { environment: { RUNMAKER_JOB: '7', PATH: '/usr/bin:/bin' } });
    expect(stdout).toBe('7,/usr/bin:/bin\n');
  });

  test('runs in the directory, at the niceness and in the shell that it is given', async () => {
    const folder = temporary();
    const { stdout } = await run(make({ directory: folder, nice: 7, shell: 'bash' }), 'pwd; nice; [ -n "$BASH_VERSION" ] && echo bash');
    expect(stdout).toBe(`${folder}\n${Math.min(19, os.getPriority() + 7)}\nbash\n`);
  });

  test('inherits the descriptor that shows presence, and no other', async () => {
    const file = path.join(temporary(), 'presence');
    writeFileSync(file, 'present');
    const presence = openSync(file, 'r');
    const other = openSync(file, 'r');
    const { stdout } = await run(make({ shell: 'bash' }), 'cat <&63; for fd in /proc/$$/fd/*; do readlink $fd; done', { presence });
    closeSync(presence);
    closeSync(other);
    expect(stdout.split(file)).toHaveLength(2);
    expect(stdout).toMatch(/^present/);
  });

  test('cannot reach that descriptor by writing to one that is not open', async () => {
    const file = path.join(temporary(), 'presence');
    writeFileSync(file, 'present');
    const presence = openSync(file, 'r+');
    const { exit } = await run(make(), 'for fd in 3 4 5 6 7 8 9; do echo oops >&$fd; done; exit 7', { presence });
    closeSync(presence);
    expect(exit).toMatchObject({ kind: 'exited' });
    expect(readFileSync(file, 'utf8')).toBe('present');
  });

  test('ends when it has exited and all holders have closed both outputs', async () => {
    const begin = performance.now();
    const { exit, stdout } = await run(make(), '(sleep 0.4; echo late) & exit 6');
    expect(performance.now() - begin).toBeGreaterThan(350);
    expect(exit).toEqual({ kind: 'exited', code: 6 });
    expect(stdout).toBe('late\n');
  });

  test('does not end by closing its outputs', async () => {
    const begin = performance.now();
    expect((await run(make(), 'exec >&- 2>&-; sleep 0.4; exit 5')).exit).toEqual({ kind: 'exited', code: 5 });
    expect(performance.now() - begin).toBeGreaterThan(350);
  });

  test('stops waiting for an output held open by a stray process when it is abandoned', async () => {
    const execution = await make().start(taskOf('setsid sleep 30 & echo $!'));
    await setTimeout(200);
    execution.abandon();
    expect(await execution.exit).toEqual({ kind: 'exited', code: 0 });
  });

  test('stops waiting for the consumer of its output when it is abandoned', async () => {
    let took = 0;
    const output = () => {
      took++;
      return new Promise<void>(() => undefined);
    };
    const execution = await make().start(taskOf('exec yes', { output }));
    await eventually('something was printed', () => took > 0);
    execution.kill('SIGKILL');
    expect(await isOpenAfter(execution.exit, 200)).toBe(true);
    execution.abandon();
    expect(await execution.exit).toEqual({ kind: 'signalled', signal: 9 });
  });

  test('receives signals in the whole group', async () => {
    const execution = await make().start(taskOf('sleep 30 & sleep 30; wait'));
    await setTimeout(100);
    execution.kill('SIGKILL');
    expect(await execution.exit).toEqual({ kind: 'signalled', signal: 9 });
    execution.kill('SIGTERM');
  });

  /** Ignores TERM, holds no output open, and records its process id. */
  const DEAF = `sh -c 'trap "" TERM; echo $$ >&3; exec sleep 30 3>&- >/dev/null 2>&1' 3>&1 &`;

  test('can have its background processes killed while it is watched', async () => {
    let printed = '';
    const output: Task['output'] = (_stream, bytes) => {
      printed += String(bytes);
    };
    const execution = await make().start(taskOf(`${DEAF} exec sleep 30`, { output }));
    await eventually('the other process has started', () => printed.endsWith('\n') && isAlive(Number(printed)));
    // The descriptor that it used is closed a moment later.
    await eventually('it holds no output', () => readlinkSync(`/proc/${Number(printed)}/exe`).endsWith('sleep'));
    execution.kill('SIGTERM');
    expect(await execution.exit).toEqual({ kind: 'signalled', signal: 15 });
    const gone = execution.gone?.() as Promise<void>;
    expect(await isOpenAfter(gone, 200)).toBe(true);
    execution.kill('SIGKILL');
    await gone;
    expect(isAlive(Number(printed))).toBe(false);
  });

  test('cannot have its background processes signalled once it is no longer watched', async () => {
    const { exit, stdout, execution } = await run(make(), `sleep 30 >/dev/null 2>&1 & echo $!`);
    onTestFinished(() => void process.kill(Number(stdout), 'SIGKILL'));
    expect(exit).toEqual({ kind: 'exited', code: 0 });
    execution.kill('SIGKILL');
    await setTimeout(100);
    expect(isAlive(Number(stdout))).toBe(true);
  });

  test('is not delayed by an ended process that its parent does not reap', async () => {
    const careless =
      'import os, time; os.fork() or os._exit(0); os.setpgid(0, 0); print(os.getpid(), flush=True); os.close(1); time.sleep(30)';
    const { stdout, execution } = await run(make(), `python3 -c '${careless}' 2>/dev/null & sleep 0.1`);
    onTestFinished(() => void process.kill(Number(stdout), 'SIGKILL'));
    expect(await isOpenAfter(execution.gone?.() as Promise<void>, 1000)).toBe(false);
  });

  test.each([
    ['a NUL byte', Buffer.from('a\0b'), /NUL byte \(byte 2\)/],
    ['more than the kernel passes on', Buffer.alloc(200_000, 'x'), /200000 bytes long/],
  ])('rejects a command with %s before anything starts', async (_what, command, message) => {
    await expect(run(make(), command)).rejects.toMatchObject({ code: 'start', message: expect.stringMatching(message) });
  });

  test("leaves the exits of Node's own children alone", async () => {
    const running = run(make(), 'sleep 0.2; exit 9');
    expect(() => execFileSync('sh', ['-c', 'exit 4'])).toThrow(expect.objectContaining({ status: 4 }));
    expect((await running).exit).toEqual({ kind: 'exited', code: 9 });
  });
});

test.each([
  [{ shell: '/no/such/shell' }, /the shell \/no\/such\/shell is not there/],
  [{ directory: '/no/such/folder' }, /is not a directory/],
])('rejects %o at once', (options, message) => {
  expect(() => resolveShell(options)).toThrow(expect.objectContaining({ code: 'usage', message: expect.stringMatching(message) }));
});
