import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { obstacleToDocker } from './engine/obstacle.js';

/** Administrators' programs may be missing from PATH. */
export const SEARCH_PATH = `${process.env.PATH ?? ''}${delimiter}/usr/sbin${delimiter}/sbin`;

/** Whether a program can be started by its name. */
export function isInstalled(program: string): boolean {
  return SEARCH_PATH.split(delimiter).some(folder => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Tests by duration. The tiers of package.json exclude them: test:fast both, test the long ones. */
export const BY_TIME = [
  { name: 'slow', description: 'waits for seconds, or starts many processes: not in test:fast' },
  { name: 'long', description: 'takes more than a few seconds, or tries much at random: in test:all only' },
];

/** Tests that need programs which not every host has: tag, what they test, and the Debian package of each program. */
export const BY_NEED: readonly {
  readonly name: string;
  readonly of: string;
  readonly programs: Readonly<Record<string, string>>;
  /** Other obstacles to running them, where the programs exist. */
  readonly obstacle?: () => string | undefined;
}[] = [
  { name: 'redis', of: 'queues in Redis', programs: { 'redis-server': 'redis-server' } },
  {
    name: 'docker',
    of: 'jobs in containers',
    programs: { dockerd: 'docker.io', containerd: 'containerd', busybox: 'busybox-static' },
    obstacle: obstacleToDocker,
  },
  {
    name: 'slurm',
    of: 'jobs under Slurm',
    programs: { slurmctld: 'slurmctld', slurmd: 'slurmd', sbatch: 'slurm-client', munged: 'munge' },
  },
  { name: 'ssh', of: 'ssh', programs: { sshd: 'openssh-server', ssh: 'openssh-client' } },
  { name: 'parallel', of: 'job logs shared with GNU parallel', programs: { parallel: 'parallel' } },
];

/** Why tests with this tag cannot run here, with a remedy; undefined when they can. */
export function whatIsMissingFor({ programs, obstacle }: (typeof BY_NEED)[number]): string | undefined {
  const missing = Object.keys(programs).filter(program => !isInstalled(program));
  if (missing.length === 0) return obstacle?.();
  const packages = [...new Set(missing.map(program => programs[program]))].join(' ');
  return `${missing.join(', ')} missing; on Debian: apt-get install --no-install-recommends ${packages}`;
}

/** For vitest's configuration: skips tests with a tag of BY_NEED where a program is missing. */
export const tags = [
  ...BY_TIME,
  ...BY_NEED.map(need => ({
    name: need.name,
    description: `${need.of}: needs ${Object.keys(need.programs).join(', ')}`,
    ...(whatIsMissingFor(need) !== undefined && { skip: true }),
  })),
];
