import { RunmakerError } from '../../../errors.js';
import type { DecidingPaths } from '../checkouts/results.js';
import type { QueueDocument, ReadDocument } from '../documents/document.js';
import type { Author, CommitPlan } from '../plumbing/import-stream.js';
import { Objects } from '../plumbing/objects.js';
import type { Pushed, RefChange, Remote } from '../plumbing/remote.js';
import { runnerIn, saysReclaimed } from './commit-message.js';
import { commitsBetween, readCommit } from './history.js';

/** How many paths fit on a command line. */
const AT_ONCE = 500;

/** The queue as of one commit: its content, or why that is unknown. */
export interface Snapshot {
  readonly commit: string;
  /** Whether the commit says that it sets orphans back. */
  readonly reclaims?: boolean;
  readonly document: QueueDocument | undefined;
  /** Set when the file is missing or cannot be read. */
  readonly problem?: RunmakerError;
}

/** The branch's progress since the last look. */
export interface Move {
  /** The last readable document before. */
  readonly from: QueueDocument | undefined;
  /** Each commit's snapshot in turn, or only the last one's. */
  readonly steps: readonly Snapshot[];
  /** Whether the previously known commit is no longer in the branch's history. */
  readonly rewritten: boolean;
  /** The other runners, and people, that have committed meanwhile. */
  readonly others: ReadonlySet<string>;
}

/** The file of a queue in the repository. */
export interface QueueFile {
  readonly path: string;
  /** In git's form: `100644`. */
  readonly mode: string;
  /** The content assumed while the file is missing: the first append creates it. Absent: a missing file is a problem. */
  readonly initial?: Buffer | undefined;
}

/** A queue's file on a branch of a remote: the last known commit, how it came to be, and the means to add one more. */
export class BranchStore {
  /** When the last known commit was last certain to be the branch's head: by performance.now(). */
  asOf = Number.NEGATIVE_INFINITY;
  private tip: Snapshot | undefined;
  private readonly objects: Objects;
  private last: { readonly name: string; readonly document: QueueDocument } | undefined;

  constructor(
    readonly remote: Remote,
    private readonly queueFile: QueueFile,
    private readonly format: ReadDocument,
    readonly author: Author,
  ) {
    this.objects = new Objects(remote.git);
  }

  /** Its path in the repository. */
  get file(): string {
    return this.queueFile.path;
  }

  get now(): Snapshot {
    if (this.tip === undefined) throw new Error('the branch was not fetched yet');
    return this.tip;
  }

  /** `runs.txt on main` */
  get title(): string {
    return `${this.file} on ${this.remote.branch}`;
  }

  /**
   * Fetches the branch.
   * @param whole whether every commit on the way matters, or only the last one
   * @param leases whether to fetch them too
   */
  async look(whole: boolean, leases: boolean): Promise<Move> {
    const began = performance.now();
    const from = this.last?.document;
    await this.remote.fetch(leases, this.tip?.document?.bytes.length ?? 0);
    const head = await this.objects.read(this.remote.seenBranch);
    if (head === undefined) throw new Error(`${this.remote.seenBranch} is not there after it was fetched`);
    const before = this.tip;
    let move: Move = { from, steps: [], rewritten: false, others: new Set() };
    if (before?.commit !== head.name) {
      const way = before === undefined ? [readCommit(head)] : await commitsBetween(this.remote, this.objects, before.commit, head, whole);
      const commits = way.length === 0 ? [readCommit(head)] : whole ? way : way.slice(-1);
      const steps: Snapshot[] = [];
      for (const { name, message } of commits) steps.push({ ...(await this.read(name)), reclaims: saysReclaimed(message) });
      this.tip = steps.at(-1) as Snapshot;
      const authors = way.map(({ message, committer }) => runnerIn(message) ?? committer);
      const others = new Set(before === undefined ? [] : authors.filter(author => author !== this.remote.runner));
      move = { from, steps, rewritten: way.length === 0, others };
    }
    this.asOf = began;
    return move;
  }

  /** A commit that replaces the queue's file with these bytes. */
  plan(bytes: Buffer, message: string): Omit<CommitPlan, 'ref'> & { files: NonNullable<CommitPlan['files']> } {
    return { message, parent: this.now.commit, files: [{ path: this.file, mode: this.queueFile.mode, content: bytes }] };
  }

  /**
   * Pushes a commit on top of the last known one, and changes other refs with it.
   * @throws GitFailure; the next look shows whether it has landed
   */
  async push(commit: string, others: readonly RefChange[]): Promise<Pushed> {
    const began = performance.now();
    // Compare and swap: a plain push would move a branch forward again that was reset.
    const pushed = await this.remote.push([...others, { ref: `refs/heads/${this.remote.branch}`, commit, instead: this.now.commit }]);
    if (pushed.kind === 'landed') {
      this.tip = await this.read(commit);
      this.asOf = began;
    }
    return pushed;
  }

  /** The object names of files as of the last known commit: those at these paths, and below the places among them. */
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

  private async read(commit: string): Promise<Snapshot> {
    const blob = await this.objects.read(`${commit}:${this.file}`);
    const { initial } = this.queueFile;
    if (blob === undefined && initial !== undefined) return { commit, document: this.format(initial, this.file) };
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
