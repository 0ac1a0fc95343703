import type { ChildProcessByStdio } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { GitFailure } from './failure.js';
import { type Git, notStarted } from './git.js';

const LF = 0x0a;

/** An object of the repository. */
export interface GitObject {
  readonly name: string;
  readonly type: string;
  readonly content: Buffer;
}

interface Request {
  readonly what: string;
  resolve(object: GitObject | undefined): void;
  reject(error: Error): void;
}

/** Reads objects through one long-lived `git cat-file --batch`: a process for each would cost more than all the rest. */
export class Objects {
  private child: ChildProcessByStdio<Writable, Readable, null> | undefined;
  private readonly requests: Request[] = [];
  private received: Buffer[] = [];
  private length = 0;
  /** Bytes to wait for before parsing the input: a large object arrives in many pieces. */
  private wanted = 0;

  constructor(private readonly git: Git) {}

  /**
   * @param what in git's notation: `refs/heads/main`, `<commit>:<path>`. Undefined if it does not exist
   * @throws GitFailure when git ends: it contacts the remote for what was not fetched · RunmakerError `queue` when git is not installed
   */
  read(what: string): Promise<GitObject | undefined> {
    return new Promise((resolve, reject) => {
      this.requests.push({ what, resolve, reject });
      this.child ??= this.begin();
      hold(this.child, true);
      this.child.stdin.write(`${what}\n`);
    });
  }

  close(): void {
    this.child?.stdin.end();
    this.child = undefined;
  }

  private begin(): ChildProcessByStdio<Writable, Readable, null> {
    const child = this.git.start(['cat-file', '--batch']);
    const fail = (error: Error): void => {
      if (this.child !== child) return;
      this.child = undefined;
      this.received = [];
      this.length = 0;
      this.wanted = 0;
      for (const request of this.requests.splice(0)) request.reject(error);
    };
    child.stdin.on('error', () => undefined);
    child.once('error', error => fail(notStarted(error, this.git.directory)));
    child.once('close', () => fail(new GitFailure('cat-file', 'it has ended')));
    child.stdout.on('data', (bytes: Buffer) => this.take(bytes));
    return child;
  }

  private take(bytes: Buffer): void {
    this.received.push(bytes);
    this.length += bytes.length;
    if (this.length < this.wanted) return;
    let all = Buffer.concat(this.received);
    for (;;) {
      this.wanted = 0;
      const headEnd = all.indexOf(LF);
      if (headEnd < 0) break;
      const head = all.toString('utf8', 0, headEnd);
      const [, name, type, size] = /^([0-9a-f]+) (\w+) (\d+)$/.exec(head) ?? [];
      const end = headEnd + 1 + (size === undefined ? 0 : Number(size) + 1);
      if (all.length < end) {
        this.wanted = end;
        break;
      }
      const content = all.subarray(headEnd + 1, end - 1);
      this.requests.shift()?.resolve(name && type && size ? { name, type, content } : undefined);
      all = all.subarray(end);
    }
    this.received = [all];
    this.length = all.length;
    if (this.requests.length === 0 && this.child) hold(this.child, false);
  }
}

/** Whether the child process keeps this process alive. */
function hold(child: ChildProcessByStdio<Writable, Readable, null>, whether: boolean): void {
  for (const end of [child, child.stdin as Socket, child.stdout as Socket]) {
    if (whether) end.ref();
    else end.unref();
  }
}
