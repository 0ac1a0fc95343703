import { spawnSync } from 'node:child_process';

/** What keeps a host on which the programs are installed from running a Docker Engine for tests; undefined when nothing does. */
export function obstacleToDocker(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can start an engine: run the tests as root';
  // What containers are made of. Inside a container there often is no right to make them.
  const { status } = spawnSync('unshare', ['--mount', '--pid', '--net', '--uts', '--ipc', '--fork', 'true']);
  return status === 0 ? undefined : 'no namespaces can be made here, as inside most containers: run the tests on a host of their own';
}
