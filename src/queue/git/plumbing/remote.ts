import { setTimeout } from 'node:timers/promises';
import { forgetHalfMade, HALF_MADE } from './broken-worktrees.js';
import { SEEN, WORK } from './clone.js';
import { explainFailure, GitFailure, nothingThere } from './failure.js';
import type { Git, GitOptions } from './git.js';
import { type Author, type CommitPlan, importStream } from './import-stream.js';

/** Files of up to this size come with every fetch, in bytes; larger ones on demand. */
const SMALL = 65_536;
/** How often a fetch is tried while another process makes a worktree in the same clone, and the most ms by which each pause grows. */
const MOST_TRIES = 8;
const HALF_MADE_PAUSE = 100;
/** Messages of servers and of git itself when another push was faster. */
const BEATEN =
  /\[rejected\]|fetch first|non-fast-forward|stale info|failed to update ref|cannot lock ref|incorrect old value|reference already exists|atomic/;

/** Messages of servers that refuse the content of a push: a file that is too large, or a malformed object. */
const UNWELCOME = /unpacker error|unpack failed|exceeds maximum allowed size|exceeds GitHub's|HTTP 413|error: 413/;

/** Whether the remote has refused a push, perhaps because of its content. */
export function isRefusedPush(error: unknown): error is GitFailure {
  return error instanceof GitFailure && error.command === 'push' && (error.kind === 'protected' || UNWELCOME.test(error.stderr));
}

/** A change of a ref of the remote. */
export interface RefChange {
  readonly ref: string;
  /** Undefined: the ref is removed. */
  readonly commit: string | undefined;
  /** Only if it is at this commit now: compare and swap. */
  readonly instead?: string | undefined;
  /** Nothing else changes the ref: no comparison is needed. */
  readonly own?: boolean;
}

/** The result of a push: it landed whole, or not at all because another one was faster or holds a lock. */
export type Pushed = { readonly kind: 'landed' } | { readonly kind: 'beaten'; readonly failure: GitFailure };

/** How long a push may show no progress. */
export type PushLimits = Pick<GitOptions, 'silence'>;

/** One branch of a remote, through a clone of ours: fetches it, and changes it by compare and swap. */
export class Remote {
  private readonly seen: string;
  private readonly work: string;
  /** Whether the remote is known to change several refs atomically. Nearly all do. */
  atomic = true;
  private filter: string | undefined;
  private fetched = false;

  /**
   * @param url as git takes it
   * @param runner the name of this handle
   */
  constructor(
    readonly git: Git,
    readonly url: string,
    readonly branch: string,
    readonly runner: string,
  ) {
    this.seen = `${SEEN}${runner}/`;
    this.work = `${WORK}${runner}/`;
    // From a disk everything is fetched at once: that costs less than two requests.
    this.filter = /^(?:file:|\/)/.test(url) ? undefined : 'blob:none';
  }

  /** The ref of our clone for the branch as last fetched. */
  get seenBranch(): string {
    return `${this.seen}branch`;
  }

  /**
   * Fetches the branch, and on request all leases.
   * @param size of the queue's file, in bytes
   */
  async fetch(leases: boolean, size: number): Promise<void> {
    const args = ['fetch', '--no-tags', '--no-write-fetch-head', '--update-shallow', '--force'];
    // The first fetch would bring the files of all history.
    if (this.filter) args.push(`--filter=${this.fetched ? `blob:limit=${Math.max(SMALL, 2 * size)}` : this.filter}`);
    args.push('origin', `refs/heads/${this.branch}:${this.seenBranch}`);
    if (leases) args.push('--prune', `refs/runmaker/*:${this.seen}leases/*`);
    let { status, stderr } = await this.git.attempt(args);
    for (let tries = 1; status !== 0 && HALF_MADE.test(stderr) && tries < MOST_TRIES; tries++) {
      await forgetHalfMade(this.git.directory);
      await setTimeout(Math.random() * tries * HALF_MADE_PAUSE);
      ({ status, stderr } = await this.git.attempt(args));
    }
    if (status !== 0) throw new GitFailure('fetch', stderr);
    this.fetched = true;
    if (this.filter && stderr.includes('filtering not recognized')) await this.unfilter();
  }

