import type { Choose } from '../../../compat/distribute/choices.js';
import { addJobs, finishJob, LIST_FILES, returnJob, takeJob } from '../../../compat/distribute/lists.js';
import { branchOf, MESSAGES } from '../../../compat/distribute/words.js';
import { RunmakerError } from '../../../errors.js';
import type { Objects } from '../plumbing/objects.js';
import type { Remote } from '../plumbing/remote.js';
import type { ListsNow, SharedLists } from './shared-lists.js';
import type { WorkTree } from './work-tree.js';
import type { WorkerName } from './worker-name.js';
import { shown } from './worker-options.js';

interface Parts {
  readonly remote: Remote;
  readonly objects: Objects;
  readonly lists: SharedLists;
  readonly name: string;
  readonly registered: WorkerName;
  readonly tree: WorkTree;
  /** Releases the clone for another worker. */
  giveUp(): void;
}

/** The job that is worked on. */
interface Current {
  readonly job: string;
  readonly branch: string;
  /** The commit by which it was taken. */
  readonly began: string;
  /** Pushed commits, each of which finishes the job if it landed, which is unknown. */
  readonly sent: string[];
}

/** A job being taken, or given back, when the remote went away: once the remote is back, it shows which. */
interface Unsure {
  readonly job: string;
  readonly listed: boolean;
  /** Commits by which it would be taken. */
  readonly sent: readonly string[];
}

/** A worker with a clone of its own; gitWorker in open-worker.ts opens one. */
export class GitWorker {
  private readonly parts: Parts;
  private current: Current | undefined;
  private unsure: Unsure | undefined;

  constructor(parts: Parts) {
    this.parts = parts;
  }

  /** The clone. While there is a job, on its branch. */
  get path(): string {
    return this.parts.tree.path;
  }

  get name(): string {
    return this.parts.name;
  }

  /** What is worked on, or undefined. */
  get job(): string | undefined {
    return this.current?.job;
  }

  /**
   * Chooses a job while no other worker can choose, and starts a branch for it. First pushes what a killed predecessor left in the clone to
   * its own job's branch, unless `resume` was called.
   * @returns the job, or null when `choose` had none
   * @throws what `choose` throws; RunmakerError `usage` when there is a job already or the remote has a branch of the worker's name,
   *   `input` when changed files belong to no job or nothing can be checked out, `queue` when the lock could not be had in
   *   time. Then no job is taken; should one be because the remote went away just then, the next call returns it
   */
  async nextJob(choose: Choose): Promise<string | null> {
    if (typeof choose !== 'function') {
      throw new RunmakerError('usage', `${shown(choose)} cannot choose a job`, { hint: 'give nextJob a function: nextJob(queueJobs())' });
    }
    this.mustBeFree();
    const { lists, name, tree } = this.parts;
    await tree.mustBeWritable();
    await tree.mustBePushable();
    await tree.saveLeftovers();
    let chosen: string | null = null;
    let listed = false;
    let resumed = false;
    const sent: string[] = [];
    const commit = await lists.locked(
      async now => {
        const mine = await this.takenBefore(now);
        resumed = mine !== undefined;
        chosen = mine?.job ?? chosenFrom(await choose(now));
        if (chosen === null) return undefined;
        listed = mine?.listed ?? now.jobs.includes(chosen);
        // A failure with its files should come before the job is taken.
        await tree.beginJob(this.branchOf(chosen), now.commit);
        this.unsure = mine ?? { job: chosen, listed, sent };
        return chosen;
      },
      async (now, job) =>
        resumed ? { lists: now, message: MESSAGES.resume(name, job) } : { lists: takeJob(now, job), message: MESSAGES.take(name, job) },
      sent,
    );
    this.unsure = undefined;
    if (chosen === null) return null;
    const branch = this.branchOf(chosen);
    try {
      await tree.checkOut(branch, commit);
    } catch (error) {
      throw await this.giveBack({ job: chosen, listed, sent: [commit] }, error as Error);
    }
    this.current = { job: chosen, branch, began: commit, sent: [] };
    return chosen;
  }

  /**
   * Goes on with the job that a predecessor of this name was working on in this clone when it ended: the one on whose branch the clone
   * is, if it is still in running.txt by its hand. Files stay as they are; a merge that was begun may be brought to its end.
   * @returns the job, or null when there is none
   * @throws RunmakerError `usage` when there is a job already, `queue` when the remote cannot be reached in time
   */
  async resume(): Promise<string | null> {
    this.mustBeFree();
    const { lists, name, tree, remote } = this.parts;
    const now = await lists.read();
    const branch = await tree.branch();
    const job = now.running.find(running => this.branchOf(running) === branch);
    if (job === undefined || !(await lists.wasTaken(job, MESSAGES.take(name, job)))) return null;
    this.current = { job, branch, began: await tree.beginningOf(branch, remote.seenBranch), sent: [] };
    return job;
  }

