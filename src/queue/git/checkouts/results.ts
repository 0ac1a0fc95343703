import type { FileChange } from '../plumbing/import-stream.js';

/** A file that a job left in the results folder. */
export interface Result {
  readonly path: string;
  readonly mode: string;
  /** The name of the object with its content; undefined: the job removed the file. */
  readonly object: string | undefined;
  /** The object at the path when the job started, or undefined. */
  readonly before: string | undefined;
}

/** Results of one job, and where they go. */
export interface JobResults {
  readonly job: number;
  readonly results: readonly Result[];
}

/** Paths that decide where results can go. */
export interface DecidingPaths {
  /** The wanted paths, and those beside them. */
  readonly places: string[];
  /** The folders that these lie in. */
  readonly folders: string[];
}

export function decidingPaths(all: readonly JobResults[]): DecidingPaths {
  const places = new Set(all.flatMap(({ job, results }) => results.flatMap(({ path }) => [path, aside(path, job)])));
  const folders = new Set([...places].flatMap(foldersOf).filter(folder => !places.has(folder)));
  return { places: [...places], folders: [...folders] };
}

/**
 * Adds results to others' changes since the jobs started: others' files stay, and the results go beside them under another name. No file
 * replaces a folder, and none goes below a file.
 * @param now the objects of the files at the deciding paths and below them, as they are on the branch
 */
export function placeResults(all: readonly JobResults[], now: ReadonlyMap<string, string>): FileChange[] {
  const files = new Files(now);
  return all.flatMap(({ job, results }) => {
    const changes: FileChange[] = [];
    // Removals first: a job may have put a folder where a file was.
    for (const { path, object, before } of results) {
      if (object !== undefined || files.get(path) === undefined || files.get(path) !== before) continue;
      files.delete(path);
      changes.push({ path, content: undefined });
    }
    for (const { path, mode, object, before } of results) {
      if (object === undefined) continue;
      const isFree = (name: string, replaced?: string): boolean =>
        files.hasRoom(name) && [undefined, object, replaced].includes(files.get(name));
      const [near, unique] = besides(path, job, object, files);
      // A file that already has the last name is the same: its content gives it that name.
      const place = isFree(path, before) ? path : isFree(near) ? near : unique;
      files.set(place, object);
      changes.push({ path: place, mode, content: { object } });
    }
    return changes;
  });
}

/** Beside what stands in the way: the path itself, or a file where a folder would have to be. */
function besides(path: string, job: number, object: string, files: Files): [near: string, unique: string] {
  const obstacle = foldersOf(path).find(folder => files.get(folder) !== undefined) ?? path;
  const rest = path.slice(obstacle.length);
  return [`${aside(obstacle, job)}${rest}`, `${aside(obstacle, job)}.${object.slice(0, 12)}${rest}`];
}

function aside(path: string, job: number): string {
  return `${path}.job-${job}`;
}

/** `a` and `a/b` of `a/b/c`. */
function foldersOf(path: string): string[] {
  const names = path.split('/');
  return names.slice(1).map((_, at) => names.slice(0, at + 1).join('/'));
}

/** The files of a tree, as far as they are known. */
class Files {
  private readonly objects = new Map<string, string>();
  /** How many files lie below each folder. */
  private readonly folders = new Map<string, number>();

  constructor(objects: ReadonlyMap<string, string>) {
    for (const [path, object] of objects) this.set(path, object);
  }

  get(path: string): string | undefined {
    return this.objects.get(path);
  }

  set(path: string, object: string): void {
    if (!this.objects.has(path)) this.count(path, 1);
    this.objects.set(path, object);
  }

  delete(path: string): void {
    if (this.objects.delete(path)) this.count(path, -1);
  }

  /** Whether a file may stand at this path: no folder is there, and no file where one of its folders would have to be. */
  hasRoom(path: string): boolean {
    return !this.folders.get(path) && foldersOf(path).every(folder => this.objects.get(folder) === undefined);
  }

  private count(path: string, by: number): void {
    for (const folder of foldersOf(path)) this.folders.set(folder, (this.folders.get(folder) ?? 0) + by);
  }
}
