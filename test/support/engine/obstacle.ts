import { spawnSync } from 'node:child_process';

/** Why a host with the programs installed cannot run a Docker Engine for tests; undefined when it can. */
export function obstacleToDocker(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can start an engine: run the tests as root';
  // The building blocks of containers, which are often not permitted inside a container.
  const { status } = spawnSync('unshare', ['--mount', '--pid', '--net', '--uts', '--ipc', '--fork', 'true']);
  return status === 0 ? undefined : 'no namespaces can be made here, as inside most containers: run the tests on a host of their own';
}
