import { setTimeout } from 'node:timers/promises';
import { LIST_FILES, type Lists, printList, readList } from '../../../compat/distribute/lists.js';
import { MESSAGES } from '../../../compat/distribute/words.js';
import { RunmakerError } from '../../../errors.js';
import { runnerIn, runnerTrailer } from '../branch/commit-message.js';
import { commitsBetween, readCommit } from '../branch/history.js';
import { GitFailure } from '../plumbing/failure.js';
import type { Author, CommitPlan } from '../plumbing/import-stream.js';
import type { GitObject, Objects } from '../plumbing/objects.js';
import type { Remote } from '../plumbing/remote.js';
import { LockTurns } from './lock-turns.js';
import { Retry } from './retry.js';

/** The lists as of one commit of the main branch. */
export interface ListsNow extends Lists {
  readonly commit: string;
}

/** The new lists, and what is committed with them. */
export interface Change {
  readonly lists: Lists;
  readonly message: string;
  /** Merged in the same commit. */
  readonly beside?: Pick<CommitPlan, 'merged' | 'tree'>;
}

/** The decision about the lists: a change, none, or not yet. */
type Decision = Change | 'nothing' | 'wait';

/** Another worker has taken over our lock. */
class LockLost extends Error {}

/** The lists on the main branch of the remote: read, locked, and changed by commits. */
export class SharedLists {
  private readonly turns = new LockTurns();
  private known: string | undefined;
  private count = 0;

  /**
   * @param name of the worker, for the lock · @param patience how long to wait for the lock and for the remote, in ms
   */
  constructor(
    private readonly remote: Remote,
    private readonly objects: Objects,
    private readonly author: Author,
    private readonly name: string,
    private readonly patience: number,
  ) {}

  /** @throws RunmakerError `queue` when the remote cannot be reached in time */
  read(): Promise<ListsNow> {
    return new Retry(this.remote.url, this.patience).until(() => this.look());
  }

  /** Reads them without patience. @throws GitFailure also */
  private async look(): Promise<ListsNow> {
    await this.remote.fetch(false, 0);
    const head = await this.objects.read(this.remote.seenBranch);
    if (head === undefined) throw new Error(`${this.remote.seenBranch} is not there after it was fetched`);
    await this.noteOthers(head);
    const text = async (file: string): Promise<string | undefined> =>
      (await this.objects.read(`${head.name}:${file}`))?.content.toString('utf8');
    const jobs = await text(LIST_FILES.jobs);
    return {
      commit: head.name,
      jobs: readList(jobs ?? ''),
      ...(jobs === undefined && { noJobsFile: true }),
      running: readList((await text(LIST_FILES.running)) ?? ''),
      done: readList((await text(LIST_FILES.done)) ?? ''),
      lock: ((await text(LIST_FILES.lock)) ?? '').trim(),
    };
  }

  /** Notes which workers have committed since the last look, so that they get their turn with the lock. */
  private async noteOthers(head: GitObject): Promise<void> {
    const before = this.known;
    this.known = head.name;
    if (before === undefined || before === head.name) return;
    const commits = await commitsBetween(this.remote, this.objects, before, head, false);
    for (const { message, committer } of commits.length === 0 ? [readCommit(head)] : commits) {
      const runner = runnerIn(message);
      if (runner !== this.remote.runner) this.turns.saw(runner ?? committer, runner !== undefined);
    }
  }

  /**
   * Waits until no other worker changes the lists, and locks them during `prepare`. Then one commit writes the lists that `decide` returns
   * and the end of the lock; `decide` is called again when others have committed in spite of the lock, and the whole starts over when
   * another worker has the lock by then. If `prepare` returns undefined, or one of them throws, only the end of the lock is written.
   * @param sent receives the names of pushed commits: should this throw, one of them may have landed nevertheless
   * @returns the commit
   */
  async locked<T>(
    prepare: (lists: ListsNow) => Promise<T | undefined>,
    decide: (lists: ListsNow, prepared: T) => Promise<Change>,
    sent?: string[],
  ): Promise<string> {
    const retry = new Retry(this.remote.url, this.patience);
    for (;;) {
      await setTimeout(this.turns.pause);
      await this.lock();
      const began = performance.now();
      try {
        return await this.whileLocked(prepare, decide, sent);
      } catch (error) {
        if (!(error instanceof LockLost)) throw error;
        if (retry.over) throw this.notInTime(error.message);
      } finally {
        this.turns.held(performance.now() - began);
      }
    }
  }

  private async lock(): Promise<void> {
    await this.change(async lists => {
      const free = lists.lock === '' || lists.lock === this.name;
      return free ? { lists: { ...lists, lock: this.name }, message: MESSAGES.lock(this.name) } : 'wait';
    });
  }

