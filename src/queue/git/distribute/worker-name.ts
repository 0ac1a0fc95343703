import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RunmakerError } from '../../../errors.js';
import { hostName } from '../../../system/host.js';
import { GitFailure } from '../plumbing/failure.js';
import type { Author } from '../plumbing/import-stream.js';
import type { Remote } from '../plumbing/remote.js';
import { fateOf } from '../plumbing/runner-name.js';
import { Retry } from './retry.js';

/** Where workers register their names on the remote. */
const NAMES = 'refs/runmaker-workers/';
/** Tells a clone from others, in the folder that git keeps for itself. */
const CLONE_ID = 'runmaker-clone';
/** How often a registration is renewed, in ms, and after how many intervals without that its worker counts as gone. */
const BEAT = 30_000;
const MISSED = 3;
/** Between two looks at a registration that may belong to a dead worker, in ms. */
const LOOK = 2000;

interface Registration {
  readonly commit: string;
  readonly runner: string;
  readonly clone: string;
  readonly host: string;
}

/**
 * Registers a worker's name on the remote, so that it is unique: two workers of one name would take each other's lock and branches for
 * their own. A worker that restarts in its clone gets its name back at once.
 */
export class WorkerName {
  private commit: string | undefined;
  private timer: NodeJS.Timeout | undefined;
  private beating: Promise<void> | undefined;
  private beats = 0;
  private lostTo: RunmakerError | undefined;

  private constructor(
    private readonly remote: Remote,
    private readonly author: Author,
    private readonly name: string,
    private readonly clone: string,
  ) {}

  /**
   * @param gitFolder the `.git` of the clone · @param patience with the remote, and with a registration that may be a dead worker's, in ms
   * @throws RunmakerError `usage` while another worker has the name, `queue` when the remote cannot be reached
   */
  static async register(remote: Remote, author: Author, name: string, gitFolder: string, patience: number): Promise<WorkerName> {
    const worker = new WorkerName(remote, author, name, cloneId(gitFolder));
    await worker.take(new Retry(remote.url, patience));
    worker.timer = setInterval(() => {
      worker.beating ??= worker.beat().finally(() => {
        worker.beating = undefined;
      });
    }, BEAT).unref();
    return worker;
  }

  /** @throws RunmakerError `usage` when another worker has taken the name since */
  mustBeOurs(): void {
    if (this.lostTo) throw this.lostTo;
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.beating;
    if (this.commit === undefined) return;
    await this.remote.push([{ ref: this.ref, commit: undefined, instead: this.commit }]).catch(() => undefined);
  }

  private get ref(): string {
    return `${NAMES}${this.name}`;
  }

  private async take(retry: Retry): Promise<void> {
    let seen: Registration | undefined;
    let since = performance.now();
    for (;;) {
      const now = await retry.until(() => this.read());
      if (now?.commit !== seen?.commit) since = performance.now();
      const isNews = seen !== undefined && now !== undefined && now.commit !== seen.commit;
      seen = now;
      if (now !== undefined && !this.mayTake(now, performance.now() - since)) {
        // It was renewed meanwhile, or its process is visible from here: that worker is alive.
        if (isNews || fateOf(now.runner) === 'alive' || retry.over) throw this.taken(now);
        await sleep(LOOK);
        continue;
      }
      if (await retry.until(() => this.write(now?.commit ?? ''))) return;
    }
  }

  private mayTake({ clone, runner }: Registration, unchanged: number): boolean {
    return clone === this.clone || fateOf(runner) === 'gone' || unchanged > BEAT * MISSED;
  }

  private async read(): Promise<Registration | undefined> {
    const { git } = this.remote;
    const commit = (await git.text(['ls-remote', 'origin', this.ref])).split('\t')[0] ?? '';
    if (commit === '') return undefined;
    await git.call(['fetch', '--no-tags', '--no-write-fetch-head', 'origin', this.ref]);
    const message = (await git.text(['log', '-1', '--format=%B', commit])).split('\n');
    const field = (name: string): string => message.find(line => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? '';
    return { commit, runner: field('runner'), clone: field('clone'), host: field('host') };
  }

  /** Returns false when another worker was faster. @param instead the commit that is there now; empty when there is none */
  private async write(instead: string): Promise<boolean> {
    const { runner } = this.remote;
    const message = `${this.name} is at work\n\nrunner: ${runner}\nclone: ${this.clone}\nhost: ${hostName()}\nbeat: ${++this.beats}\n`;
    const [commit] = await this.remote.commit([{ message }], this.author, 'name-');
    try {
      const pushed = await this.remote.push([{ ref: this.ref, commit, instead }]);
      if (pushed.kind === 'landed') this.commit = commit;
      return pushed.kind === 'landed';
    } catch (error) {
      // A remote that accepts only branches cannot tell two workers apart. They work without registration.
      if (error instanceof GitFailure && error.kind === 'protected') return true;
      throw error;
    }
  }

  private async beat(): Promise<void> {
    if (this.commit === undefined || this.lostTo) return;
    try {
      if (await this.write(this.commit)) return;
      const now = await this.read();
      if (now !== undefined && now.runner !== this.remote.runner) this.lostTo = this.taken(now);
      else this.commit = now?.commit ?? this.commit;
    } catch {
      // The remote is away. The next beat tries again.
    }
  }

  private taken({ host }: Registration): RunmakerError {
    return new RunmakerError('usage', `a worker named ${this.name} is at work already, on ${host}`, {
      hint: `give each worker a name of its own; if that one is certainly gone: git push origin --delete ${this.ref}`,
    });
  }
}

function cloneId(gitFolder: string): string {
  const file = path.join(gitFolder, CLONE_ID);
  if (!existsSync(file)) writeFileSync(file, randomUUID());
  return readFileSync(file, 'utf8').trim();
}