  /**
   * Commits all that has changed in the clone, and pushes it to the job's branch.
   * @throws RunmakerError `input` while a merge in the clone is not resolved, or another repository lies in it
   */
  async commitUpdate(message: string): Promise<void> {
    if (typeof message !== 'string' || message.trim() === '') {
      throw new RunmakerError('usage', `${shown(message)} cannot be the message of a commit`, {
        hint: "say what it is: commitUpdate('halfway')",
      });
    }
    await this.parts.tree.save(this.mustHaveJob().branch, message);
  }

  /**
   * Commits and pushes what is left, merges the branch into the main one, and puts the job into done.txt. Jobs that were added to
   * jobs.txt on the branch come to the end of that of the main one; what else was changed in the lists there does not count.
   * @throws RunmakerError `queue` when the branch cannot be merged, naming the files: the job stays in running.txt and its branch is pushed.
   *   `input` while a merge in the clone is not resolved, or another repository lies in it: nothing is committed then. It can be called
   *   again
   */
  async finish(): Promise<void> {
    const current = this.mustHaveJob();
    const { job, branch, began } = current;
    const { lists, name, tree, remote } = this.parts;
    const ours = await tree.save(branch, MESSAGES.save(name, job));
    const sent: string[] = [];
    const finished = lists.locked(
      async () => ours,
      async now => {
        const merged = await tree.merge(now.commit, ours, branch);
        const added = addJobs(now, await tree.jobsAdded(began, now.commit, ours));
        const isDone = (await lists.landed(now, current.sent)) !== undefined;
        return {
          lists: isDone ? added : finishJob(added, job),
          message: MESSAGES.finish(name, job),
          beside: { merged: ours, tree: merged },
        };
      },
      sent,
    );
    const commit = await finished.catch((error: unknown) => {
      current.sent.push(...sent);
      throw error;
    });
    this.current = undefined;
    // The job is done whatever comes of this, and the next call reports what is wrong here.
    await tree.checkOut(remote.branch, commit).catch(() => undefined);
  }

  /** Gives up what the worker keeps open. The clone stays. */
  async close(): Promise<void> {
    try {
      await this.parts.registered.close();
      this.parts.objects.close();
      await this.parts.remote.close();
    } finally {
      this.parts.giveUp();
    }
  }

  /** Undoes the taking of a job. Returns the error to throw: why, and what has become of the job. */
  private async giveBack(taken: Unsure, reason: Error): Promise<Error> {
    const { lists, name } = this.parts;
    const { job } = taken;
    const known = reason instanceof RunmakerError ? reason : new RunmakerError('input', reason.message, { cause: reason });
    try {
      await lists.locked(
        async () => true,
        async now => ({ lists: returnJob(now, job, taken.listed), message: MESSAGES.giveBack(name, job) }),
      );
      return known;
    } catch {
      this.unsure = taken;
      return new RunmakerError(known.code, `${known.message}; and ${job} could not be given back`, {
        hint: `${known.hint ?? 'try again'}: ${job} comes first then. Without this worker, move it from ${LIST_FILES.running} to ${LIST_FILES.jobs} and push`,
        cause: reason,
      });
    }
  }

  /** A job that an earlier call took but never returned. */
  private async takenBefore(now: ListsNow): Promise<Unsure | undefined> {
    const { unsure } = this;
    if (unsure === undefined || !now.running.includes(unsure.job)) return undefined;
    return (await this.parts.lists.landed(now, unsure.sent)) === undefined ? undefined : unsure;
  }

  private branchOf(job: string): string {
    return branchOf(this.parts.name, job);
  }

  private mustBeFree(): void {
    this.parts.registered.mustBeOurs();
    if (this.current) throw new RunmakerError('usage', `${this.current.job} is not finished yet`, { hint: 'await worker.finish() first' });
  }

  private mustHaveJob(): Current {
    if (this.current) return this.current;
    throw new RunmakerError('usage', 'there is no job at hand', {
      hint: 'await worker.nextJob(choose) first, or worker.resume() to go on with the one that was left in this clone',
    });
  }
}

/** The answer of `choose` as a job. @throws RunmakerError `usage` when it is none */
function chosenFrom(answer: string | null): string | null {
  const job = answer ?? '';
  if (typeof job === 'string' && !job.trim().includes('\n')) return job.trim() || null;
  throw new RunmakerError('usage', `${shown(job)} was chosen, and a job is one line of text`, {
    hint: 'let choose return a string without line ends, or null',
  });
}
