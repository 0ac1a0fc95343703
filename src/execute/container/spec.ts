import process from 'node:process';
import { RunmakerError } from '../../errors.js';
import type { ContainerNeeds, Volume } from '../../job/container.js';
import { withoutDirectives } from '../../job/directive-mark.js';
import { splitWords } from '../../job/shell-words.js';
import type { Task } from '../executor.js';
import { scriptFor } from '../script.js';
import type { ContainerSpec, EngineInfo } from './engine/replies.js';

/** Processes and threads in one container. */
const MOST_PROCESSES = 4096;
const NANO = 1e9;

/** Common to all containers of a runner. */
export interface Surroundings {
  /** Where jobs run if their queue names no folder. */
  readonly directory: string;
  /** `1000:1000`; undefined: the image's. */
  readonly user: string | undefined;
  readonly groups: readonly string[];
  /** The runner's own environment, for `env=NAME`. */
  readonly environment: NodeJS.ProcessEnv;
  readonly engine: EngineInfo;
}

/** The runner's user and groups: files that jobs leave in mounted folders belong to them, as after a shell job. */
export function ownUser(): Pick<Surroundings, 'user' | 'groups'> {
  if (!process.getuid || !process.getgid) return { user: undefined, groups: [] };
  return { user: `${process.getuid()}:${process.getgid()}`, groups: (process.getgroups?.() ?? []).map(String) };
}

/**
 * The container for a task.
 * @throws RunmakerError `start` for a command that cannot be passed to a container
 */
export function specFor(
  task: Task,
  needs: ContainerNeeds & { image: string },
  labels: Record<string, string>,
  around: Surroundings,
): ContainerSpec {
  const directory = task.directory ?? around.directory;
  return {
    Image: needs.image,
    ...commandFor(task, needs.entrypoint),
    Env: environmentFor(task, needs, around.environment),
    WorkingDir: directory,
    User: around.user ?? '',
    Labels: labels,
    HostConfig: {
      // Forwards signals and reaps background processes; a shell as process 1 would ignore TERM.
      Init: true,
      SecurityOpt: ['no-new-privileges:true'],
      GroupAdd: around.groups,
      PidsLimit: MOST_PROCESSES,
      Mounts: [{ source: directory, target: directory, readOnly: false }, ...needs.volumes].map(volume => mountOf(volume, directory)),
      ...limitsFor(task, around.engine),
      ...(needs.network !== undefined && { NetworkMode: needs.network }),
    },
  };
}

/** By a shell of the image, without its entry point; or by the given program, which receives the words of the command. */
function commandFor({ job }: Task, entrypoint: string | undefined): Pick<ContainerSpec, 'Entrypoint' | 'Cmd'> {
  if (entrypoint === undefined) return { Entrypoint: ['/bin/sh', '-c'], Cmd: [scriptFor(job.command)] };
  return { Entrypoint: [entrypoint], Cmd: wordsOf(job.command) };
}

function wordsOf(command: Buffer): string[] {
  try {
    return splitWords(withoutDirectives(command).toString('utf8'), 'in the command of a job with entrypoint=');
  } catch (error) {
    if (!(error instanceof RunmakerError)) throw error;
    throw new RunmakerError('start', error.message, { cause: error });
  }
}

function environmentFor({ environment }: Task, { env }: ContainerNeeds, own: NodeJS.ProcessEnv): string[] {
  // A container's own devices count from 0 in it, and it sees no others: there is nothing left to choose.
  const { CUDA_VISIBLE_DEVICES: _, ...given } = environment;
  const asked = env.flatMap(({ name, value = own[name] }) => (value === undefined ? [] : [[name, value] as const]));
  // Makes the init process pass TERM to all processes of the job, as to a shell job's group.
  const all = { TINI_KILL_PROCESS_GROUP: '1', ...given, ...Object.fromEntries(asked) };
  return Object.entries(all).map(([name, value]) => `${name}=${value}`);
}

function mountOf({ source, target, readOnly }: Volume, directory: string): Record<string, unknown> {
  const isPath = /^\.{0,2}(\/|$)/.test(source);
  const path = source.startsWith('/') ? source : `${directory}/${source}`;
  return isPath
    ? { Type: 'bind', Source: path, Target: target, ReadOnly: readOnly }
    : { Type: 'volume', Source: source, Target: target, ReadOnly: readOnly };
}

function limitsFor({ share }: Task, { NCPU }: EngineInfo): Record<string, unknown> {
  const { cpus, mem } = share.needs;
  return {
    // An engine refuses more CPUs than it has; a runner that was configured so may grant them.
    ...(cpus && { NanoCpus: Math.round(Math.min(cpus, NCPU) * NANO) }),
    // The same for memory and swap together: no swap.
    ...(mem && { Memory: mem, MemorySwap: mem }),
    ...(share.gpus.length > 0 && { DeviceRequests: [{ Driver: '', DeviceIDs: [...share.gpus], Capabilities: [['gpu']] }] }),
  };
}
