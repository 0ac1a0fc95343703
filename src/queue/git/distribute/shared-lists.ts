import { LIST_FILES, type Lists, printList, readList } from '../../../compat/distribute/lists.js';
import { RunmakerError } from '../../../errors.js';
import { GitFailure } from '../plumbing/failure.js';
import type { Author, CommitPlan } from '../plumbing/import-stream.js';
import type { Objects } from '../plumbing/objects.js';
import type { Remote } from '../plumbing/remote.js';
import { Retry } from './retry.js';

/** The lists as of one commit of the main branch. */
export interface ListsNow extends Lists {
  readonly commit: string;
}

/** Lists as they are to be, and what is committed with them. */
export interface Change {
  readonly lists: Lists;
  readonly message: string;
  /** What is merged in the same commit. */
  readonly beside?: Pick<CommitPlan, 'merged' | 'tree'>;
}

/** The lists on the main branch of the remote: read, locked, and changed by commits. */
export class SharedLists {
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

  /** @throws RunmakerError `input` when there is no jobs.txt, `queue` when the remote cannot be reached in time */
  read(): Promise<ListsNow> {
    return new Retry(this.remote.url, this.patience).until(() => this.look());
  }

  /** Reads them without patience. @throws GitFailure also */
  private async look(): Promise<ListsNow> {
    await this.remote.fetch(false, 0);
    const head = await this.objects.read(this.remote.seenBranch);
    if (head === undefined) throw new Error(`${this.remote.seenBranch} is not there after it was fetched`);
    const text = async (file: string): Promise<string | undefined> =>
      (await this.objects.read(`${head.name}:${file}`))?.content.toString('utf8');
    const jobs = await text(LIST_FILES.jobs);
    if (jobs === undefined) {
      throw new RunmakerError('input', `there is no ${LIST_FILES.jobs} on the branch ${this.remote.branch}`, {
        hint: 'commit one, a job a line; the other lists are made when they are needed',
      });
    }
    return {
      commit: head.name,
      jobs: readList(jobs),
      running: readList((await text(LIST_FILES.running)) ?? ''),
      done: readList((await text(LIST_FILES.done)) ?? ''),
      lock: ((await text(LIST_FILES.lock)) ?? '').trim(),
    };
  }

  /**
   * Waits until nobody changes the lists, and keeps others from it while `prepare` lasts. Then what `decide` makes of the lists is written
   * together with the lock's end; `decide` is asked again when somebody has committed in spite of the lock. Nothing but the lock's end is
   * written when `prepare` returns undefined, or one of them throws.
   * @param sent is given the names of commits that were pushed: should this throw, one of them may have landed all the same
   * @returns the commit
   */
  async locked<T>(
    prepare: (lists: ListsNow) => Promise<T | undefined>,
    decide: (lists: ListsNow, prepared: T) => Promise<Change>,
    sent?: string[],
  ): Promise<string> {
    await this.change(async lists => {
      const free = lists.lock === '' || lists.lock === this.name;
      return free ? { lists: { ...lists, lock: this.name }, message: `${this.name}: lock` } : undefined;
    });
    const unlock = (patience?: number): Promise<string> =>
      this.change(async lists => ({ lists: { ...lists, lock: '' }, message: `${this.name}: unlock` }), patience);
    try {
      const prepared = await prepare(await this.read());
      if (prepared === undefined) return await unlock();
      const decided = async (now: ListsNow): Promise<Change> => {
        const change = await decide(now, prepared);
        return { ...change, lists: { ...change.lists, lock: '' } };
      };
      return await this.change(decided, this.patience, sent);
    } catch (error) {
      // What went wrong first is what matters. Who has waited for the remote in vain has waited enough.
      const outOfReach = error instanceof RunmakerError && error.code === 'queue' && error.cause instanceof GitFailure;
      await unlock(outOfReach ? 0 : undefined).catch(() => undefined);
      throw error;
    }
  }

  /** Whether it was the commit with this message that has put a job among those that run. As of the last look. */
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

  /** Changes the lists by what a function makes of them; while it returns undefined, or somebody else is faster, it is asked again. */
  private async change(
    decide: (lists: ListsNow) => Promise<Change | undefined>,
    patience = this.patience,
    sent: string[] = [],
  ): Promise<string> {
    const tries = new Retry(this.remote.url, patience);
    for (;;) {
      let held: string;
      try {
        const now = await this.look();
        // Its push has failed, and may have come through all the same: twice would be wrong.
        const landed = await this.landed(now, sent);
        if (landed !== undefined) return landed;
        const change = await decide(now);
        const commit = change && (await this.commit(now.commit, change));
        if (commit !== undefined) {
          sent.push(commit);
          if (await this.push(commit, now.commit)) return commit;
        }
        held = now.lock;
      } catch (error) {
        await tries.bear(error);
        continue;
      }
      if (tries.over) {
        throw new RunmakerError('queue', `the lists could not be changed in time${held === '' ? '' : `: ${held} has the lock`}`, {
          hint: `if that worker is gone, empty ${LIST_FILES.lock} and push it`,
        });
      }
      await tries.rest();
    }
  }

  /** Makes the commit upon another one that has these lists. */
  private async commit(parent: string, { lists, message, beside = {} }: Change): Promise<string> {
    const content: Record<keyof Lists, string> = {
      jobs: printList(lists.jobs),
      running: printList(lists.running),
      done: printList(lists.done),
      lock: lists.lock === '' ? '' : `${lists.lock}\n`,
    };
    const files = (Object.keys(LIST_FILES) as (keyof Lists)[]).map(list => ({
      path: LIST_FILES[list],
      mode: '100644',
      content: Buffer.from(content[list]),
    }));
    const [commit] = await this.remote.commit([{ message: `${message}\n`, parent, files, ...beside }], this.author);
    if (commit === undefined) throw new Error('git fast-import named no commit');
    return commit;
  }

  /** Whether a commit has landed; it has not when somebody else was faster. */
  private async push(commit: string, parent: string): Promise<boolean> {
    try {
      return (await this.remote.push([{ ref: `refs/heads/${this.remote.branch}`, commit, instead: parent }])).kind === 'landed';
    } catch (error) {
      // Whether it has landed is for the remote to say.
      const head = error instanceof GitFailure ? await this.look().catch(() => undefined) : undefined;
      if (head !== undefined && (await this.isIn(head.commit, commit))) return true;
      throw error;
    }
  }

  private async isIn(head: string, commit: string): Promise<boolean> {
    return head === commit || (await this.remote.between(commit, head)).length > 0;
  }
}
