import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { RunmakerError } from '../../errors.js';
import type { Job } from '../../job/job.js';
import { outlook, pick } from '../../job/readiness.js';
import { jobMatcher, type Selection } from '../../job/selection.js';
import { type Counts, isSettableState, State } from '../../job/state.js';
import type { Capabilities, ClaimRequest, ClaimResult, ClaimStatistics, Queue, SetResult } from '../queue.js';
import { Advisor } from './advisor.js';
import { appendJobs } from './append.js';
import { explain } from './explain.js';
import { jitter } from './lock-bytes.js';
import type { LockableFile, LockDriver } from './locks/lock-driver.js';
import { patiently } from './patience.js';
import { planJobs } from './plan.js';
import { PresenceKeeper } from './presence-keeper.js';
import { readJobs } from './read-jobs.js';
import { isInHand, reclaimOrphans } from './reclaim.js';
import type { RunsFile } from './runs-file.js';
import { setStates } from './set.js';
import { Syncer } from './syncer.js';
import { take } from './take.js';
import { FileView } from './view.js';

/** So many lines locked at the same time are not locked one by one: somebody has a lock on the whole file. */
const MOST_BUSY = 8;
/** Rounds over lines that others hold locked before saying that there is nothing to do but wait. */
const BUSY_ROUNDS = 20;

/** How long to keep trying while the file cannot be reached, in ms. */
const DEFAULT_PATIENCE = 60_000;
/** Between two looks after the presence of claims, in ms. Leases of network locks last longer than this. */
const KEEP_INTERVAL = { local: 1000, network: 5000 };

/** Lines that were found to have moved, one after the other, before there is a pause: somebody is editing. */
const PATIENT_MOVES = 3;

/** A text file as a queue: a line is a job, its first character the state. */
export class FileQueue implements Queue {
  readonly address: string;
  readonly capabilities: Capabilities;
  private readonly runs: RunsFile;
  private readonly tally = { won: 0, lost: 0, busy: 0 };
  private readonly advisor: Advisor;
  /** Where locks have never worked, it is of no use to wait for them to work again. */
  private locksWork: boolean;

  constructor(
    readonly name: string,
    private readonly driver: LockDriver,
    { patience = DEFAULT_PATIENCE, trustAny = false }: { patience?: number | undefined; trustAny?: boolean | undefined } = {},
  ) {
    this.address = path.resolve(name);
    this.advisor = new Advisor(name, trustAny);
    this.capabilities = { presence: driver.presence };
    this.locksWork = driver.staleLooks;
    const keeper = new PresenceKeeper(driver.staleLooks ? KEEP_INTERVAL.network : KEEP_INTERVAL.local);
    this.runs = { path: name, driver, view: new FileView(name, driver), syncer: new Syncer(name, driver), keeper, patience };
  }

  get claims(): ClaimStatistics {
    return { ...this.tally };
  }

  claim(request: ClaimRequest): Promise<ClaimResult> {
    return this.explained(() => this.claimNext(request), request.signal);
  }

  async *jobs(selection: Selection = {}): AsyncGenerator<readonly Job[]> {
    const matches = jobMatcher(selection);
    try {
      const file = await this.driver.open(this.name, 'look');
      try {
        for await (const { jobs } of readJobs(file)) {
          const chosen = jobs.filter(matches);
          if (this.driver.presence) {
            for (const job of chosen) if (isInHand(job.state)) job.holder = await this.holderOf(file, job);
          }
          if (chosen.length > 0) yield chosen;
        }
      } finally {
        await file.close();
      }
    } catch (error) {
      throw explain(this.name, error);
    }
  }

  async *plan(request: ClaimRequest): AsyncGenerator<readonly Job[]> {
    try {
      yield* planJobs(this.runs, request);
    } catch (error) {
      throw explain(this.name, error);
    }
  }

  counts(): Promise<Counts> {
    return this.explained(async () => {
      const { view } = this.runs;
      await view.look();
      const index = await view.index();
      const byState = index.countStates();
      const of = (state: string): number => byState[state.charCodeAt(0)] as number;
      const total = byState.reduce((sum, count) => sum + count, 0);
      const counts = {
        new: of(State.new),
        claimed: of(State.claimed),
        running: of(State.running),
        done: of(State.done),
        failed: of(State.failed),
        error: of(State.error),
      };
      const known = Object.values(counts).reduce((sum, count) => sum + count, 0);
      return { ...counts, held: total - known, total, blocked: index.mayBlock ? outlook(index, {}).blocked : 0 };
    });
  }

  set(selection: Selection, state: State, { force = false } = {}): Promise<SetResult> {
    return this.explained(async () => {
      if (!isSettableState(state)) {
        throw new RunmakerError('usage', `${JSON.stringify(state)} is not a state`, {
          hint: 'a state is one printable character other than # and /: . new, d done, ! failed, e error, - held',
        });
      }
      return await setStates(this.runs, selection, state, force);
    });
  }

  append(commands: readonly Buffer[], { state = State.new }: { state?: State } = {}): Promise<void> {
    return this.explained(() => appendJobs(this.runs, commands, state));
  }

  reclaim(): Promise<readonly Job[]> {
    return this.explained(() => reclaimOrphans(this.runs));
  }

  get seen(): number {
    return this.runs.view.version;
  }

  changed(signal: AbortSignal, since = this.seen): Promise<void> {
    const { view } = this.runs;
    return this.explained(async () => {
      while (view.version === since) {
        await setTimeout(view.pause(), undefined, { signal });
        await view.look();
      }
    }, signal);
  }

  close(): Promise<void> {
    return this.explained(async () => {
      await this.runs.syncer.close().finally(() => this.driver.close?.());
    });
  }

  private async claimNext(request: ClaimRequest): Promise<ClaimResult> {
    const { view } = this.runs;
    const busy = new Set<number>();
    let busyRounds = 0;
    let moves = 0;
    for (;;) {
      request.signal?.throwIfAborted();
      const index = await view.index();
      const { version } = view;
      this.advisor.advise(view, index, request);
      const choice = pick(index, request, busy);
      if (busy.size === MOST_BUSY || (busy.size > 0 && choice.kind !== 'ready')) {
        busy.clear();
        if (++busyRounds > BUSY_ROUNDS) return { kind: 'waiting', for: 'others' };
        await setTimeout(jitter());
      } else if (choice.kind === 'ready') {
        const taken = await take(this.runs, index, choice.line);
        this.locksWork = true;
        if (taken.kind === 'claimed') {
          this.tally.won++;
          return taken;
        }
        if (taken.kind === 'busy') {
          this.tally.busy++;
          busy.add(choice.line);
        } else if (taken.kind === 'lost') {
          this.tally.lost++;
        } else {
          view.forget();
          await view.look();
          if (++moves > PATIENT_MOVES) await setTimeout(jitter());
        }
      } else {
        // Somebody else's look may have shown what this one does not any more.
        await view.lookInTurn(request.signal);
        if (view.version === version) return choice;
      }
    }
  }

  /** Undefined when the job ended between the two looks. */
  private async holderOf(file: LockableFile, job: Job): Promise<Job['holder']> {
    if (!(await file.isFree(job.offset + 1, 1))) return 'present';
    const state = Buffer.alloc(1);
    await file.read(state, job.offset);
    return isInHand(state.toString('latin1')) ? 'absent' : undefined;
  }

  private async explained<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    try {
      return await patiently(this.locksWork ? this.runs.patience : 0, work, signal);
    } catch (error) {
      if (error instanceof Error && error.name === 'AbortError') throw error;
      throw explain(this.name, error);
    }
  }
}
