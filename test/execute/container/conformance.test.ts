import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest';
import { ContainerExecutor } from '../../../src/execute/container/container-executor.js';
import { engineAddress } from '../../../src/execute/container/engine/address.js';
import { executorConformance } from '../../conformance/executor-conformance.js';
import { Docker, IMAGE } from '../../support/engine/docker.js';

describe('by the API of a Docker Engine', { tags: ['docker', 'slow'] }, () => {
  let docker: Docker;
  const opened: ContainerExecutor[] = [];

  beforeAll(async () => {
    docker = await Docker.start();
  });
  afterAll(async () => await docker?.stop());
  afterEach(async () => {
    for (const executor of opened.splice(0)) await executor.close();
    expect(await docker.containers()).toEqual([]);
  });

  const make = (): ContainerExecutor => {
    const executor = new ContainerExecutor({
      address: engineAddress({ DOCKER_HOST: docker.host }),
      image: IMAGE,
      directory: process.cwd(),
    });
    opened.push(executor);
    return executor;
  };
  executorConformance('container', make, { shell: true, directory: '/tmp', crowd: 20, latency: 5000 });
});