  private async unlock(patience?: number): Promise<string> {
    const decide = async (lists: ListsNow): Promise<Decision> =>
      lists.lock === this.name ? { lists: { ...lists, lock: '' }, message: MESSAGES.unlock(this.name) } : 'nothing';
    return await this.change(decide, patience);
  }

  /** @throws LockLost */
  private async whileLocked<T>(
    prepare: (lists: ListsNow) => Promise<T | undefined>,
    decide: (lists: ListsNow, prepared: T) => Promise<Change>,
    sent?: string[],
  ): Promise<string> {
    try {
      const prepared = await prepare(await this.read());
      if (prepared === undefined) return await this.unlock();
      const decided = async (now: ListsNow): Promise<Change> => {
        if (now.lock !== this.name) throw new LockLost(now.lock);
        const change = await decide(now, prepared);
        return { ...change, lists: { ...change.lists, lock: '' } };
      };
      return await this.change(decided, this.patience, sent);
    } catch (error) {
      // The first failure is the relevant one. An unreachable remote is not waited for twice.
      const outOfReach = error instanceof RunmakerError && error.code === 'queue' && error.cause instanceof GitFailure;
      await this.unlock(outOfReach ? 0 : undefined).catch(() => undefined);
      throw error;
    }
  }

  /** Whether the commit with this message was the one that took the job. As of the last look. */
  async wasTaken(job: string, message: string): Promise<boolean> {
    const line = `^[[:space:]]*${job.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}[[:space:]]*$`;
    const change = ['--no-patch', '--first-parent', '--diff-merges=first-parent', '--pickaxe-regex', `-S${line}`, this.remote.seenBranch];
    return (await this.remote.git.text(['log', '-1', '--format=%s', ...change, '--', LIST_FILES.running])) === message;
  }

  /** Which of some commits of ours is in the history of the lists. */
  async landed(lists: ListsNow, commits: readonly string[]): Promise<string | undefined> {
    for (const commit of commits) if (await this.isIn(lists.commit, commit)) return commit;
    return undefined;
  }

  /** Changes the lists by a function's decision; calls it again while it answers `wait`, and when another push is faster. */
  private async change(decide: (lists: ListsNow) => Promise<Decision>, patience = this.patience, sent: string[] = []): Promise<string> {
    const retry = new Retry(this.remote.url, patience);
    for (;;) {
      let held: string;
      try {
        const now = await this.look();
        // A push that has failed may have landed all the same.
        const landed = await this.landed(now, sent);
        if (landed !== undefined) return landed;
        const decision = await decide(now);
        if (decision === 'nothing') return now.commit;
        if (decision !== 'wait') {
          const commit = await this.commit(now.commit, decision);
          sent.push(commit);
          if (await this.push(commit, now.commit)) return commit;
        }
        held = now.lock;
      } catch (error) {
        await retry.afterFailure(error);
        continue;
      }
      if (retry.over) throw this.notInTime(held);
      await retry.rest();
    }
  }

  private notInTime(holder: string): RunmakerError {
    return new RunmakerError('queue', `the lists could not be changed in time${holder === '' ? '' : `: ${holder} has the lock`}`, {
      hint: `if that worker is gone, empty ${LIST_FILES.lock} and push it`,
    });
  }

  /** Makes the commit upon another one that has these lists. */
  private async commit(parent: string, { lists, message, beside = {} }: Change): Promise<string> {
    const content: Record<keyof typeof LIST_FILES, string> = {
      jobs: printList(lists.jobs),
      running: printList(lists.running),
      done: printList(lists.done),
      lock: lists.lock === '' ? '' : `${lists.lock}\n`,
    };
    const written = (Object.keys(LIST_FILES) as (keyof typeof LIST_FILES)[]).filter(
      list => list !== 'jobs' || !lists.noJobsFile || lists.jobs.length > 0,
    );
    const files = written.map(list => ({
      path: LIST_FILES[list],
      mode: '100644',
      content: Buffer.from(content[list]),
    }));
    const trailer = runnerTrailer(this.remote.runner, ++this.count);
    const [commit] = await this.remote.commit([{ message: `${message}\n\n${trailer}\n`, parent, files, ...beside }], this.author);
    if (commit === undefined) throw new Error('git fast-import named no commit');
    return commit;
  }

  /** Whether a commit has landed; it has not when another push was faster. */
  private async push(commit: string, parent: string): Promise<boolean> {
    try {
      return (await this.remote.push([{ ref: `refs/heads/${this.remote.branch}`, commit, instead: parent }])).kind === 'landed';
    } catch (error) {
      // Only the remote can tell whether it has landed.
      const head = error instanceof GitFailure ? await this.look().catch(() => undefined) : undefined;
      if (head !== undefined && (await this.isIn(head.commit, commit))) return true;
      throw error;
    }
  }

  private async isIn(head: string, commit: string): Promise<boolean> {
    return head === commit || (await this.remote.between(commit, head)).length > 0;
  }
}
