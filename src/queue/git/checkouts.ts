import { renameSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { RunmakerError } from '../../errors.js';
import { isGone } from './identity.js';
import type { Git } from './plumbing/git.js';
import type { FileChange } from './plumbing/import-stream.js';

/** A file that a job has left in the results folder. */
export interface Result {
  readonly path: string;
  readonly mode: string;
  /** The name of the object that has its content; undefined: the job has removed the file. */
  readonly object: string | undefined;
  /** What stood at the path when the job started, or undefined. */
  readonly before: string | undefined;
}

/** Says something to the user: a message, and what can be done. */
type Tell = (message: string, hint: string) => void;

/** Folders with the repository's files, for jobs to run in: one a job, used again when it has ended. */
export class Checkouts {
  private readonly free: string[] = [];
  private count = 0;
  private tell: Tell = () => undefined;

  /**
   * @param git our clone · @param runner names the folders · @param resultsDir path in the repository
   */
  constructor(
    private readonly git: Git,
    private readonly runner: string,
    private readonly resultsDir: string,
  ) {}

  listen(tell: Tell): void {
    this.tell = tell;
  }

  /** A folder with the files of a commit, and nothing else. @throws RunmakerError `queue` when it cannot be had */
  async take(commit: string): Promise<Checkout> {
    const folder = this.free.pop();
    if (this.count === 0) await this.forgetTheDead();
    const directory = folder ?? path.join(this.home, `${this.runner}-${++this.count}`);
    try {
      if (folder === undefined) await this.git.call(['worktree', 'add', '--quiet', '--force', '--detach', directory, commit]);
      else {
        const there = this.git.in(directory);
        await there.call(['checkout', '--quiet', '--force', '--detach', commit]);
        await there.call(['clean', '-ffdxq']);
      }
      await mkdir(path.join(directory, this.resultsDir), { recursive: true });
    } catch (cause) {
      throw new RunmakerError('queue', `no checkout could be made in ${this.home}: ${(cause as Error).message}`, {
        hint: 'XDG_CACHE_HOME says where; the files of the repository need room there, once for each job at a time',
        cause,
      });
    }
    return new Checkout(this.git.in(directory), commit, this.resultsDir, this.tell, () => this.free.push(directory));
  }

  /** Takes the folders away, but for those whose results are nowhere else. */
  async close(): Promise<void> {
    for (const directory of this.free.splice(0)) await this.remove(directory);
  }

  private get home(): string {
    return `${this.git.directory}.checkouts`;
  }

  private async forgetTheDead(): Promise<void> {
    const names = await readdir(this.home).catch(() => []);
    // A runner's name and a count.
    for (const name of names) if (isGone(name.replace(/-\d+$/, ''))) await this.remove(path.join(this.home, name));
    await this.git.attempt(['worktree', 'prune']);
  }

  private async remove(directory: string): Promise<void> {
    await rm(directory, { recursive: true, force: true });
    await this.git.attempt(['worktree', 'remove', '--force', directory]);
  }
}

/** The folder in which one job runs. */
export class Checkout {
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;

  constructor(
    private readonly git: Git,
    private readonly commit: string,
    private readonly resultsDir: string,
    private readonly tell: Tell,
    private readonly onFree: () => void,
  ) {
    this.directory = git.directory;
    this.environment = { RESULTS_DIR: resultsDir };
  }

  /** What the job has left in the results folder, put into our clone: what is new, changed, or gone. Ignored files count, too. */
  async results(): Promise<readonly Result[]> {
    // An empty folder is nothing to git.
    await mkdir(path.join(this.directory, this.resultsDir), { recursive: true });
    await this.git.call(['add', '--all', '--force', '--', `:(top,literal)${this.resultsDir}`]);
    const listed = await this.git.text([
      'diff-index',
      '--cached',
      '--raw',
      '--no-renames',
      '--abbrev=64',
      '-z',
      this.commit,
      '--',
      this.resultsDir,
    ]);
    const fields = listed.split('\0');
    const results: Result[] = [];
    for (let at = 0; at + 1 < fields.length; at += 2) {
      const [, , mode = '', before = '', object = ''] = /^:(\d+) (\d+) ([0-9a-f]+) ([0-9a-f]+)/.exec(fields[at] as string) ?? [];
      results.push({ path: fields[at + 1] as string, mode, before: named(before), object: named(object) });
    }
    return results;
  }

  /** The job has ended, and what it left is pushed. */
  giveBack(): void {
    this.onFree();
  }

  /** Leaves the folder as it is, because what is in it is nowhere else. */
  keep(why: string): void {
    // Under a name that nobody clears away.
    const kept = path.join(path.dirname(this.directory), `kept-${path.basename(this.directory)}-${Date.now()}`);
    renameSync(this.directory, kept);
    this.tell(`${why}: what it left stays in ${path.join(kept, this.resultsDir)}`, 'take what you need from there, then remove the folder');
  }
}

/** Results of one job, and where they go. */
export interface JobResults {
  readonly job: number;
  readonly results: readonly Result[];
}

/**
 * How results are put upon what others have changed since the jobs started: theirs stay, and ours come beside them under another name.
 * @param now the objects at the paths of the results, as they are on the branch
 */
export function placeResults(all: readonly JobResults[], now: ReadonlyMap<string, string>): FileChange[] {
  const there = new Map(now);
  return all.flatMap(({ job, results }) =>
    results.flatMap(({ path: name, mode, object, before }): FileChange[] => {
      const current = there.get(name);
      const changed = current !== before && current !== object;
      if (object === undefined) {
        if (changed || current === undefined) return [];
        there.delete(name);
        return [{ path: name, content: undefined }];
      }
      const place = changed && current !== undefined ? `${name}.job-${job}` : name;
      there.set(place, object);
      return [{ path: place, mode, content: { object } }];
    }),
  );
}

/** git writes zeros where there is nothing. */
function named(object: string): string | undefined {
  return /^0*$/.test(object) ? undefined : object;
}
