import { RunmakerError } from '../../../errors.js';
import type { DecidingPaths } from '../checkouts/results.js';
import type { QueueDocument, ReadDocument } from '../documents/document.js';
import { beatOf, hashOf, parseLease, silentLeases, unleasedJobs } from '../leases/lease.js';
import { LeaseExpiry, type LiveLease, type SeenLease } from '../leases/lease-expiry.js';
import type { Author, CommitPlan } from '../plumbing/import-stream.js';
import { type GitObject, Objects } from '../plumbing/objects.js';
import type { Pushed, RefChange, Remote } from '../plumbing/remote.js';
import { saysReclaimed } from './transaction.js';

/** So many paths or ranges fit on a command line. */
const AT_ONCE = 500;
/** So many commits are walked one by one. */
const SHORT_WAY = 50;

/** The queue as of one commit: what it says, or why that cannot be known. */
export interface Snapshot {
  readonly commit: string;
  /** Whether the commit says that it sets orphans back. */
  readonly reclaims?: boolean;
  readonly document: QueueDocument | undefined;
  /** The file is not there, or cannot be read. */
  readonly problem?: RunmakerError;
}

/** How the branch went on since the last look. */
export interface Move {
  /** The file as it could be read last before. */
  readonly from: QueueDocument | undefined;
  /** Each commit's snapshot in turn, or the last one's only. */
  readonly steps: readonly Snapshot[];
  /** What we knew is not in the branch's history any more. */
  readonly rewritten: boolean;
}

/** A queue's file on a branch of a remote: the last commit that is known, how it came to be, and the way to add one more. */
export class BranchStore {
  /** When what is known was true for certain: by performance.now(). */
  asOf = Number.NEGATIVE_INFINITY;
  private tip: Snapshot | undefined;
  private readonly objects: Objects;
  private readonly watch: LeaseExpiry;
  private changes: { readonly key: string; readonly commits: ReadonlyMap<number, string> } | undefined;
  private last: { readonly name: string; readonly document: QueueDocument } | undefined;

  /** @param file the path of the queue's file in the repository, `mode` as git knows it */
  constructor(
    readonly remote: Remote,
    readonly file: string,
    private readonly mode: string,
    private readonly format: ReadDocument,
    readonly author: Author,
  ) {
    this.objects = new Objects(remote.git);
    this.watch = new LeaseExpiry(`${remote.git.directory}/runmaker-leases-${hashOf(this.title)}.json`);
  }

  get now(): Snapshot {
    if (this.tip === undefined) throw new Error('nobody has looked yet');
    return this.tip;
  }

  /** `runs.txt on main` */
  get title(): string {
    return `${this.file} on ${this.remote.branch}`;
  }

  /**
   * Looks at the remote.
   * @param whole whether each commit on the way matters, or the last one only
   * @param leases whether to fetch them too
   */
  async look(whole: boolean, leases: boolean): Promise<Move> {
    const began = performance.now();
    const from = this.last?.document;
    await this.remote.fetch(leases, this.tip?.document?.bytes.length ?? 0);
    const head = await this.objects.read(this.remote.seenBranch);
    if (head === undefined) throw new Error(`${this.remote.seenBranch} is not there after it was fetched`);
    const before = this.tip;
    let move: Move = { from, steps: [], rewritten: false };
    if (before?.commit !== head.name) {
      const way = before === undefined ? [head.name] : await this.way(before.commit, head);
      const steps: Snapshot[] = [];
      const commits = way.length === 0 ? [head.name] : whole ? way : way.slice(-1);
      for (const commit of commits) steps.push({ ...(await this.read(commit)), reclaims: whole && (await this.reclaims(commit)) });
      this.tip = steps.at(-1) as Snapshot;
      move = { from, steps, rewritten: way.length === 0 };
    }
    this.asOf = began;
    return move;
  }

  /**
   * The leases of all runners, as of the last look that fetched them: those of this queue, by whether they still hold. Jobs of a program
   * that keeps none count as leased until they have not changed for `patience` (in ms).
   */
  async leases(patience: number): Promise<{ readonly alive: LiveLease[]; readonly expired: SeenLease[] }> {
    const leases: SeenLease[] = [];
    const seen = await this.remote.leases();
    const commits = new Map(seen.map(({ ref, commit }) => [ref, commit]));
    for (const { ref, commit, message } of seen) {
      const lease = parseLease(message);
      if (lease?.queue === this.title) leases.push({ ref, commit, beat: commits.get(beatOf(ref)), lease });
    }
    const silent = await this.silentLeases(leases, patience);
    const { alive, expired } = await this.watch.part([...leases, ...silent]);
    return { alive, expired: expired.filter(seen => !silent.includes(seen)) };
  }

  private async silentLeases(leases: readonly SeenLease[], patience: number): Promise<SeenLease[]> {
    const { document } = this.now;
    if (document?.silent === undefined) return [];
    const named = leases.map(({ lease }) => lease);
    const jobs = unleasedJobs(document, named);
    if (jobs.length === 0) return [];
    return silentLeases(this.title, document, jobs, await this.lastChanges(jobs.map(({ number }) => number)), patience);
  }

