import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './eventually.js';
import { fixture, isAlive } from './programs.js';
import { temporaryFolder } from './temporary.js';

/** A folder with a runs file, and the files that its jobs leave there. */
export class Workbench {
  readonly folder = temporaryFolder();
  readonly runs = join(this.folder, 'runs.txt');

  constructor(content: string | Buffer) {
    writeFileSync(this.runs, content);
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** The runs file as it is now. */
  get content(): string {
    return readFileSync(this.runs, 'utf8');
  }

  /** The states of the jobs, in order, as one word. */
  get states(): string {
    return this.content
      .split('\n')
      .filter(line => /^[^#/][ \t]/.test(line))
      .map(line => line[0])
      .join('');
  }

  read(name: string): string {
    return readFileSync(this.path(name), 'utf8');
  }

  /** The lines of a file that jobs have written; none if it does not exist. */
  lines(name: string): string[] {
    const text = existsSync(this.path(name)) ? this.read(name).trimEnd() : '';
    return text === '' ? [] : text.split('\n');
  }

  /** Waits until the states are these. */
  async reaches(states: string): Promise<void> {
    await eventually(`the states are ${states}`, () => this.states === states);
  }

  /** Waits until a file has the given number of lines. */
  async has(name: string, lines = 1): Promise<string[]> {
    return await eventually(`${name} has ${lines} lines`, () => (this.lines(name).length >= lines ? this.lines(name) : undefined));
  }

  /** Waits until the processes whose ids jobs have written to a file are gone. */
  async areGone(name: string): Promise<void> {
    const pids = this.lines(name).map(Number);
    if (pids.length === 0) throw new Error(`${name} names no process`);
    await eventually(`the processes ${pids} are gone`, () => !pids.some(isAlive), 5000);
  }
}

/** A command that appends its process id to the file `pids`, and then waits for the file `go`, 20 s at most. */
export function waiting(before = 'true', after = 'true'): string {
  return `echo $$ >> pids; ${before}; ${fixture('await-file.sh')} go; ${after}`;
}
