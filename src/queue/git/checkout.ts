import { renameSync } from 'node:fs';
import { mkdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { reason } from '../../errors.js';
import { GitFailure } from './plumbing/failure.js';
import type { Git } from './plumbing/git.js';
import { findRepositories } from './repositories.js';
import type { Result } from './results.js';

/** Says something to the user: a message, and what can be done. */
export type Tell = (message: string, hint: string) => void;

/** What all checkouts of a runner have in common: paths in the repository. */
export interface Layout {
  readonly resultsDir: string;
  /** The queue's own file, which is no result wherever it lies. */
  readonly queueFile: string;
}

/** The folder in which one job runs. */
export class Checkout {
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Why not all that the job has left could be put into our clone. */
  private leftOver: string | undefined;

  constructor(
    private readonly git: Git,
    private readonly commit: string,
    private readonly layout: Layout,
    private readonly tell: Tell,
    private readonly onFree: () => void,
  ) {
    this.directory = git.directory;
    this.environment = { RESULTS_DIR: layout.resultsDir };
  }

  /**
   * What the job has left in the results folder, put into our clone: what is new, changed, or gone. Ignored files count, too. What
   * cannot be put there stays in the folder, which is told once the job's state is pushed.
   */
  async results(): Promise<readonly Result[]> {
    try {
      return await this.gathered();
    } catch (error) {
      this.leftOver = `results of a job cannot be put into git: ${reason(error)}`;
      return [];
    }
  }

  private async gathered(): Promise<Result[]> {
    const { resultsDir } = this.layout;
    // An empty folder is nothing to git.
    if (!(await makeFolder(this.directory, resultsDir))) throw new Error(`${resultsDir} is a symbolic link now, or behind one`);
    const { repositories, files } = await findRepositories(this.directory, resultsDir);
    // Of a repository in a repository git would commit the name only. Its files are results as all others are; its history is not.
    const others = repositories.map(repository => `:(top,literal,exclude)${repository}`);
    await this.stage(['add', '--all', '--force', '--ignore-errors', '--', ...this.pathspecs, ...others]);
    const input = Buffer.concat(files.map(file => Buffer.concat([file, Buffer.alloc(1)])));
    if (files.length > 0) await this.stage(['update-index', '--add', '-z', '--stdin'], input);
    return await this.staged();
  }

  /** Takes in what git takes. It passes over what it cannot have, such as a file that may not be read, or a folder `.GIT`. */
  private async stage(args: readonly string[], input?: Buffer): Promise<void> {
    const { status, stderr } = await this.git.attempt(args, { input });
    if (status === 0 && !stderr.includes('Ignoring path')) return;
    this.leftOver = `not all results of a job can be put into git: ${new GitFailure(args[0] as string, stderr).message}`;
  }

  /** The job has ended, and what it left is pushed, or told where it stays: false then. */
  giveBack(): boolean {
    if (this.leftOver === undefined) this.onFree();
    else this.keep(this.leftOver);
    return this.leftOver === undefined;
  }

  /** Leaves the folder as it is, because what is in it is nowhere else. */
  keep(why: string): void {
    // Under a name that nobody clears away.
    let kept = path.join(path.dirname(this.directory), `kept-${path.basename(this.directory)}-${Date.now()}`);
    try {
      renameSync(this.directory, kept);
    } catch {
      kept = this.directory;
    }
    const place = path.join(kept, this.layout.resultsDir);
    this.tell(`${why}: what it left stays in ${place}`, 'take what you need from there, then remove the folder');
  }

  private get pathspecs(): string[] {
    return [`:(top,literal)${this.layout.resultsDir}`, `:(top,literal,exclude)${this.layout.queueFile}`];
  }

  private async staged(): Promise<Result[]> {
    const args = ['diff-index', '--cached', '--raw', '--no-renames', '--abbrev=64', '-z', this.commit, '--', ...this.pathspecs];
    const listed = await this.git.call(args);
    const results: Result[] = [];
    // Byte for byte: what is no UTF-8 is to be seen as such.
    const fields = listed.toString('latin1').split('\0');
    for (let at = 0; at + 1 < fields.length; at += 2) {
      const [, , mode = '', before = '', object = ''] = /^:(\d+) (\d+) ([0-9a-f]+) ([0-9a-f]+)/.exec(fields[at] as string) ?? [];
      const bytes = Buffer.from(fields[at + 1] as string, 'latin1');
      const name = bytes.toString();
      if (Buffer.from(name).equals(bytes)) results.push({ path: name, mode, before: named(before), object: named(object) });
      else this.leftOver = `${name} and what else has a name that is no UTF-8 cannot be pushed`;
    }
    return results;
  }
}

/** Makes a folder in another one. False when what is there is one only because a symbolic link leads elsewhere. */
export async function makeFolder(home: string, folder: string): Promise<boolean> {
  await mkdir(path.join(home, folder), { recursive: true });
  return (await realpath(path.join(home, folder))) === path.join(await realpath(home), folder);
}

/** git writes zeros where there is nothing. */
function named(object: string): string | undefined {
  return /^0*$/.test(object) ? undefined : object;
}
