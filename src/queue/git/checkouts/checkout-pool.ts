/** checkouts/: folders in which jobs run, and how their results get into commits. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { errnoName, RunmakerError, reason } from '../../../errors.js';
import type { Git } from '../plumbing/git.js';
import { isGone } from '../plumbing/runner-name.js';
import { Checkout, type Layout, makeFolder, type Tell } from './checkout.js';
import { removeFolder } from './remove-folder.js';

/** Folders with the repository's files in which jobs run: one per job, reused after its end. */
export class CheckoutPool {
  private readonly free: string[] = [];
  private count = 0;
  private tell: Tell = () => undefined;

  /**
   * @param git our clone · @param runner names the folders
   */
  constructor(
    private readonly git: Git,
    private readonly runner: string,
    private readonly layout: Layout,
  ) {}

  listen(tell: Tell): void {
    this.tell = tell;
  }

  /** A folder with exactly the files of a commit. @throws RunmakerError `queue` when there is none to be had */
  async take(commit: string): Promise<Checkout> {
    if (this.count === 0) await this.removeStale();
    const directory = (await this.again(commit)) ?? (await this.anew(commit));
    const checkout = new Checkout(this.git.in(directory), commit, this.layout, this.tell, () => this.free.push(directory));
    try {
      await this.makeResultsFolder(directory);
      await checkout.remember();
    } catch (error) {
      checkout.giveBack();
      throw error;
    }
    return checkout;
  }

  /** Removes the folders, except those whose results exist nowhere else. */
  async close(): Promise<void> {
    for (const directory of this.free.splice(0)) await this.remove(directory);
  }

  private get home(): string {
    return `${this.git.directory}.checkouts`;
  }

  /** A reusable folder of an ended job, reset to exactly the files of a commit, if there is one. */
  private async again(commit: string): Promise<string | undefined> {
    const directory = this.free.pop();
    if (directory === undefined) return undefined;
    const there = this.git.in(directory);
    try {
      await there.call(['checkout', '--quiet', '--force', '--detach', commit]);
      await there.call(['clean', '-ffdxq']);
      return directory;
    } catch {
      // The job has removed it, or has left files in it that cannot be removed.
      await this.remove(directory);
      return undefined;
    }
  }

  private async anew(commit: string): Promise<string> {
    const directory = path.join(this.home, `${this.runner}-${++this.count}`);
    try {
      await this.git.call(['worktree', 'add', '--quiet', '--force', '--detach', directory, commit]);
      return directory;
    } catch (cause) {
      throw this.unusable(cause);
    }
  }

  private async makeResultsFolder(directory: string): Promise<void> {
    const { resultsDir } = this.layout;
    let is = 'a file';
    try {
      if (await makeFolder(directory, resultsDir)) return;
      is = 'a symbolic link, or behind one,';
    } catch (cause) {
      if (!['EEXIST', 'ENOTDIR'].includes(errnoName(cause) ?? '')) throw this.unusable(cause);
    }
    throw new RunmakerError('usage', `the results folder ${resultsDir} is ${is} in the repository`, {
      hint: 'name another one with --results-dir',
    });
  }

  private unusable(cause: unknown): RunmakerError {
    return new RunmakerError('queue', `no checkout could be made in ${this.home}: ${(cause as Error).message}`, {
      hint: 'XDG_CACHE_HOME says where; the files of the repository need room there, once for each job at a time',
      cause,
    });
  }

  private async removeStale(): Promise<void> {
    const names = await readdir(this.home).catch(() => []);
    // A runner's name and a count.
    for (const name of names) if (isGone(name.replace(/-\d+$/, ''))) await this.remove(path.join(this.home, name));
    await this.git.attempt(['worktree', 'prune']);
  }

  private async remove(directory: string): Promise<void> {
    try {
      await removeFolder(directory);
    } catch (error) {
      this.tell(`${directory} cannot be cleared away: ${reason(error)}`, 'a job has left it so; remove it by hand');
    }
    await this.git.attempt(['worktree', 'remove', '--force', directory]);
  }
}