  /** The commits that changed some lines last. A job that was done and begun anew between two looks is told from one that went on. */
  private async lastChanges(lines: readonly number[]): Promise<ReadonlyMap<number, string>> {
    const { commit } = this.now;
    const key = `${commit} ${lines.join(',')}`;
    if (this.changes?.key !== key) {
      const commits = new Map<number, string>();
      for (let from = 0; from < lines.length; from += AT_ONCE) {
        const ranges = lines.slice(from, from + AT_ONCE).map(line => `-L${line},${line}`);
        const { stdout } = await this.remote.git.attempt(['blame', '--porcelain', ...ranges, commit, '--', this.file]);
        const found = stdout.toString('latin1').matchAll(/^([0-9a-f]{40,64}) \d+ (\d+)(?: \d+)?$/gm);
        for (const [, name, line] of found) commits.set(Number(line), name as string);
      }
      this.changes = { key, commits };
    }
    return this.changes.commits;
  }

  /** What a commit that puts these bytes in the place of the queue's file would be. */
  plan(bytes: Buffer, message: string): Omit<CommitPlan, 'ref'> & { files: NonNullable<CommitPlan['files']> } {
    return { message, parent: this.now.commit, files: [{ path: this.file, mode: this.mode, content: bytes }] };
  }

  /**
   * Pushes a commit that stands upon the one which is known, and changes other refs in the same go.
   * @throws GitFailure; whether it has landed shows at the next look
   */
  async push(commit: string, others: readonly RefChange[]): Promise<Pushed> {
    const began = performance.now();
    // Exactly upon what is known. Without that, a branch that somebody has set back would be brought forward again.
    const pushed = await this.remote.push([...others, { ref: `refs/heads/${this.remote.branch}`, commit, instead: this.now.commit }]);
    if (pushed.kind === 'landed') {
      this.tip = await this.read(commit);
      this.asOf = began;
    }
    return pushed;
  }

  /** The names of the objects of files, as of the commit that is known: of those at these paths, and below the places among them. */
  async filesAt({ places, folders }: DecidingPaths): Promise<ReadonlyMap<string, string>> {
    const found = await this.entriesAt([...places, ...folders], []);
    const filled = places.filter(place => found.get(place)?.type === 'tree');
    const below = filled.length === 0 ? [] : await this.entriesAt(filled, ['-r']);
    return new Map([...found, ...below].filter(([, { type }]) => type !== 'tree').map(([path, { name }]) => [path, name]));
  }

  private async entriesAt(paths: readonly string[], options: readonly string[]): Promise<Map<string, { type: string; name: string }>> {
    const found = new Map<string, { type: string; name: string }>();
    for (let from = 0; from < paths.length; from += AT_ONCE) {
      const some = paths.slice(from, from + AT_ONCE);
      const listed = await this.remote.git.text(['ls-tree', '-z', '--full-tree', ...options, this.now.commit, '--', ...some]);
      for (const entry of listed.split('\0')) {
        const [, type, name, path] = /^\d+ (\w+) ([0-9a-f]+)\t([\s\S]+)$/.exec(entry) ?? [];
        if (type !== undefined && name !== undefined && path !== undefined) found.set(path, { type, name });
      }
    }
    return found;
  }

  async close(): Promise<void> {
    this.objects.close();
    await this.remote.close();
  }

  /** The commits that lead from one to a later one; none when it is not in the later one's history. */
  private async way(from: string, head: GitObject): Promise<string[]> {
    const way: string[] = [];
    // As a rule there are a few, each upon the other: no process is needed to find that out.
    for (let commit: GitObject | undefined = head; commit && way.length < SHORT_WAY; ) {
      way.unshift(commit.name);
      const parents = [...commit.content.toString('latin1', 0, commit.content.indexOf('\n\n')).matchAll(/^parent (\w+)$/gm)];
      if (parents.length !== 1) break;
      const [[, parent = '']] = parents as [RegExpMatchArray];
      if (parent === from) return way;
      commit = await this.objects.read(parent);
    }
    return await this.remote.between(from, head.name);
  }

  private async reclaims(commit: string): Promise<boolean> {
    const content = (await this.objects.read(commit))?.content.toString('utf8') ?? '';
    return saysReclaimed(content.slice(content.indexOf('\n\n') + 2));
  }

  private async read(commit: string): Promise<Snapshot> {
    const blob = await this.objects.read(`${commit}:${this.file}`);
    if (blob === undefined || blob.type !== 'blob') {
      const problem = new RunmakerError('input', `${this.file} is not in the repository (branch ${this.remote.branch})`, {
        hint: 'commit it and push it: a runs.txt with lines such as ". echo hello", or a queue.csv',
      });
      return { commit, document: undefined, problem };
    }
    if (this.last?.name === blob.name) return { commit, document: this.last.document };
    try {
      const document = this.format(blob.content, this.file);
      this.last = { name: blob.name, document };
      return { commit, document };
    } catch (problem) {
      if (!(problem instanceof RunmakerError)) throw problem;
      return { commit, document: undefined, problem };
    }
  }
}
