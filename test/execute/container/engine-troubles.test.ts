import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ContainerExecutor } from '../../../src/execute/container/container-executor.js';
import { engineAddress } from '../../../src/execute/container/engine/address.js';
import type { Task, TaskNotice } from '../../../src/execute/executor.js';
import { Workbench } from '../../support/bench.js';
import { busyboxImage, Docker, IMAGE } from '../../support/engine/docker.js';
import { Registry } from '../../support/engine/registry.js';
import { eventually, isOpenAfter } from '../../support/eventually.js';
import { startProgram } from '../../support/programs.js';
import { taskOf } from '../../support/task.js';
import { temporaryFolder } from '../../support/temporary.js';

describe('an engine', { tags: ['docker', 'slow'], timeout: 60_000 }, () => {
  let docker: Docker;
  let executor: ContainerExecutor;
  let notices: TaskNotice[] = [];
  let printed = '';

  const tell = (notice: TaskNotice): void => void notices.push(notice);
  const output: Task['output'] = (_, bytes) => {
    printed += bytes;
  };

  beforeAll(async () => {
    docker = await Docker.start(['--live-restore']);
    executor = new ContainerExecutor({ address: engineAddress({ DOCKER_HOST: docker.host }), image: IMAGE, directory: '/tmp' });
  });
  afterAll(async () => {
    await executor?.close();
    await docker?.stop();
  });
  afterEach(async () => {
    notices = [];
    printed = '';
    await executor.idle();
    const left = await docker.containers();
    for (const { Id } of left) await docker.call('DELETE', `/containers/${Id}?force=1`);
    expect(left.map(({ Command }) => Command)).toEqual([]);
  });

  test.each(['SIGTERM', 'SIGKILL'] as const)('that is ended by %s and started again loses and repeats no output of a job', async signal => {
    const directory = temporaryFolder();
    const wait = (file: string): string => `until [ -e ${file} ]; do sleep 0.05; done`;
    const command = `echo one; ${wait('down')}; echo two; ${wait('up')}; echo three; exit 3`;
    const execution = await executor.start(taskOf(command, { directory, output, tell }));
    await eventually('it has begun', () => printed === 'one\n');
    await docker.down(signal);
    writeFileSync(`${directory}/down`, '');
    await setTimeout(300);
    await docker.up();
    writeFileSync(`${directory}/up`, '');
    expect(await execution.exit).toEqual({ kind: 'exited', code: 3 });
    expect(printed).toBe('one\ntwo\nthree\n');
    expect(notices).toContainEqual(expect.objectContaining({ kind: 'warning', message: expect.stringContaining('does not answer') }));
    await execution.forget?.();
  });

  test('that is unreachable delays the start and the end of jobs, and fails none', async () => {
    const directory = temporaryFolder();
    const running = await executor.start(taskOf('sleep 60', { directory }));
    await docker.down();
    const starting = executor.start(taskOf('echo started', { directory, output }));
    running.kill('SIGTERM');
    expect(await isOpenAfter(Promise.race([starting, running.exit]), 1000)).toBe(true);
    await docker.up();
    expect(await running.exit).toEqual({ kind: 'signalled', signal: 15 });
    const started = await starting;
    expect(await started.exit).toEqual({ kind: 'exited', code: 0 });
    expect(printed).toBe('started\n');
    await Promise.all([running.forget?.(), started.forget?.()]);
  });

  test('that is unreachable does not delay an abandoned job', async () => {
    const execution = await executor.start(taskOf('sleep 60'));
    await docker.down();
    execution.kill('SIGKILL');
    execution.abandon();
    expect(await execution.exit).toMatchObject({ kind: 'lost' });
    await execution.forget?.();
    await docker.up();
  });

  test('that has never answered is given up soon', async () => {
    const other = new ContainerExecutor({
      address: engineAddress({ DOCKER_HOST: 'unix:///nowhere/docker.sock' }),
      image: IMAGE,
      directory: '/',
    });
    await expect(other.start(taskOf('true'))).rejects.toMatchObject({
      code: 'start',
      message: expect.stringContaining('the container engine at unix:///nowhere/docker.sock does not answer'),
    });
    expect(await other.survivors('/q')).toEqual([]);
    await other.close();
  });

  describe('without the image of a job', () => {
    let registry: Registry;
    beforeAll(async () => {
      registry = await Registry.start(busyboxImage(docker.folder));
    });
    afterEach(async () => {
      await executor.idle();
      registry.delay = 0;
      await docker.call('DELETE', `/images/${registry.image}?force=1`).catch(() => undefined);
      await docker.call('POST', '/images/prune?filters={"dangling":["false"]}').catch(() => undefined);
      if (!(await docker.call('GET', '/images/json')).includes(IMAGE)) await docker.importImage();
    });
    afterAll(async () => await registry?.stop());

    test('pulls it once for all waiting jobs, reports progress, and lets other jobs run meanwhile', async () => {
      registry.delay = 3000;
      const command = `echo pulled #: image=${registry.image}`;
      const waiting = [1, 2, 3].map(() => executor.start(taskOf(command, { output, tell })));
      const other = await executor.start(taskOf('true'));
      expect(await other.exit).toEqual({ kind: 'exited', code: 0 });
      expect(await isOpenAfter(Promise.race(waiting), 100)).toBe(true);
      const started = await Promise.all(waiting);
      expect(await Promise.all(started.map(one => one.exit))).toEqual(Array(3).fill({ kind: 'exited', code: 0 }));
      expect({ printed, sent: registry.layersSent }).toEqual({ printed: 'pulled\n'.repeat(3), sent: 1 });
      expect(notices.map(notice => notice.kind === 'progress' && notice.text)).toContain(`pulling ${registry.image}`);
      await Promise.all([other, ...started].map(one => one.forget?.()));
    });

    test('aborts a pull that exceeds its limit', async () => {
      registry.delay = 60_000;
      const hasty = new ContainerExecutor({ address: engineAddress({ DOCKER_HOST: docker.host }), directory: '/tmp', pullLimit: 1000 });
      const message = `image ${registry.image} could not be pulled within 1s`;
      await expect(hasty.start(taskOf(`true #: image=${registry.image}`))).rejects.toMatchObject({ code: 'start', message });
      await hasty.close();
    });

    test('does not delay a job that is interrupted', async () => {
      registry.delay = 60_000;
      const stop = new AbortController();
      const starting = executor.start(taskOf(`true #: image=${registry.image}`, { signal: stop.signal }));
      await setTimeout(300);
      stop.abort();
      await expect(starting).rejects.toMatchObject({ code: 'start', message: expect.stringContaining('interrupted') });
    });

    test('leaves a job unchanged if its runner is interrupted meanwhile and returns its jobs', async () => {
      registry.delay = 60_000;
      const bench = new Workbench(`. true #: image=${registry.image}\n`);
      const running = startProgram('runmaker', ['--requeue', bench.runs], { cwd: bench.folder, env: { DOCKER_HOST: docker.host } });
      await running.says(`pulling ${registry.image}`);
      running.signal('SIGINT');
      expect((await running.ended).status).toBe(130);
      expect(bench.states).toBe('.');
    });

    test("passes on the registry's error message", async () => {
      const missing = registry.image.replace(':1', ':2').replace('busybox', 'nothing');
      await expect(executor.start(taskOf(`true #: image=${missing}`))).rejects.toMatchObject({
        code: 'start',
        message: expect.stringMatching(/image \S+ cannot be pulled: .*manifest unknown/),
      });
    });
  });

  describe('without live-restore', () => {
    test('ends the containers when it restarts, which is reported as lost and not as a failure of the job', async () => {
      const mortal = await Docker.start();
      try {
        const directory = temporaryFolder();
        const other = new ContainerExecutor({ address: engineAddress({ DOCKER_HOST: mortal.host }), image: IMAGE, directory });
        const execution = await other.start(taskOf('touch ready; sleep 60'));
        await eventually('it has begun', () => existsSync(`${directory}/ready`));
        await mortal.down();
        await mortal.up();
        expect(await execution.exit).toMatchObject({ kind: 'lost', reason: expect.stringContaining('the container engine was stopped') });
        await execution.forget?.();
        await other.close();
        expect(await mortal.containers()).toEqual([]);
      } finally {
        await mortal.stop();
      }
    });
  });
});
