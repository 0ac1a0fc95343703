import { isUtf8 } from 'node:buffer';
import type { OutputStream } from '../../execute/executor.js';
import type { Job } from '../../job/job.js';
import { visibleJson } from '../../job/visible.js';
import type { Attempt, Listener, RunEvent } from '../../run/events.js';
import { Attempts } from '../attempts.js';
import type { Sink } from '../output/byte-sink.js';
import { LineAssembler } from '../output/line-assembler.js';
import { commandJson } from './command-json.js';
import type { AttemptJson, JobJson, JsonEvent, OutputJson } from './json-event.js';
import { outcomeJson } from './outcome-json.js';

const LF = 0x0a;
const STREAMS = ['stdout', 'stderr'] as const;

/** A line of output and the name of its field. */
type Content = readonly ['text' | 'base64', string];

/** Run events as JSON, one object a line (`--json`); json-event.ts documents them. Each line of output is an event of its own. */
export class JsonReport {
  readonly listener: Listener;
  private readonly out: Sink;
  private readonly now: () => number;
  private readonly lines = new Attempts<Record<OutputStream, LineAssembler>>(() => ({
    stdout: new LineAssembler(),
    stderr: new LineAssembler(),
  }));

  /** @param now milliseconds since 1970 */
  constructor(out: Sink, now: () => number = Date.now) {
    this.out = out;
    this.now = now;
    this.listener = event => this.handle(event);
  }

  /** Settles when everything is written. Leaves the sink open. */
  close(): Promise<void> {
    return this.out.flush();
  }

  private handle(event: RunEvent): void | Promise<void> {
    const time = new Date(this.now()).toISOString();
    switch (event.type) {
      case 'claimed':
        return this.print({ event: 'claimed', time, job: jobJson(event.job), slot: event.slot });
      case 'preparing':
        return this.print({ event: 'preparing', time, job: nameJson(event.job), slot: event.slot, text: event.text });
      case 'started':
        this.lines.begin(event);
        return this.print({ event: 'started', ...attemptJson(event, new Date(event.start).toISOString()) });
      case 'output': {
        const lines = this.lines.of(event)[event.stream].push(event.bytes);
        return this.give(outputJson(event, event.stream, lines, time));
      }
      case 'ended': {
        const assemblers = this.lines.end(event);
        const rest = STREAMS.map(stream => outputJson(event, stream, assemblers[stream].flush(), time)).join('');
        const end = new Date(event.end).toISOString();
        const start = new Date(event.start).toISOString();
        const { again } = event;
        return this.print({ event: 'ended', ...attemptJson(event, end), start, end, ...outcomeJson(event.outcome), again }, rest);
      }
      case 'detached': {
        const assemblers = this.lines.end(event);
        const rest = STREAMS.map(stream => outputJson(event, stream, assemblers[stream].flush(), time)).join('');
        return this.print({ event: 'detached', ...attemptJson(event, time) }, rest);
      }
      case 'notStarted':
        return this.print({ event: 'notStarted', time, job: jobJson(event.job), slot: event.slot, message: event.message });
      case 'finished': {
        const refused = event.refused === undefined ? {} : { refused: event.refused };
        return this.print({ event: 'finished', time, job: jobJson(event.job), slot: event.slot, state: event.state, ...refused });
      }
      case 'summary': {
        const { type, ...summary } = event;
        return this.print({ event: type, time, ...summary });
      }
      case 'warning': {
        const hint = event.hint === undefined ? {} : { hint: event.hint };
        return this.print({ event: 'warning', time, message: event.message, ...hint });
      }
    }
  }

  /** @param before lines to print in the same write */
  private print(event: JsonEvent, before = ''): void | Promise<void> {
    return this.give(`${before}${visibleJson(JSON.stringify(event))}\n`);
  }

  private give(lines: string): void | Promise<void> {
    if (lines !== '') return this.out.give(Buffer.from(lines));
  }
}

function jobJson(job: Job): JobJson {
  return { ...nameJson(job), state: job.state, ...commandJson(job.command) };
}

function nameJson({ id, number }: Job): Pick<JobJson, 'id' | 'number'> {
  return { id, ...(number !== undefined && { number }) };
}

function attemptJson(attempt: Attempt, time: string): AttemptJson {
  return { time, job: jobJson(attempt.job), ...placeJson(attempt) };
}

function placeJson({ slot, attempt, host, pid, handle }: Attempt) {
  return { slot, attempt, host, ...(pid !== undefined && { pid }), handle };
}

/** One event per line. The common part is built once: a job can print a million lines a second. */
function outputJson(attempt: Attempt, stream: OutputStream, lines: Buffer | undefined, time: string): string {
  if (lines === undefined) return '';
  const common = {
    event: 'output',
    time,
    job: nameJson(attempt.job),
    ...placeJson(attempt),
    stream,
  } satisfies Partial<OutputJson>;
  const head = visibleJson(JSON.stringify(common)).slice(0, -1);
  const contents = isUtf8(lines) ? textLines(lines) : wholeLines(lines).map(contentOf);
  return contents.map(([key, value]) => `${head},"${key}":${visibleJson(JSON.stringify(value))}}\n`).join('');
}

/** Much faster than line by line, and nearly all output is text. */
function textLines(lines: Buffer): Content[] {
  const text = lines.toString('utf8', 0, lines.length - 1);
  return text.split('\n').map(line => ['text', line]);
}

function contentOf(line: Buffer): Content {
  return isUtf8(line) ? ['text', line.toString()] : ['base64', line.toString('base64')];
}

/** The lines without their newlines. */
function wholeLines(lines: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let start = 0; start < lines.length; ) {
    const end = lines.indexOf(LF, start);
    found.push(lines.subarray(start, end));
    start = end + 1;
  }
  return found;
}
