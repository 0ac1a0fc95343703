import { mkdir, open, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { errnoName } from '../../errors.js';
import { FILES, scriptFor } from './script.js';

/** An array's record, written before its submission so that a later runner can find out what became of it. */
export interface ArrayFacts {
  readonly version: 1;
  /** Address of the jobs' queue. */
  readonly queue: string;
  /** Name of the array in Slurm, unique to it. */
  readonly name: string;
  /** ms since 1970. */
  readonly time: number;
  /** The jobs in order, the first is element 1. `print` is a digest of the command, by `commandDigest`. */
  readonly jobs: readonly { readonly id: string; readonly print: string }[];
}

/** The folder of one array: its jobs and their files. Every node sees it under the same path. */
export class ArrayFolder {
  /** @param base where the folders of all arrays are */
  constructor(
    readonly base: string,
    readonly name: string,
  ) {}

  get path(): string {
    return path.join(this.base, this.name);
  }

  file(name: string): string {
    return path.join(this.path, name);
  }

  /** Creates the folder with all that an array needs. On disk when this settles. */
  async write(facts: ArrayFacts, lines: readonly Buffer[]): Promise<void> {
    await mkdir(this.path, { recursive: true, mode: 0o700 });
    await writeFile(this.file(FILES.lines), Buffer.concat(lines.flatMap(line => [line, LINE_FEED])));
    await writeFile(this.file(FILES.script), scriptFor(this.path), { mode: 0o700 });
    await this.put(FILES.facts, JSON.stringify(facts));
  }

  /** The array's id in Slurm, once it is known. */
  async noteId(id: string): Promise<void> {
    await this.put(FILES.id, `${id}\n`);
  }

  /** Undefined if there is no such array, or it was never ready for submission. */
  async facts(): Promise<ArrayFacts | undefined> {
    const text = await this.read(FILES.facts);
    const facts = text === undefined ? undefined : (JSON.parse(text) as ArrayFacts);
    return facts?.version === 1 ? facts : undefined;
  }

  async id(): Promise<string | undefined> {
    return (await this.read(FILES.id))?.trim();
  }

  async names(): Promise<ReadonlySet<string>> {
    try {
      return new Set(await readdir(this.path));
    } catch (error) {
      if (errnoName(error) === 'ENOENT') return new Set();
      throw error;
    }
  }

  /** The exit status that element `index` has left; undefined if there is none yet. */
  async exitOf(index: number): Promise<number | undefined> {
    const text = await this.read(`${index}.exit`);
    return text === undefined || !/^\d+\n$/.test(text) ? undefined : Number(text);
  }

  /** Marks an element as finished. The last one removes the folder. */
  async forget(index: number, size: number): Promise<void> {
    await writeFile(this.file(`${index}.over`), '').catch(ignoreMissing);
    const names = await this.names();
    for (let element = 1; element <= size; element++) if (!names.has(`${element}.over`)) return;
    await this.remove();
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
    // Other runners may have arrays there.
    await rmdir(this.base).catch(() => undefined);
  }

  private async read(name: string): Promise<string | undefined> {
    try {
      return await readFile(this.file(name), 'utf8');
    } catch (error) {
      return ignoreMissing(error as Error);
    }
  }

  /** Writes a file and puts it in place in one step, synced: what is not on disk did not happen. */
  private async put(name: string, text: string): Promise<void> {
    const draft = await open(this.file(`${name}.new`), 'w', 0o600);
    try {
      await draft.writeFile(text);
      await draft.sync();
    } finally {
      await draft.close();
    }
    await rename(this.file(`${name}.new`), this.file(name));
    const folder = await open(this.path, 'r');
    await folder.sync().finally(() => folder.close());
  }
}

const LINE_FEED = Buffer.from('\n');

function ignoreMissing(error: Error): undefined {
  if (errnoName(error) === 'ENOENT') return undefined;
  throw error;
}

/** The default location of a queue's array folders. */
export function baseBeside(queue: string): string {
  return path.join(path.isAbsolute(queue) ? path.dirname(queue) : process.cwd(), '.runmaker-slurm');
}

/** How many elements of a queue's arrays have no recorded end. */
export async function unfinishedIn(queue: string): Promise<number> {
  let count = 0;
  for (const folder of await arraysIn(baseBeside(queue))) {
    const facts = await folder.facts();
    if (facts?.queue !== queue) continue;
    const names = await folder.names();
    count += facts.jobs.filter((_, at) => !names.has(`${at + 1}.over`)).length;
  }
  return count;
}

/** The remaining arrays in a folder. */
export async function arraysIn(base: string): Promise<ArrayFolder[]> {
  try {
    const entries = await readdir(base, { withFileTypes: true });
    return entries.filter(entry => entry.isDirectory()).map(({ name }) => new ArrayFolder(base, name));
  } catch (error) {
    if (errnoName(error) === 'ENOENT' || errnoName(error) === 'ENOTDIR') return [];
    throw error;
  }
}
