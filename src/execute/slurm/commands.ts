import { execFile } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { RunmakerError } from '../../errors.js';
import { COLUMNS, type ElementState, readStates } from './states.js';

/** A Slurm command's answer. `status` is undefined if the command was ended because it took too long. */
interface Answer {
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** The relevant parts of Slurm's configuration. */
export interface Limits {
  /** Most elements of one array. */
  readonly arraySize: number;
}

/** The result of a submission. `unknown`: the answer was lost, and the array may exist or not. */
export type Submitted =
  | { readonly kind: 'submitted'; readonly id: string }
  /** Slurm refuses it. `passing`: it may accept it later, such as when fewer jobs are queued. */
  | { readonly kind: 'refused'; readonly message: string; readonly passing: boolean }
  | { readonly kind: 'unknown'; readonly message: string };

/** A command without an answer for this long, in ms, is ended: slurmctld is away or overloaded. */
const LONGEST = 60_000;
/** Between two pings of a slurmctld that is away, in ms. */
const PING_PAUSE = 2000;
/** Ids in one call of scancel. */
const IDS_AT_ONCE = 500;

/** Words in refusals that depend on what else is queued: all other refusals are permanent. */
const PASSING =
  /QOSMax|AssocMax|AssocGrp|QOSGrp|MaxSubmit|job submit limit|MaxJobCount|try again|temporarily|Unable to contact|Connection/i;

/**
 * Runs Slurm's commands, one of each kind at a time, and at a limited rate: slurmctld serves all users of a cluster, and each call costs it
 * the same.
 */
export class SlurmCommands {
  private readonly turns = new Map<string, Promise<unknown>>();

  /** @param rate calls of each command per second */
  constructor(private readonly rate: number) {}

  /** @throws RunmakerError `usage` if Slurm's commands are not installed, `queue` if slurmctld does not answer */
  async limits(): Promise<Limits> {
    const { status, stdout, stderr } = await this.call('scontrol', ['show', 'config']);
    if (status !== 0) {
      throw new RunmakerError('queue', `Slurm does not answer: ${stderr.trim() || 'scontrol show config took too long'}`, {
        hint: 'see whether slurmctld is up: scontrol ping',
      });
    }
    return { arraySize: Number(/^MaxArraySize\s*=\s*(\d+)/m.exec(stdout)?.[1] ?? 1001) };
  }

  async submit(args: readonly string[]): Promise<Submitted> {
    const { status, stdout, stderr } = await this.call('sbatch', ['--parsable', ...args]);
    const [, id] = /^(\d+)(?:;\S+)?\s*$/m.exec(stdout) ?? [];
    if (id !== undefined) return { kind: 'submitted', id };
    const message = stderr.trim().replace(/^sbatch: (?:error: )?/gm, '') || 'sbatch said nothing';
    if (status === undefined) return { kind: 'unknown', message: `sbatch took more than ${LONGEST / 1000} s` };
    if (/timed out|Unexpected message|Zero Bytes/i.test(message)) return { kind: 'unknown', message };
    return { kind: 'refused', message, passing: PASSING.test(message) };
  }

  /** All that Slurm knows about the arrays with these job names, ended elements included. Waits while slurmctld is away. */
  async states(names: readonly string[], signal?: AbortSignal): Promise<readonly ElementState[]> {
    const args = ['--noheader', '--array', '--states=all', `--name=${names.join(',')}`, `--Format=${COLUMNS}`];
    for (;;) {
      const { status, stdout } = await this.call('squeue', args);
      if (status === 0) return readStates(stdout);
      await this.controller(signal);
    }
  }

  /** Settles when slurmctld answers. @throws the signal's reason */
  async controller(signal?: AbortSignal): Promise<void> {
    do {
      await pause(PING_PAUSE, undefined, { signal });
    } while (!/is UP/.test((await this.call('scontrol', ['ping'])).stdout));
  }

  /** Sends TERM to all processes of started elements. Others stay in the queue. */
  terminate(elements: readonly string[]): Promise<void> {
    return this.scancel(elements, ['--signal=TERM', '--full']);
  }

  /** Ends elements at once, or removes them from the queue. Not with --state=PENDING: in Slurm 22.05 that removes the whole array. */
  cancel(elements: readonly string[]): Promise<void> {
    return this.scancel(elements, []);
  }

  private async scancel(elements: readonly string[], how: readonly string[]): Promise<void> {
    for (let at = 0; at < elements.length; at += IDS_AT_ONCE) {
      await this.call('scancel', ['--quiet', ...how, ...elements.slice(at, at + IDS_AT_ONCE)]);
    }
  }

  private call(program: string, args: readonly string[]): Promise<Answer> {
    const before = this.turns.get(program) ?? Promise.resolve();
    const answer = before.then(() => run(program, args));
    const turn = answer.then(
      () => pause(1000 / this.rate, undefined, { ref: false }),
      () => undefined,
    );
    this.turns.set(program, turn);
    return answer;
  }
}

function run(program: string, args: readonly string[]): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { timeout: LONGEST, killSignal: 'SIGKILL', maxBuffer: 256 * 1024 * 1024 } as const;
    execFile(program, args, options, (error, stdout, stderr) => {
      if (error && error.code === ('ENOENT' as never)) {
        const message = `Slurm's command ${program} is not there`;
        reject(new RunmakerError('usage', message, { hint: 'run this where jobs are submitted, such as a login node', cause: error }));
        return;
      }
      const status = error ? (typeof error.code === 'number' ? error.code : undefined) : 0;
      resolve({ status, stdout, stderr });
    });
  });
}
