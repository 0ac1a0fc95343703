/*
 * file/: a text file as a queue. reading/ looks at it, claiming/ takes jobs and finishes them, presence/ proves that their owners are
 * alive, states/ makes all other changes, locks/ are the three lock drivers, doctor/ tells whether a file is safe to share.
 */
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { errnoName, type RunmakerError } from '../../errors.js';
import type { Job } from '../../job/job.js';
import { jobMatcher, type Selection } from '../../job/selection.js';
import { type Counts, State } from '../../job/state.js';
import { refuseUnsettable } from '../commands.js';
import type {
  Capabilities,
  Claim,
  ClaimRequest,
  ClaimResult,
  ClaimStatistics,
  Queue,
  ReclaimRequest,
  SetOptions,
  SetResult,
} from '../queue.js';
import { adoptOrphans } from './claiming/adopt-orphans.js';
import { refuseToReclaim } from './claiming/claim-notices.js';
import { Claimer } from './claiming/claimer.js';
import { explain } from './explain-error.js';
import type { LockableFile, LockDriver } from './locks/lock-driver.js';
import { freshen } from './locks/try-lock.js';
import { type Limits, patiently } from './patience.js';
import { AbsenceTracker } from './presence/absence-tracker.js';
import { findHolders } from './presence/find-holders.js';
import { PresenceKeeper } from './presence/presence-keeper.js';
import { countJobs } from './reading/count-jobs.js';
import { FileView } from './reading/file-view.js';
import { planJobs } from './reading/plan-jobs.js';
import { printJobs } from './reading/print-jobs.js';
import { readJobs } from './reading/read-jobs.js';
import type { RunsFile } from './runs-file.js';
import { JobAppender } from './states/append-jobs.js';
import { DiskSync } from './states/disk-sync.js';
import { reclaimOrphans } from './states/reclaim-orphans.js';
import { setStates } from './states/set-states.js';
import { StaleSaves } from './states/stale-saves.js';
import { StateWriter } from './states/state-writer.js';

/** How long to keep trying while the file cannot be reached, in ms. */
const DEFAULT_PATIENCE = 60_000;
/** Why a file that can be read cannot be opened for writing. */
const READ_ONLY = new Set(['EACCES', 'EPERM', 'EROFS']);
/** Looks for orphans that are so far apart know nothing of each other, in ms: twice as far as anybody lets them be. */
const MEMORY = 25_000;
/** Between two looks after the presence of claims, in ms. Leases of network locks last longer than this. */
const KEEP_INTERVAL = { local: 1000, network: 5000 };

/** So many intervals after an edit all runners have seen it. */
const SETTLING = 1.3;

/** How a file is worked on. Times in ms. */
export interface FileQueueOptions {
  readonly patience?: number | undefined;
  readonly trustAny?: boolean | undefined;
  /** Why it is not known whether locks keep other hosts out; absent where they do. */
  readonly unproven?: string | undefined;
}

/** A text file as a queue: a line is a job, its first character the state. */
export class FileQueue implements Queue {
  readonly address: string;
  readonly capabilities: Capabilities;
  private readonly runs: RunsFile;
  private readonly claimer: Claimer;
  private readonly unproven: string | undefined;
  private reclaims: Promise<unknown> = Promise.resolve();

  constructor(
    readonly name: string,
    private readonly driver: LockDriver,
    { patience = DEFAULT_PATIENCE, trustAny = false, unproven }: FileQueueOptions = {},
  ) {
    this.address = path.resolve(name);
    const interval = driver.staleLooks ? KEEP_INTERVAL.network : KEEP_INTERVAL.local;
    const keeper = new PresenceKeeper(interval, () => this.lookForStaleSaves());
    const staleSaves = new StaleSaves(interval * SETTLING);
    this.capabilities = { presence: driver.presence, ...(driver.presence && { presenceReturns: keeper.settled }) };
    this.runs = {
      path: name,
      driver,
      view: new FileView(name, driver, (line, state) => staleSaves.saw(line, state)),
      staleSaves,
      writer: new StateWriter(name),
      syncer: new DiskSync(name, driver, patience),
      keeper,
      absences: new AbsenceTracker(keeper.settled, MEMORY),
      patience,
    };
    this.unproven = unproven;
    this.claimer = new Claimer(this.runs, { trustAny, unproven });
  }

  get claims(): ClaimStatistics {
    return { ...this.claimer.tally };
  }

  claim(request: ClaimRequest): Promise<ClaimResult> {
    const { tell, signal } = request;
    if (tell) this.runs.writer.tell = tell;
    return this.explained(() => this.claimer.next(request), { signal, forRoom: true });
  }

