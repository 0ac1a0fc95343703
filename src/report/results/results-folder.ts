import fs from 'node:fs';
import { access, lstat, mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoName } from '../../errors.js';
import type { OutputStream } from '../../execute/executor.js';
import type { Attempt, Listener, RunEvent } from '../../run/events.js';
import { atServer, callServer } from '../../system/server-calls.js';
import { Attempts } from '../attempts.js';
import { ByteSink } from '../output/byte-sink.js';
import { cannotOpen, type Warn, WriteFailureNotice } from '../output/write-failure.js';
import { resultStatus } from './result-status.js';

type Ended = Extract<RunEvent, { type: 'ended' }>;

/**
 * Opens a folder for whole outputs; creates a missing one.
 *
 * @throws RunmakerError `input` when it cannot be created or written to
 */
export async function openResultsFolder(path: string, warn: Warn): Promise<ResultsFolder> {
  try {
    await makeFolder(path);
    // The dot makes the check fail if the name is that of a file.
    await access(`${path}/.`, fs.constants.W_OK | fs.constants.X_OK);
  } catch (error) {
    throw cannotOpen(path, error);
  }
  return new ResultsFolder(path, warn);
}

/** Not mkdir's own `recursive`, which loops for ever below /proc. */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (errnoName(error) === 'EEXIST') return;
    const parent = dirname(path);
    if (errnoName(error) !== 'ENOENT' || parent === path) throw error;
    await makeFolder(parent);
    await mkdir(path).catch(unlessExists);
  }
}

function unlessExists(error: unknown): void {
  if (errnoName(error) !== 'EEXIST') throw error;
}

const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = fs.constants;
/** Through a link that another user put there, a write would overwrite a file elsewhere. */
const NEW_FILE = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW;

/** Makes a job's folder, unless it exists. A link to another place is refused. */
async function makeOwnFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await refuseLink(folder);
}

async function refuseLink(folder: string): Promise<void> {
  if ((await lstat(folder)).isSymbolicLink()) {
    throw Object.assign(new Error(`ELOOP: ${folder} is a link, which is not followed`), { code: 'ELOOP' });
  }
}

/** The files of one attempt. */
interface Files {
  readonly folder: string;
  /** Settles when the folder exists and the previous attempt's files are closed. Never rejects. */
  readonly begun: Promise<void>;
  readonly stdout: ByteSink;
  readonly stderr: ByteSink;
}

/**
 * Whole outputs (`--results`), in a folder per job, named by its line number: `stdout` and `stderr`, byte for byte, and `status.json`,
 * which exists from the start and finally says how the job ended. Each attempt starts the files over, so they are those of the last
 * attempt.
 *
 * A write failure is reported once, and the rest of that file is dropped: its content has no gaps.
 */
export class ResultsFolder {
  readonly listener: Listener;
  private readonly path: string;
  private readonly loss: WriteFailureNotice;
  private readonly attempts: Attempts<Files>;
  /** Work in progress, by job: the next attempt waits until the files of the previous one are closed. */
  private readonly work = new Map<string, Promise<void>>();

  /** Use `openResultsFolder`. */
  constructor(path: string, warn: Warn) {
    this.path = path;
    this.loss = new WriteFailureNotice(warn, 'the jobs go on; outputs are incomplete there');
    this.attempts = new Attempts(attempt => this.begin(attempt));
    this.listener = event => this.handleEvent(event);
  }

  /** Settles when everything is written and closed. Never rejects. */
  async close(): Promise<void> {
    for (const files of this.attempts.values()) await Promise.all([files.stdout.close(), files.stderr.close()]);
    await Promise.all(this.work.values());
  }

  private handleEvent(event: RunEvent): void | Promise<void> {
    switch (event.type) {
      case 'started':
        this.attempts.begin(event);
        return;
      case 'output':
        return this.attempts.of(event)[event.stream].write(event.bytes);
      case 'ended':
        return this.end(this.attempts.end(event), event);
      case 'detached':
        return this.leave(this.attempts.end(event), event);
      default:
        return;
    }
  }

  private begin(attempt: Attempt): Files {
    const { id } = attempt.job;
    const folder = join(this.path, id);
    const ready = (this.work.get(id) ?? Promise.resolve()).then(() => atServer(() => makeOwnFolder(folder)));
    const begun = ready.then(() => writeStatus(folder, attempt)).catch(error => this.loss.say(folder, error));
    this.keep(id, begun);
    const sink = (stream: OutputStream) => this.sink(join(folder, stream), ready);
    return { folder, begun, stdout: sink('stdout'), stderr: sink('stderr') };
  }

  private end(files: Files, event: Ended): Promise<void> {
    const ended = Promise.all([files.begun, files.stdout.close(), files.stderr.close()])
      .then(() => writeStatus(files.folder, event, event))
      .catch(error => this.loss.say(files.folder, error));
    this.keep(event.job.id, ended);
    return ended;
  }

  /** The job keeps running without this runner: its status stays that of a running job. */
  private leave(files: Files, event: Attempt): Promise<void> {
    const left = Promise.all([files.begun, files.stdout.close(), files.stderr.close()])
      .then(() => undefined)
      .catch(error => this.loss.say(files.folder, error));
    this.keep(event.job.id, left);
    return left;
  }

  private sink(path: string, ready: Promise<unknown>): ByteSink {
    const descriptor = ready.then(() => callServer<number>(done => fs.open(path, NEW_FILE, done)));
    return new ByteSink(descriptor, { owned: true, stopAtError: true, onError: error => this.loss.say(path, error) });
  }

  private keep(id: string, work: Promise<void>): void {
    const kept = work.finally(() => {
      if (this.work.get(id) === kept) this.work.delete(id);
    });
    this.work.set(id, kept);
  }
}

/** Replaces the status in one step: readers see either the old or the new one. */
async function writeStatus(folder: string, attempt: Attempt, ended?: Ended): Promise<void> {
  await refuseLink(folder);
  const path = join(folder, 'status.json');
  const draft = `${path}.new`;
  const text = `${JSON.stringify(resultStatus(attempt, ended), undefined, 2)}\n`;
  try {
    await atServer(() => writeFile(draft, text, { flag: NEW_FILE as unknown as string }));
    await atServer(() => rename(draft, path));
  } catch (error) {
    await rm(draft, { force: true });
    // On a full disk the old status's block can still be overwritten: the file must not claim that the job still runs.
    if (ended) await atServer(() => overwrite(path, text));
    throw error;
  }
}

async function overwrite(path: string, text: string): Promise<void> {
  const file = await open(path, fs.constants.O_RDWR | fs.constants.O_NOFOLLOW);
  try {
    await file.write(text, 0);
    await file.truncate(Buffer.byteLength(text));
  } finally {
    await file.close();
  }
}
