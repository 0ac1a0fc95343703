import { existsSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ContainerExecutor } from '../../../src/execute/container/container-executor.js';
import { engineAddress } from '../../../src/execute/container/engine/address.js';
import type { Executor, Task, TaskNotice } from '../../../src/execute/executor.js';
import { commandDigest } from '../../../src/job/command-digest.js';
import { Docker, IMAGE } from '../../support/engine/docker.js';
import { eventually } from '../../support/eventually.js';
import { taskOf } from '../../support/task.js';
import { temporaryFolder } from '../../support/temporary.js';

/** The outcome of a task: how it ended, and all its output. Its container is removed. */
async function run(executor: Executor, command: string | Buffer, extra: Partial<Task> = {}) {
  const printed = { stdout: '', stderr: '' };
  const notices: TaskNotice[] = [];
  const output: Task['output'] = (stream, bytes) => {
    printed[stream] += bytes.toString('latin1');
  };
  const execution = await executor.start(taskOf(command, { output, tell: notice => notices.push(notice), ...extra }));
  const exit = await execution.exit;
  await execution.forget?.();
  return { exit, ...printed, notices, execution };
}

describe('a job in a container', { tags: ['docker', 'slow'] }, () => {
  let docker: Docker;
  let executor: ContainerExecutor;

  beforeAll(async () => {
    docker = await Docker.start();
    executor = new ContainerExecutor({ address: engineAddress({ DOCKER_HOST: docker.host }), image: IMAGE, directory: process.cwd() });
  });
  afterAll(async () => {
    await executor?.close();
    await docker?.stop();
  });
  afterEach(async () => {
    await executor.idle();
    const left = await docker.containers();
    for (const { Id } of left) await docker.call('DELETE', `/containers/${Id}?force=1`);
    expect(left.map(({ Command }) => Command)).toEqual([]);
  });

  test('reports its exit code, and stdout and stderr apart', async () => {
    const result = await run(executor, 'echo to out; echo to err >&2; exit 3');
    expect(result).toMatchObject({ exit: { kind: 'exited', code: 3 }, stdout: 'to out\n', stderr: 'to err\n' });
  });

  test('reports the number of the signal that ended it', async () => {
    expect((await run(executor, 'kill -9 $$')).exit).toEqual({ kind: 'signalled', signal: 9 });
  });

  test('mounts its folder at the same path and works in it', async () => {
    const directory = temporaryFolder();
    const { stdout, exit } = await run(executor, 'pwd; echo here > file; id -u', { directory });
    expect({ stdout, exit }).toEqual({ stdout: `${directory}\n${process.getuid?.()}\n`, exit: { kind: 'exited', code: 0 } });
  });

  test('delivers its outputs byte for byte', async () => {
    const { stdout, stderr } = await run(
      executor,
      "printf '\\377\\000\\r\\n\\201'; head -c 300000 /dev/zero | tr '\\0' x; printf '\\376no end' >&2",
    );
    expect(stdout).toBe(`\xff\0\r\n\x81${'x'.repeat(300_000)}`);
    expect(stderr).toBe('\xfeno end');
  });

  test('receives its command byte for byte', async () => {
    const odd = Buffer.concat([
      Buffer.from("printf '%s' '"),
      Buffer.from([0xff, 0xe9, 0x80, 0x25, 0x5c]),
      Buffer.from('\' "$(echo "it\'s")"'),
    ]);
    expect((await run(executor, odd)).stdout).toBe("\xff\xe9\x80%\\it's");
  });

  test('stops while its output is not consumed', async () => {
    let taken = 0;
    let go = (): void => undefined;
    const output = async (_stream: string, bytes: Buffer) => {
      taken += bytes.length;
      if (taken === bytes.length) await new Promise<void>(resolve => (go = resolve));
    };
    const directory = temporaryFolder();
    const running = run(executor, 'head -c 30000000 /dev/zero; touch all', { directory, output });
    await setTimeout(1500);
    expect(existsSync(`${directory}/all`)).toBe(false);
    go();
    expect((await running).exit).toEqual({ kind: 'exited', code: 0 });
    expect(taken).toBe(30_000_000);
  });

  test('sees the variables of its task and of env=, and none of the runner', async () => {
    process.env.RUNMAKER_TEST_OWN = 'own';
    const command = 'env #: env=FIRST=1 env=RUNMAKER_TEST_OWN env=GIVEN=x=y';
    const { stdout } = await run(executor, command, { environment: { RUNMAKER_JOB: '7', CUDA_VISIBLE_DEVICES: '1' } });
    const found = stdout.trim().split('\n').sort();
    expect(found).toEqual(expect.arrayContaining(['FIRST=1', 'RUNMAKER_TEST_OWN=own', 'GIVEN=x=y', 'RUNMAKER_JOB=7']));
    expect(found.map(line => line.split('=')[0])).not.toContain('CUDA_VISIBLE_DEVICES');
    expect(found.map(line => line.split('=')[0])).not.toContain('HISTFILE');
    delete process.env.RUNMAKER_TEST_OWN;
  });

  test('mounts folders for volume=, repeated ones as well, and ro makes them read-only', async () => {
    const folder = temporaryFolder();
    const { stdout, exit } = await run(
      executor,
      `touch /a/x; ls /b; touch /b/y || echo refused #: volume=${folder}:/a volume=${folder}:/b:ro`,
    );
    expect({ stdout, exit }).toEqual({ stdout: 'x\nrefused\n', exit: { kind: 'exited', code: 0 } });
  });

  test('is ended when it exceeds the memory of its share, and the message says so', async () => {
    const { exit } = await run(executor, "x=$(head -c 200000000 /dev/zero | tr '\\0' x); echo $x", {
      share: { needs: { mem: 2 ** 25 }, gpus: [] },
    });
    expect(exit).toMatchObject({ kind: 'killed', reason: expect.stringContaining('out of memory: it needed more than its limit, 32M') });
  });

  test('is limited to the CPUs, memory without swap, and processes of its share, and cannot gain privileges', async () => {
    const task = taskOf('sleep 60', { share: { needs: { cpus: 0.5, mem: 2 ** 26 }, gpus: [] } });
    const execution = await executor.start(task);
    const { HostConfig, Config } = JSON.parse(await docker.call('GET', `/containers/${execution.handle}/json`));
    expect(HostConfig).toMatchObject({ NanoCpus: 5e8, Memory: 2 ** 26, MemorySwap: 2 ** 26, PidsLimit: 4096, Init: true });
    expect(HostConfig.SecurityOpt).toEqual(['no-new-privileges:true']);
    expect(Config.Labels).toMatchObject({ 'runmaker.queue': task.queue, 'runmaker.job': '1', 'runmaker.attempt': '1' });
    execution.kill('SIGKILL');
    expect(await execution.exit).toEqual({ kind: 'signalled', signal: 9 });
    await execution.forget?.();
  });

  test('receives TERM in all of its processes, and ends at once if they heed it', async () => {
    const directory = temporaryFolder();
    const command = `sh -c 'trap "echo child; exit" TERM; touch ready; while :; do sleep 0.1; done' & trap 'wait; echo parent; exit 5' TERM; wait`;
    let printed = '';
    const collect: Task['output'] = (_, bytes) => {
      printed += bytes;
    };
    const execution = await executor.start(taskOf(command, { directory, output: collect }));
    await eventually('it is ready', () => existsSync(`${directory}/ready`));
    execution.kill('SIGTERM');
    expect(await execution.exit).toEqual({ kind: 'exited', code: 5 });
    expect(printed).toMatch(/child\n.*parent\n/s);
    await execution.forget?.();
  });

  test.each([
    ['an image that is not there', 'true #: image=127.0.0.1:1/nothing:1', /image 127\.0\.0\.1:1\/nothing:1 cannot be pulled: .*refused/],
    ['an image with an impossible name', 'true #: image=UPPER', /invalid reference format/],
    ['a volume that is not there', 'true #: volume=/nowhere/at/all:/a', /bind source path does not exist: \/nowhere\/at\/all/],
    ['a network that is not there', 'true #: network=nosuch', /network nosuch not found/],
    ['less memory than an engine gives', 'true #: mem=1M', /[Mm]inimum memory limit/],
  ])('reports %s in the words of the engine', async (_, command, message) => {
    const share = { needs: taskOf(command).job.directives.needs, gpus: [] };
    await expect(run(executor, command, { share })).rejects.toMatchObject({ code: 'start', message: expect.stringMatching(message) });
  });

  test('reports a missing program, which is not an exit of the job', async () => {
    const { exit } = await run(executor, 'some "two words" #: entrypoint=/nosuch');
    expect(exit).toEqual({ kind: 'lost', reason: 'the container could not run /nosuch: No such file or directory' });
    expect((await run(executor, 'nosuch')).exit).toEqual({ kind: 'exited', code: 127 });
  });

  test('passes the words of the command to entrypoint=', async () => {
    const { stdout } = await run(executor, `one 'two  words' "3"#: #: entrypoint=echo`);
    expect(stdout).toBe('one two  words 3#:\n');
    await expect(run(executor, 'a | b #: entrypoint=echo')).rejects.toMatchObject({ code: 'start' });
  });

  test('is reported as lost when its container is removed from outside', async () => {
    const execution = await executor.start(taskOf('sleep 60'));
    await docker.call('DELETE', `/containers/${execution.handle}?force=1`);
    expect(await execution.exit).toEqual({ kind: 'lost', reason: 'its container was removed from outside' });
    await execution.forget?.();
  });

  test('stops waiting when it is abandoned, even if unread output is pending', async () => {
    const execution = await executor.start(taskOf('yes', { output: () => new Promise(() => undefined) }));
    execution.abandon();
    expect(await execution.exit).toMatchObject({ kind: 'lost' });
    await execution.forget?.();
  });

  test('is found by its queue from another executor, which follows it from the beginning to its exit', async () => {
    const directory = temporaryFolder();
    const task = taskOf('echo before; until [ -e go ]; do sleep 0.05; done; echo after; exit 3', { directory, queue: '/q/runs.txt' });
    const first = await executor.start(task);
    await first.detach?.();
    const other = new ContainerExecutor({ address: engineAddress({ DOCKER_HOST: docker.host }), image: IMAGE, directory });
    expect(await other.survivors('/another.txt')).toEqual([]);
    const [survivor] = await other.survivors('/q/runs.txt');
    expect(survivor).toMatchObject({ handle: first.handle, job: '1', print: commandDigest(task.job.command) });
    let printed = '';
    const collect: Task['output'] = (_, bytes) => {
      printed += bytes;
    };
    const second = await other.attach(first.handle, { ...task, output: collect });
    await eventually('what came before is there', () => printed === 'before\n');
    writeFileSync(`${directory}/go`, '');
    expect(await second?.exit).toEqual({ kind: 'exited', code: 3 });
    expect(printed).toBe('before\nafter\n');
    const third = await other.attach(first.handle, task);
    expect(await third?.exit).toEqual({ kind: 'exited', code: 3 });
    await third?.forget?.();
    expect(await other.attach(first.handle, task)).toBeUndefined();
    await other.close();
  });

  test('is ended when its claim is lost', async () => {
    const first = await executor.start(taskOf('sleep 60', { queue: '/lost.txt' }));
    await first.detach?.();
    const other = new ContainerExecutor({ address: engineAddress({ DOCKER_HOST: docker.host }), image: IMAGE, directory: '/' });
    for (const survivor of await other.survivors('/lost.txt')) await survivor.end();
    await other.close();
  });
});
