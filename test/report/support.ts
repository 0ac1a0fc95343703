import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { OutputStream } from '../../src/execute/executor.js';
import type { Job } from '../../src/job/job.js';
import type { Counts } from '../../src/job/state.js';
import type { Sink } from '../../src/report/output/byte-sink.js';
import type { Attempt, Listener, Outcome, RunEvent } from '../../src/run/events.js';

/** A folder that is removed after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'runmaker-report-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Keeps what it is given. */
export class MemorySink implements Sink {
  readonly writes: Buffer[] = [];
  waiting = 0;

  give(bytes: Buffer): void {
    this.writes.push(Buffer.from(bytes));
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  get text(): string {
    return Buffer.concat(this.writes).toString();
  }
}

/** Collects warnings. */
export function warnings(): { said: string[]; warn: (message: string, hint?: string) => void } {
  const said: string[] = [];
  return { said, warn: message => void said.push(message) };
}

export function job(command: string | Buffer, changes: Partial<Job> = {}): Job {
  return {
    id: String(changes.number ?? 1),
    number: 1,
    ordinal: 1,
    offset: 0,
    state: '.',
    command: Buffer.from(command),
    directives: { needs: {}, after: [], priority: 0 },
    ...changes,
  };
}

export const START = Date.UTC(2026, 10, 21, 12, 0, 0, 250);

/** The events of one attempt at a job, on alice, process 601. */
export function attemptAt(command: string | Buffer | Job, changes: Partial<Attempt> = {}) {
  const ofJob = typeof command === 'string' || Buffer.isBuffer(command) ? job(command) : command;
  const attempt: Attempt = {
    job: ofJob,
    slot: 1,
    attempt: 1,
    label: 'alice,601',
    host: 'alice',
    pid: 601,
    handle: '601',
    start: START,
    ...changes,
  };
  const output = (stream: OutputStream) => (bytes: string | Buffer) =>
    ({ type: 'output', stream, bytes: Buffer.from(bytes), ...attempt }) satisfies RunEvent;
  return {
    claimed: { type: 'claimed', job: ofJob, slot: attempt.slot } satisfies RunEvent,
    started: { type: 'started', ...attempt } satisfies RunEvent,
    stdout: output('stdout'),
    stderr: output('stderr'),
    ended: (outcome: Outcome = { kind: 'exited', code: 0 }, more: { again?: boolean; after?: number } = {}) =>
      ({ type: 'ended', outcome, end: START + (more.after ?? 1500), again: more.again ?? false, ...attempt }) satisfies RunEvent,
    finished: (state: 'd' | '!' | 'e' | '.', refused?: string) =>
      ({ type: 'finished', job: ofJob, slot: attempt.slot, state, refused }) satisfies RunEvent,
  };
}

/** Passes events to a listener as they come, without waiting for its promises. */
export function tell(listener: Listener, ...events: RunEvent[]): void {
  for (const event of events) void listener(event);
}

/** Counts, all others 0; the total is their sum. */
export function counts(some: Partial<Omit<Counts, 'total'>>): Counts {
  const all = { new: 0, claimed: 0, running: 0, done: 0, failed: 0, error: 0, held: 0, ...some };
  const total = all.new + all.claimed + all.running + all.done + all.failed + all.error + all.held;
  return { ...all, total, blocked: some.blocked ?? 0 };
}

/** Go to the line's start, erase the line. */
export const ERASE = '\r\x1b[K';

/** What a terminal shows after these bytes. Supports text, line feeds and ERASE; rejects any other escape sequence. */
export function screen(text: string): string[] {
  return text.split('\n').map(line => {
    const shown = line.slice(line.lastIndexOf(ERASE) + 1).replace(ERASE.slice(1), '');
    if (shown.includes('\r') || shown.includes('\x1b')) throw new Error(`unknown escape sequence in ${JSON.stringify(text)}`);
    return shown;
  });
}
