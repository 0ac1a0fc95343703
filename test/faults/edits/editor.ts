import { closeSync, fstatSync, openSync, readFileSync, readSync, renameSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import type { LockableFile } from '../../../src/queue/file/locks/lock-driver.js';
import { recordDriver } from '../../../src/queue/file/locks/record.js';
import { APPEND_BYTE } from '../../../src/system/reserved-bytes.js';
import { plainLines } from '../../support/lines.js';

/*
 * What runners can promise while a file is edited.
 *
 * An editor reads a file, lets its user edit, and writes all of it back. States that runners have changed in between return to their
 * old values: a claimed job looks new again, and runs once more; an ended one looks as if it ran, and waits for --reclaim. No program
 * can prevent that, nor can a lock: editors take none. Beside such an editor (the careless one below) runners promise that they write
 * into no line but the claimed one, that they report each result they could not write, and that a job runs again only where a save
 * has put back its state.
 *
 * Where the editor replaces the file (vim, sed -i, most of them), a runner in the middle of a step writes into the old file, which is
 * out of sight: never into a wrong line. Where it rewrites the file in place (nano, "> file"), the lines can move in the microseconds
 * between a runner's check of a line and the write of its state byte. Only a lock can close that gap.
 *
 * Exactly once, in any case, is promised beside an editor that does what a program can do (the careful one): it locks the state bytes
 * of all jobs, and the byte for appending, while it reads and writes.
 */

/** `replaced`: a new file takes the place of the old one. `rewritten`: the same file gets other bytes, and is empty for a moment. */
export type Saving = 'replaced' | 'rewritten';

const driver = recordDriver('local');
const PATIENCE = 20_000;

/** Changes the lines of a file under locks on all state bytes: no state changes between reading and saving. */
export async function editCarefully(path: string, how: Saving, change: (lines: string[]) => string[]): Promise<string[]> {
  const end = performance.now() + PATIENCE;
  while (performance.now() < end) {
    const file = await driver.open(path, 'change');
    try {
      if (await lockStates(file, path)) {
        const lines = change(readLines(path));
        save(path, how, lines);
        return lines;
      }
    } finally {
      await file.close();
    }
    await setTimeout(1 + Math.random() * 3);
  }
  throw new Error(`in ${PATIENCE} ms the states could not be locked all at once`);
}

/** A file that was replaced by another. */
export interface CarelessSave {
  readonly lines: string[];
  /** The lines of the replaced file, as they are now: a process that still had it open may have written into it since. */
  replaced(): string[];
}

/** What an editor does that is unaware of runners: it reads, its user edits, it saves. */
export async function editCarelessly(path: string, thinking: number, change: (lines: string[]) => string[]): Promise<CarelessSave> {
  const old = openSync(path, 'r');
  onTestFinished(() => closeSync(old));
  const before = readLines(path);
  await setTimeout(thinking);
  const lines = change(before);
  save(path, 'replaced', lines);
  return {
    lines,
    replaced() {
      const bytes = Buffer.alloc(fstatSync(old).size);
      readSync(old, bytes, 0, bytes.length, 0);
      return linesOf(bytes);
    },
  };
}

/** The lines of a file at a moment without appends. */
export async function readLinesInPeace(path: string): Promise<string[]> {
  const file = await driver.open(path, 'change');
  try {
    const end = performance.now() + PATIENCE;
    while (!(await file.tryLock('exclusive', APPEND_BYTE, 1))) {
      if (performance.now() > end) throw new Error('somebody appends without end');
      await setTimeout(1);
    }
    return readLines(path);
  } finally {
    await file.close();
  }
}

function readLines(path: string): string[] {
  return linesOf(readFileSync(path));
}

function linesOf(bytes: Buffer): string[] {
  return bytes.toString('latin1').split('\n').slice(0, -1);
}

async function lockStates(file: LockableFile, path: string): Promise<boolean> {
  if (!(await file.tryLock('exclusive', APPEND_BYTE, 1))) return false;
  for (const { start, state } of plainLines(readFileSync(path))) {
    if (state !== 0 && !(await file.tryLock('exclusive', start, 1))) return false;
  }
  return true;
}

function save(path: string, how: Saving, lines: readonly string[]): void {
  const text = Buffer.from(lines.map(line => `${line}\n`).join(''), 'latin1');
  if (how === 'rewritten') {
    writeFileSync(path, text);
    return;
  }
  writeFileSync(`${path}.draft`, text);
  renameSync(`${path}.draft`, path);
}
