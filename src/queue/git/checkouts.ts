import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { errnoName, RunmakerError } from '../../errors.js';
import { Checkout, type Layout, type Tell } from './checkout.js';
import { isGone } from './identity.js';
import type { Git } from './plumbing/git.js';

/** Folders with the repository's files, for jobs to run in: one a job, used again when it has ended. */
export class Checkouts {
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
      await mkdir(path.join(directory, this.layout.resultsDir), { recursive: true });
    } catch (cause) {
      if (['EEXIST', 'ENOTDIR'].includes(errnoName(cause) ?? '')) {
        throw new RunmakerError('usage', `the results folder ${this.layout.resultsDir} is a file in the repository`, {
          hint: 'name another one with --results-dir',
          cause,
        });
      }
      throw new RunmakerError('queue', `no checkout could be made in ${this.home}: ${(cause as Error).message}`, {
        hint: 'XDG_CACHE_HOME says where; the files of the repository need room there, once for each job at a time',
        cause,
      });
    }
    return new Checkout(this.git.in(directory), commit, this.layout, this.tell, () => this.free.push(directory));
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
