// The smallest executor that outlives its runner: a job is a time of day in a file. `sleep 0.3; exit 2` ends 300 ms after its
// start with status 2, and prints the words of every `echo` at its end, to whichever runner is there then.
import { appendFileSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { commandDigest } from '../../dist/index.js';

/** @typedef {{ handle: string, queue: string, job: string, print: string, start: number, end: number, code: number, text: string }} Timer */

export class TimerExecutor {
  /** @param {string} file records started tasks, one object per line: `{handle, …}` at the start, `{handle, over}` when it is forgotten */
  constructor(file) {
    this.file = file;
  }

  async start(task) {
    const [, seconds = '0'] = /sleep ([\d.]+)/.exec(String(task.job.command)) ?? [];
    const [, code = '0'] = /exit (\d+)/.exec(String(task.job.command)) ?? [];
    const words = [...String(task.job.command).matchAll(/echo (\w+)/g)].map(([, word]) => `${word}\n`);
    const start = Date.now();
    const timer = {
      handle: `${process.pid}-${start}-${Math.random().toString(36).slice(2)}`,
      queue: task.queue,
      job: task.job.id,
      print: commandDigest(task.job.command),
      start,
      end: start + Number(seconds) * 1000,
      code: Number(code),
      text: words.join(''),
    };
    appendFileSync(this.file, `${JSON.stringify(timer)}\n`);
    return new TimerExecution(timer, task, this.file);
  }

  async survivors(queue) {
    return this.open()
      .filter(timer => timer.queue === queue)
      .map(({ handle, job, print }) => ({ handle, job, print, end: async () => this.forget(handle) }));
  }

  async attach(handle, task) {
    const timer = this.open().find(known => known.handle === handle);
    return timer && new TimerExecution(timer, task, this.file);
  }

  forget(handle) {
    appendFileSync(this.file, `${JSON.stringify({ handle, over: true })}\n`);
  }

  /** @returns {Timer[]} those that were not forgotten */
  open() {
    const known = new Map();
    for (const line of readLines(this.file)) {
      const entry = JSON.parse(line);
      if (entry.over) known.delete(entry.handle);
      else known.set(entry.handle, entry);
    }
    return [...known.values()];
  }
}

class TimerExecution {
  constructor(timer, task, file) {
    this.timer = timer;
    this.file = file;
    this.handle = timer.handle;
    this.label = `timers,${timer.handle}`;
    this.start = timer.start;
    this.stop = new AbortController();
    this.exit = this.follow(task);
  }

  async follow(task) {
    const { end, code, text } = this.timer;
    try {
      await sleep(Math.max(0, end - Date.now()), undefined, { signal: this.stop.signal });
    } catch {
      if (this.stop.signal.reason === 'detached') return new Promise(() => undefined);
      return { kind: 'signalled', signal: this.stop.signal.reason };
    }
    if (text) await task.output('stdout', Buffer.from(text));
    return { kind: 'exited', code };
  }

  kill(signal) {
    const number = { SIGTERM: 15, SIGKILL: 9 }[signal];
    if (number) this.stop.abort(number);
  }

  abandon() {
    this.stop.abort(9);
  }

  async detach() {
    this.stop.abort('detached');
  }

  async forget() {
    new TimerExecutor(this.file).forget(this.handle);
  }
}

function readLines(file) {
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean);
  } catch {
    return [];
  }
}