  /** The leases that were fetched: the name of the ref, the commit, its message. */
  async leases(): Promise<{ ref: string; commit: string; message: string }[]> {
    const folder = `${this.seen}leases/`;
    const text = await this.git.text(['for-each-ref', '--format=%(refname)%00%(objectname)%00%(contents)%00', folder]);
    const fields = text.split('\0');
    const leases: { ref: string; commit: string; message: string }[] = [];
    for (let at = 0; at + 2 < fields.length; at += 3) {
      const [name = '', commit = '', message = ''] = fields.slice(at, at + 3);
      leases.push({ ref: `refs/runmaker/${name.trim().slice(folder.length)}`, commit, message });
    }
    return leases;
  }

  /** The commits that lead from one to another, the later one included; none when the one is not in the other's history. */
  async between(from: string, to: string): Promise<string[]> {
    const text = await this.git.text(['rev-list', '--reverse', '--topo-order', '--ancestry-path', `${from}..${to}`]);
    return text === '' ? [] : text.split('\n');
  }

  /**
   * Makes commits, in one go and here only. Returns their names.
   * @param kind tells commits that are made at the same time apart
   */
  async commit(plans: readonly Omit<CommitPlan, 'ref'>[], author: Author, kind = ''): Promise<string[]> {
    const named = plans.map((plan, at) => ({ ...plan, ref: `${this.work}${kind}${at}` }));
    const input = importStream(named, author, Math.floor(Date.now() / 1000));
    return (await this.git.text(['fast-import', '--quiet', '--force', '--done', '--date-format=raw'], { input })).split('\n');
  }

  /**
   * Changes refs of the remote, all or none. If the remote cannot do that, the branch comes last: a lease may name a job that is not
   * claimed, but no claim may be without its lease.
   * @param limits `silence`: how long it may show no progress, in ms · @throws GitFailure when that failed; something may have changed even
   *   so
   */
  async push(changes: readonly RefChange[], limits: PushLimits = {}): Promise<Pushed> {
    if (this.atomic || changes.length === 1) return await this.pushTogether(changes, limits);
    const before = await this.push(changes.slice(0, -1), limits);
    return before.kind === 'landed' ? await this.pushTogether(changes.slice(-1), limits) : before;
  }

  private async pushTogether(changes: readonly RefChange[], limits: PushLimits): Promise<Pushed> {
    const args = ['push', '--porcelain', '--no-verify', ...(this.atomic ? ['--atomic'] : [])];
    for (const { ref, instead } of changes) if (instead !== undefined) args.push(`--force-with-lease=${ref}:${instead}`);
    args.push('origin', ...changes.map(({ ref, commit, own }) => `${own ? '+' : ''}${commit ?? ''}:${ref}`));
    const { status, stdout, stderr } = await this.git.attempt(args, limits);
    if (status === 0) return { kind: 'landed' };
    if (this.atomic && stderr.includes('does not support --atomic')) {
      this.atomic = false;
      return await this.push(changes, limits);
    }
    const refusals = stdout
      .toString('utf8')
      .split('\n')
      .filter(line => line.startsWith('!'));
    const failure = new GitFailure('push', `${refusals.join('\n')}\n${stderr}`);
    if (refusals.some(line => BEATEN.test(line)) && !failure.needsSomebody) return { kind: 'beaten', failure };
    throw failure;
  }

  /** Removes the refs of this handle from the clone. */
  async close(): Promise<void> {
    const refs = await this.git.text(['for-each-ref', '--format=delete %(refname)', this.seen, this.work]);
    if (refs !== '') await this.git.attempt(['update-ref', '--stdin'], { input: Buffer.from(`${refs}\n`) });
    await this.git.attempt(['gc', '--auto', '--quiet'], { asUser: true });
  }

  private async unfilter(): Promise<void> {
    this.filter = undefined;
    for (const name of ['remote.origin.promisor', 'remote.origin.partialclonefilter', 'extensions.partialclone']) {
      await this.git.attempt(['config', '--unset', name]);
    }
  }
}

/**
 * The branch that a remote's HEAD names.
 * @throws RunmakerError `input` when the repository is empty or has none; the error of explainFailure when the remote cannot be asked
 */
export async function defaultBranch(git: Git, url: string): Promise<string> {
  const answer = await git.text(['ls-remote', '--symref', 'origin', 'HEAD']).catch((error: unknown) => {
    throw error instanceof GitFailure ? explainFailure(error, url) : error;
  });
  const branch = /^ref: refs\/heads\/(\S+)\s+HEAD$/m.exec(answer)?.[1];
  if (branch !== undefined) return branch;
  throw nothingThere(url);
}
