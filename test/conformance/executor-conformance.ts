import { setTimeout } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Execution, Executor, Task } from '../../src/execute/executor.js';
import { isOpenAfter } from '../support/eventually.js';
import { taskOf } from '../support/task.js';

/** What an executor of this kind can do beyond the common contract. */
export interface ExecutorTraits {
  /** Runs commands in a shell; otherwise only `sleep SECONDS`, `echo WORD` and `exit STATUS`, separated by `;`. */
  readonly shell: boolean;
  /** A folder that its jobs see under the same path. */
  readonly directory?: string;
  /** Many jobs at a time. */
  readonly crowd: number;
  /** How long a job may take to start and to end, in ms. */
  readonly latency: number;
}

/** The outcome of a task: how it ended, and all its output. */
async function run(executor: Executor, command: string | Buffer, more: Partial<Task> = {}) {
  const printed = { stdout: '', stderr: '' };
  const output: Task['output'] = (stream, bytes) => {
    printed[stream] += bytes.toString('latin1');
  };
  const execution = await executor.start(taskOf(command, { output, ...more }));
  const exit = await execution.exit;
  await execution.forget?.();
  return { exit, execution, ...printed };
}

/** What every executor must do. @param make creates an executor of this kind; two created one after the other see the same tasks */
export function executorConformance(kind: string, make: () => Executor | Promise<Executor>, traits: ExecutorTraits): void {
  const { shell, directory, crowd, latency } = traits;

  describe(`an executor of the kind ${kind}`, () => {
    it('reports how a task has ended', async () => {
      const executor = await make();
      expect((await run(executor, 'exit 0')).exit).toEqual({ kind: 'exited', code: 0 });
      expect((await run(executor, 'exit 3')).exit).toEqual({ kind: 'exited', code: 3 });
    });

    it('gives each task its own handle and label', async () => {
      const executor = await make();
      const both = await Promise.all([executor.start(taskOf('sleep 0.2')), executor.start(taskOf('sleep 0.2'))]);
      expect(new Set(both.map(({ handle }) => handle)).size).toBe(2);
      expect(new Set(both.map(({ label }) => label)).size).toBe(2);
      for (const { label } of both) expect(label).toMatch(/^[^\s,]+,\S+$/);
      for (const execution of both) {
        await execution.exit;
        await execution.forget?.();
      }
    });

    it('delivers all output of a task before it reports the end', async () => {
      expect((await run(await make(), 'echo one; sleep 0.1; echo two')).stdout).toBe('one\ntwo\n');
    });

    it('waits until the output is consumed', async () => {
      let taken = false;
      const output = async () => {
        await setTimeout(300);
        taken = true;
      };
      await run(await make(), 'echo slow', { output });
      expect(taken).toBe(true);
    });

    it('ends a task by a signal, even one that ignores other signals', async () => {
      const execution = await (await make()).start(taskOf('sleep 30'));
      await setTimeout(100);
      execution.kill('SIGTERM');
      if (await isOpenAfter(execution.exit, latency)) execution.kill('SIGKILL');
      expect((await execution.exit).kind).toMatch(/signalled|exited/);
      expect(await execution.exit).not.toEqual({ kind: 'exited', code: 0 });
      execution.kill('SIGKILL');
      await execution.forget?.();
    });

    it('keeps many tasks apart', async () => {
      const executor = await make();
      const results = await Promise.all(Array.from({ length: crowd }, (_, at) => run(executor, `echo word${at}; exit ${at % 100}`)));
      expect(results.map(({ exit }) => exit)).toEqual(results.map((_, at) => ({ kind: 'exited', code: at % 100 })));
      expect(results.map(({ stdout }) => stdout)).toEqual(results.map((_, at) => `word${at}\n`));
    });

    describe.runIf(shell)('that runs shells', () => {
      it('keeps stdout and stderr apart', async () => {
        expect(await run(await make(), 'echo to out; echo to err >&2; exit 3')).toMatchObject({
          exit: { kind: 'exited', code: 3 },
          stdout: 'to out\n',
          stderr: 'to err\n',
        });
      });

      it('passes a command on byte for byte', async () => {
        const odd = [Buffer.from("printf '%s' '"), Buffer.from([0xff, 0xe9, 0x80, 0x25, 0x5c]), Buffer.from('\' "$(echo "it\'s")"')];
        expect((await run(await make(), Buffer.concat(odd))).stdout).toBe("\xff\xe9\x80%\\it's");
      });

      it('passes output on byte for byte', async () => {
        const { stdout } = await run(await make(), "printf '\\000\\377\\r\\n\\033'");
        expect(stdout).toBe('\0\xff\r\n\x1b');
      });

      it('adds the task’s variables to the environment', async () => {
        const { stdout } = await run(await make(), 'echo "$RUNMAKER_JOB,$ODD"', { environment: { RUNMAKER_JOB: '7', ODD: 'a "b" $c' } });
        expect(stdout).toBe('7,a "b" $c\n');
      });

      it.runIf(directory !== undefined)('runs a task in the task’s directory', async () => {
        expect((await run(await make(), 'pwd', { directory })).stdout).toBe(`${directory}\n`);
      });

      it('gives a task an empty standard input', async () => {
        expect((await run(await make(), 'cat; echo end')).stdout).toBe('end\n');
      });

      it('slows a task down when its reader is slow, and loses nothing', async () => {
        let taken = 0;
        let open = 0;
        let most = 0;
        const result = await run(await make(), 'head -c 2000000 /dev/zero', {
          async output(_stream, bytes) {
            most = Math.max(most, ++open);
            await setTimeout(1);
            taken += bytes.length;
            open--;
          },
        });
        expect(result.exit).toEqual({ kind: 'exited', code: 0 });
        expect(taken).toBe(2_000_000);
        expect(most).toBe(1);
      });

      it('rejects a command that no command line can hold before anything starts', async () => {
        const executor = await make();
        await expect(executor.start(taskOf(Buffer.from('a\0b')))).rejects.toMatchObject({ code: 'start' });
      });
    });
  });

  describe(`tasks of the kind ${kind} that outlive their runner`, () => {
    const attachable = async (): Promise<Required<Pick<Executor, 'start' | 'survivors' | 'attach'>> | undefined> => {
      const executor = await make();
      return executor.survivors && executor.attach ? (executor as Required<Executor>) : undefined;
    };
    /** A queue for this test alone. */
    const queueName = (): string => `/tmp/${Math.random().toString(36).slice(2)}/runs.txt`;

    it('need both survivors and attach, or neither', async () => {
      const executor = await make();
      expect(executor.survivors === undefined).toBe(executor.attach === undefined);
    });

    it('can be attached to from another executor, and deliver their output and end', async ({ skip }) => {
      const [first, second] = [await attachable(), await attachable()];
      if (!first || !second) return skip();
      const queue = queueName();
      const task = taskOf('sleep 0.8; echo late; exit 4', { queue });
      const left = await first.start(task);
      await left.detach?.();
      const [survivor] = await second.survivors(queue, [task.job]);
      expect(survivor).toMatchObject({ handle: left.handle, job: task.job.id });
      let stdout = '';
      const output: Task['output'] = (_stream, bytes) => {
        stdout += bytes.toString();
      };
      const execution = (await second.attach(left.handle, { ...task, output })) as Execution;
      expect(await execution.exit).toEqual({ kind: 'exited', code: 4 });
      expect(stdout).toBe('late\n');
      await execution.forget?.();
      expect(await second.survivors(queue, [task.job])).toEqual([]);
    });

    it('also report an end that came before attach', async ({ skip }) => {
      const [first, second] = [await attachable(), await attachable()];
      if (!first || !second) return skip();
      const queue = queueName();
      const task = taskOf('echo early; exit 5', { queue });
      const left = await first.start(task);
      await left.detach?.();
      await setTimeout(latency);
      const execution = (await second.attach(left.handle, task)) as Execution;
      expect(await execution.exit).toEqual({ kind: 'exited', code: 5 });
      await execution.forget?.();
    });

    it('are found by queue, and can be ended', async ({ skip }) => {
      const executor = await attachable();
      if (!executor) return skip();
      const [queue, other] = [queueName(), queueName()];
      const task = taskOf('sleep 30', { queue });
      const left = await executor.start(task);
      await left.detach?.();
      onTestFinished(async () => {
        for (const survivor of await executor.survivors(queue, [task.job])) await survivor.end();
      });
      expect(await executor.survivors(other, [task.job])).toEqual([]);
      const survivors = await executor.survivors(queue, [task.job]);
      expect(survivors).toHaveLength(1);
      await survivors[0]?.end();
      expect(await executor.survivors(queue, [task.job])).toEqual([]);
    });

    it('are not found by an unknown handle', async ({ skip }) => {
      const executor = await attachable();
      if (!executor) return skip();
      expect(await executor.attach('0-none', taskOf('sleep 1'))).toBeUndefined();
    });
  });
}