  async *jobs(selection: Selection = {}): AsyncGenerator<readonly Job[]> {
    const matches = jobMatcher(selection);
    yield* this.looking(async function* (file, queue) {
      for await (const { jobs } of readJobs(file)) {
        const chosen = jobs.filter(matches);
        await findHolders(queue.runs, file, chosen);
        if (chosen.length > 0) yield chosen;
      }
    });
  }

  async *text(selection: Selection = {}): AsyncGenerator<Buffer> {
    yield* this.looking((file, queue) =>
      printJobs(file, selection, queue.capabilities.presence, jobs => findHolders(queue.runs, file, jobs)),
    );
  }

  async *plan(request: ClaimRequest): AsyncGenerator<readonly Job[]> {
    try {
      yield* planJobs(this.runs, request);
    } catch (error) {
      throw this.inWords(error);
    }
  }

  counts({ known = false }: { known?: boolean } = {}): Promise<Counts> {
    return this.explained(() => countJobs(this.runs.view, known));
  }

  barriers(): Promise<readonly number[]> {
    return this.explained(async () => {
      await this.runs.view.look();
      return (await this.runs.view.index()).barriers;
    });
  }

  set(selection: Selection, state: State, { force = false, tell }: SetOptions = {}): Promise<SetResult> {
    return this.explained(async () => {
      refuseUnsettable(state);
      if (tell) this.runs.writer.tell = tell;
      return await setStates(this.runs, { selection, state, force, tell });
    });
  }

  async append(commands: readonly Buffer[], { state = State.new }: { state?: State } = {}): Promise<void> {
    const addition = new JobAppender(this.runs, commands, state);
    await this.explained(() => addition.make());
  }

  reclaim({ signal, tell }: ReclaimRequest = {}): Promise<readonly Job[]> {
    if (tell) this.runs.writer.tell = tell;
    if (this.unproven !== undefined) return Promise.reject(refuseToReclaim(this.name, this.unproven));
    // One after the other: each look begins where the last one ended.
    const result = this.reclaims.then(async () => {
      const reclaimed: Job[] = [];
      await this.explained(() => reclaimOrphans(this.runs, reclaimed, signal), { signal });
      return reclaimed;
    });
    this.reclaims = result.catch(() => undefined);
    return result;
  }

  adopt(selection?: Selection): Promise<readonly Claim[]> {
    return this.explained(() => adoptOrphans(this.runs, selection));
  }

  get seen(): number {
    return this.runs.view.version + this.claimer.reminder.count;
  }

  get layout(): string {
    return String(this.runs.view.generation);
  }

  changed(signal: AbortSignal, since = this.seen): Promise<void> {
    const { view } = this.runs;
    return this.explained(
      async () => {
        while (this.seen === since) {
          await setTimeout(view.pause(), undefined, { signal });
          await view.look();
          this.claimer.reminder.look();
        }
      },
      { signal },
    );
  }

  async close(): Promise<void> {
    try {
      await this.runs.syncer.close().finally(() => this.driver.close?.());
    } catch (error) {
      throw this.inWords(error);
    }
  }

  /** Runners that are busy look for edits, too: others must not take for new what was saved as new by mistake. */
  private async lookForStaleSaves(): Promise<void> {
    await this.runs.view.lookWhenBusy();
    await this.runs.staleSaves.putRight(this.runs);
  }

  private async *looking<T>(read: (file: LockableFile, queue: this) => AsyncGenerator<T>): AsyncGenerator<T> {
    try {
      const file = await this.openToList();
      try {
        await freshen(file, this.driver, this.name);
        yield* read(file, this);
      } finally {
        await file.close();
      }
    } catch (error) {
      throw this.inWords(error);
    }
  }

  /** Over a network only a descriptor for writing tells for sure who is present. Not everybody who may read has one. */
  private async openToList(): Promise<LockableFile> {
    if (!this.driver.staleLooks) return await this.driver.open(this.name, 'look');
    try {
      return await this.driver.open(this.name, 'change');
    } catch (error) {
      if (!READ_ONLY.has(errnoName(error) ?? '')) throw error;
      return await this.driver.open(this.name, 'look');
    }
  }

  private async explained<T>(work: () => Promise<T>, limits: Limits = {}): Promise<T> {
    try {
      const patience = this.driver.staleLooks || this.claimer.locksWork ? this.runs.patience : 0;
      return await patiently(patience, work, { ...limits, wasThere: this.runs.view.wasSeen });
    } catch (error) {
      if (error instanceof Error && error.name === 'AbortError') throw error;
      throw this.inWords(error);
    }
  }

  private inWords(error: unknown): RunmakerError {
    return explain(this.name, error, this.claimer.locksWork);
  }
}
