import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openQueue } from '../../src/queue/open.js';
import type { GitOptions, Queue } from '../../src/queue/queue.js';

/** A bare repository as others reach it, and a clone for a user. */
export class Repository {
  readonly folder: string;
  readonly bare: string;
  readonly clone: string;

  /** @param files by path: the first commit */
  constructor(files: Readonly<Record<string, string | Buffer>>) {
    this.folder = mkdtempSync(join(tmpdir(), 'runmaker-git-'));
    this.bare = join(this.folder, 'queue.git');
    this.clone = join(this.folder, 'person');
    this.git(this.folder, 'init', '--quiet', '--bare', '--initial-branch=main', this.bare);
    this.git(this.folder, 'clone', '--quiet', this.bare, this.clone);
    this.git(this.clone, 'checkout', '--quiet', '-B', 'main');
    this.change('begin', files);
  }

  /** The queue's name. */
  name(file = 'runs.txt'): string {
    return `git+file://${this.bare}#${file}`;
  }

  /** Runs git, as a user would. */
  git(folder: string, ...args: readonly string[]): string {
    return execFileSync('git', args, {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 1 << 28,
      env: {
        ...process.env,
        GIT_AUTHOR_NAME: 'Pat',
        GIT_AUTHOR_EMAIL: 'pat@example.org',
        GIT_COMMITTER_NAME: 'Pat',
        GIT_COMMITTER_EMAIL: 'pat@example.org',
      },
    });
  }

  /** Commits and pushes files as a user; null removes one. */
  change(message: string, files: Readonly<Record<string, string | Buffer | null>>): void {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(this.clone, name)), { recursive: true });
      if (content === null) rmSync(join(this.clone, name));
      else writeFileSync(join(this.clone, name), content);
    }
    this.git(this.clone, 'add', '--all');
    this.git(this.clone, 'commit', '--quiet', '--allow-empty', '-m', message);
    this.git(this.clone, 'push', '--quiet', 'origin', 'HEAD:main');
  }

  /** Edits a file as a user, based on its current version on the remote. */
  edit(message: string, name: string, edit: (content: string) => string): void {
    this.git(this.clone, 'pull', '--quiet', '--rebase', 'origin', 'main');
    this.change(message, { [name]: edit(readFileSync(join(this.clone, name), 'utf8')) });
  }

  /** The current version of a file on the remote. */
  read(file = 'runs.txt', branch = 'main'): string {
    return this.git(this.bare, 'cat-file', 'blob', `${branch}:${file}`);
  }

  /** First lines of the messages of a branch, the earliest first. */
  history(branch = 'main'): string[] {
    return this.git(this.bare, 'log', '--reverse', '--format=%s', branch).trimEnd().split('\n');
  }

  /** The names of all refs of the remote. */
  refs(pattern = ''): string[] {
    const text = this.git(this.bare, 'for-each-ref', '--format=%(refname)', ...(pattern === '' ? [] : [pattern])).trimEnd();
    return text === '' ? [] : text.split('\n');
  }

  /** Removes everything. */
  remove(): void {
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** A repository that is removed after the test. */
export function repository(files: Readonly<Record<string, string | Buffer>>): Repository {
  const made = new Repository(files);
  // Thousands of small files, on a machine that may be busy.
  onTestFinished(() => made.remove(), 60_000);
  return made;
}

/** A handle that is closed after the test; looks often. */
export async function openGit(name: string, git: GitOptions = {}, patience = 20_000): Promise<Queue> {
  const queue = await openQueue(name, { patience, sleep: 50, ...git });
  onTestFinished(() => queue.close());
  return queue;
}

/** Makes this process, and those that it starts, keep clones in a separate folder. Returns it. */
export function ownCache(): string {
  const folder = mkdtempSync(join(tmpdir(), 'runmaker-cache-'));
  const before = process.env.XDG_CACHE_HOME;
  process.env.XDG_CACHE_HOME = folder;
  onTestFinished(() => {
    if (before === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = before;
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  return folder;
}
