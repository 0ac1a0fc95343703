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

/** What is the same for all containers of a runner. */
export interface Surroundings {
  /** Where jobs run whose queue does not say. */
  readonly directory: string;
  /** `1000:1000`; undefined: the image's. */
  readonly user: string | undefined;
  readonly groups: readonly string[];
  /** The runner's own environment, for `env=NAME`. */
  readonly environment: NodeJS.ProcessEnv;
  readonly engine: EngineInfo;
}

/** The runner's user and groups: what jobs leave in mounted folders belongs to it, as after a shell job. */
export function ownUser(): Pick<Surroundings, 'user' | 'groups'> {
  if (!process.getuid || !process.getgid) return { user: undefined, groups: [] };
  return { user: `${process.getuid()}:${process.getgid()}`, groups: (process.getgroups?.() ?? []).map(String) };
}

/**
 * The container for a task.
 * @throws RunmakerError `start` for a command that no container can be given
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
      // Passes signals on, and reaps what is left in the background; alone, a shell as process 1 would heed no TERM.
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

/** By a shell of the image, whose own entry point is not used; or by the given program, which gets the words of the command. */
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
  // The devices that are given to a container count from 0 in it, and there are no others: nothing is left to choose.
  const { CUDA_VISIBLE_DEVICES: _, ...given } = environment;
  const asked = env.flatMap(({ name, value = own[name] }) => (value === undefined ? [] : [[name, value] as const]));
  // So that the init process hands TERM to all processes of the job, as a shell job's group gets it.
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
    // An engine refuses more CPUs than there are, which a runner that was told so may give.
    ...(cpus && { NanoCpus: Math.round(Math.min(cpus, NCPU) * NANO) }),
    // The same for memory and swap together: no swap.
    ...(mem && { Memory: mem, MemorySwap: mem }),
    ...(share.gpus.length > 0 && { DeviceRequests: [{ Driver: '', DeviceIDs: [...share.gpus], Capabilities: [['gpu']] }] }),
  };
}
