import { renameSync } from 'node:fs';
import { mkdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { reason } from '../../../errors.js';
import { GitFailure } from '../plumbing/failure.js';
import type { Git } from '../plumbing/git.js';
import { type Found, scanFolder } from './folder-scan.js';
import type { Result } from './results.js';

/** Gives the user a message, and what can be done. */
export type Tell = (message: string, hint: string) => void;

/** Common to all checkouts of a runner: paths in the repository. */
export interface Layout {
  readonly resultsDir: string;
  /** The queue's own file, which never counts as a result. */
  readonly queueFile: string;
}

/** The folder in which one job runs. */
export class Checkout {
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  /** What was in the results folder when the job started. */
  private before: ReadonlyMap<string, Found> = new Map();
  /** Why some of the job's files could not be stored in the clone. */
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

  /** Records the content of the results folder, to detect the job's changes. */
  async remember(): Promise<void> {
    this.before = await this.look();
  }

  /**
   * The job's results: files of the results folder that are new, changed or removed, stored in the clone. Ignored files count, too. Files
   * that cannot be stored stay in the folder; this is reported once the job's state is pushed.
   */
  async results(): Promise<readonly Result[]> {
    try {
      return await this.gathered();
    } catch (error) {
      this.leftOver = `results of a job cannot be put into git: ${reason(error)}`;
      return [];
    }
  }

  private look(): Promise<Map<string, Found>> {
    return scanFolder(this.directory, this.layout.resultsDir, this.layout.queueFile);
  }

  /**
   * Stores the files that the job has written in git unchanged. git itself would apply the repository's attributes and the user's settings,
   * which may convert line ends, or reduce a large file to a name. Files untouched by the job were made with these, and stay.
   */
  private async gathered(): Promise<Result[]> {
    const { resultsDir } = this.layout;
    // git does not record empty folders.
    if (!(await makeFolder(this.directory, resultsDir))) throw new Error(`${resultsDir} is a symbolic link now, or behind one`);
    // Fails where the job has removed the checkout.
    const folder = await this.git.text(['rev-parse', '--absolute-git-dir']);
    const now = await this.look();
    const gone = [...this.before.keys()].filter(path => !now.has(path));
    const written = [...now].filter(([path, { stamp }]) => this.before.get(path)?.stamp !== stamp);
    if (gone.length + written.length === 0) return [];
    const submodules = await this.submodules();
    const changed = written.filter(([path]) => !submodules.some(submodule => `${path}/`.startsWith(`${submodule}/`)));
    if (changed.length < written.length) this.passedOver('add', `fatal: some are in a submodule: ${submodules.join(', ')}`);
    // A separate index: the job may have changed the existing one.
    const index = { GIT_INDEX_FILE: path.join(folder, 'runmaker-results') };
    await this.git.call(['read-tree', this.commit], { environment: index });
    const hasModes = (await this.git.attempt(['config', '--type=bool', 'core.fileMode'])).stdout.toString().trim() !== 'false';
    const removals = gone.map(path => `0 ${'0'.repeat(this.commit.length)}\t${path}\0`);
    const files = changed.filter(([, { kind }]) => kind === 'file');
    const objects = await this.hash(files.map(([path]) => path));
    const additions = files.flatMap(([path, { isExecutable }], at) => {
      const object = objects[at];
      return object === undefined ? [] : [`${hasModes && isExecutable ? '100755' : '100644'} ${object}\t${path}\0`];
    });
    const entries = Buffer.from([...removals, ...additions].join(''), 'latin1');
    await this.stage(['update-index', '--add', '--replace', '-z', '--index-info'], entries, index);
    // Attributes do not apply to these.
    const links = changed.flatMap(([path, { kind }]) => (kind === 'link' ? [`${path}\0`] : []));
    await this.stage(['update-index', '--add', '--replace', '-z', '--stdin'], Buffer.from(links.join(''), 'latin1'), index);
    return await this.staged(index);
  }

  /** Submodules in the results folder. Their files belong to another repository, and would replace them. */
  private async submodules(): Promise<string[]> {
    const listed = await this.git.call(['ls-tree', '-r', '-z', this.commit, '--', this.layout.resultsDir]);
    const entries = listed.toString('latin1').split('\0');
    return entries.flatMap(entry => /^160000 commit \w+\t([\s\S]+)$/.exec(entry)?.[1] ?? []);
  }

  /** The names of the objects with the contents of files, created if missing; undefined for an unreadable file. */
  private async hash(paths: readonly string[]): Promise<(string | undefined)[]> {
    const objects: (string | undefined)[] = [];
    while (objects.length < paths.length) {
      const input = Buffer.from(paths.slice(objects.length).map(quoted).join(''), 'latin1');
      const { status, stdout, stderr } = await this.git.attempt(['hash-object', '-w', '--no-filters', '--stdin-paths'], { input });
      for (const object of stdout.toString().split('\n').slice(0, -1)) objects.push(object);
      if (status === 0) break;
      // It stops at the first unreadable file.
      this.passedOver('hash-object', stderr);
      objects.push(undefined);
    }
    return objects;
  }

  /** Adds what git accepts. Skips what it refuses, such as a file in a folder `.GIT`. */
  private async stage(args: readonly string[], input: Buffer, environment: Readonly<Record<string, string>>): Promise<void> {
    if (input.length === 0) return;
    const { status, stderr } = await this.git.attempt(args, { input, environment });
    if (status !== 0 || stderr.includes('Ignoring path')) this.passedOver(args[0] as string, stderr);
  }

  private passedOver(command: string, stderr: string): void {
    this.leftOver = `not all results of a job can be put into git: ${new GitFailure(command, stderr).message}`;
  }

  /** Ends the use of the folder. Returns false if some results could not be pushed; reports where they stay. */
  giveBack(): boolean {
    if (this.leftOver === undefined) this.onFree();
    else this.keep(this.leftOver);
    return this.leftOver === undefined;
  }

  /** Keeps the folder, because its content exists nowhere else. */
  keep(why: string): void {
    // Under a name that is never cleaned up.
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

  private async staged(environment: Readonly<Record<string, string>>): Promise<Result[]> {
    const args = ['diff-index', '--cached', '--raw', '--no-renames', '--abbrev=64', '-z', this.commit, '--', ...this.pathspecs];
    const listed = await this.git.call(args, { environment });
    const results: Result[] = [];
    // Byte for byte: names that are not UTF-8 must be recognised as such.
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

/** Creates a folder in another one. False if the existing one is reached only through a symbolic link. */
export async function makeFolder(home: string, folder: string): Promise<boolean> {
  await mkdir(path.join(home, folder), { recursive: true });
  return (await realpath(path.join(home, folder))) === path.join(await realpath(home), folder);
}

/** A path on a line of git's input, with any characters. */
function quoted(path: string): string {
  const octal = (char: string): string => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`;
  return `"${path.replace(/[^\w./-]/g, octal)}"\n`;
}

/** git writes zeros for a missing object. */
function named(object: string): string | undefined {
  return /^0*$/.test(object) ? undefined : object;
}
