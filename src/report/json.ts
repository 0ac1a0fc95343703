import { isUtf8 } from 'node:buffer';
import type { OutputStream } from '../execute/executor.js';
import type { Job } from '../job/job.js';
import type { Attempt, Listener, RunEvent } from '../run/events.js';
import { Attempts } from './attempts.js';
import type { Sink } from './byte-sink.js';
import type { AttemptJson, JobJson, JsonEvent } from './json-event.js';
import { LineAssembler } from './lines.js';
import { outcomeJson } from './outcome-json.js';

const LF = 0x0a;
const STREAMS = ['stdout', 'stderr'] as const;

/** Run events as JSON, one object a line (`--json`); json-event.ts says what they hold. Lines of output are events of their own. */
export class JsonReport {
  readonly listener: Listener;
  readonly #out: Sink;
  readonly #now: () => number;
  readonly #lines = new Attempts<Record<OutputStream, LineAssembler>>(() => ({
    stdout: new LineAssembler(),
    stderr: new LineAssembler(),
  }));

  /** @param now milliseconds since 1970 */
  constructor(out: Sink, now: () => number = Date.now) {
    this.#out = out;
    this.#now = now;
    this.listener = event => this.#handle(event);
  }

  /** Settles when everything is written. The sink stays open. */
  close(): Promise<void> {
    return this.#out.flush();
  }

  #handle(event: RunEvent): void | Promise<void> {
    const time = new Date(this.#now()).toISOString();
    switch (event.type) {
      case 'claimed':
        return this.#print([{ event: 'claimed', time, job: jobJson(event.job), slot: event.slot }]);
      case 'started':
        this.#lines.begin(event);
        return this.#print([{ event: 'started', ...attemptJson(event, new Date(event.start).toISOString()) }]);
      case 'output': {
        const lines = this.#lines.of(event)[event.stream].push(event.bytes);
        return lines === undefined ? undefined : this.#print(outputJson(event, event.stream, lines, time));
      }
      case 'ended': {
        const assemblers = this.#lines.end(event);
        const rest = STREAMS.flatMap(stream => outputJson(event, stream, assemblers[stream].flush(), time));
        const end = new Date(event.end).toISOString();
        const start = new Date(event.start).toISOString();
        const { again } = event;
        return this.#print([...rest, { event: 'ended', ...attemptJson(event, end), start, end, ...outcomeJson(event.outcome), again }]);
      }
      case 'notStarted':
        return this.#print([{ event: 'notStarted', time, job: jobJson(event.job), slot: event.slot, message: event.message }]);
      case 'finished': {
        const refused = event.refused === undefined ? {} : { refused: event.refused };
        return this.#print([{ event: 'finished', time, job: jobJson(event.job), slot: event.slot, state: event.state, ...refused }]);
      }
      case 'warning': {
        const hint = event.hint === undefined ? {} : { hint: event.hint };
        return this.#print([{ event: 'warning', time, message: event.message, ...hint }]);
      }
    }
  }

  #print(events: readonly JsonEvent[]): void | Promise<void> {
    return this.#out.give(Buffer.from(events.map(event => `${JSON.stringify(event)}\n`).join('')));
  }
}

function jobJson({ number, state, command }: Job): JobJson {
  return isUtf8(command) ? { number, state, command: command.toString() } : { number, state, base64: command.toString('base64') };
}

function attemptJson(attempt: Attempt, time: string): AttemptJson {
  return { time, job: jobJson(attempt.job), ...placeJson(attempt) };
}

function placeJson({ slot, attempt, host, pid }: Attempt) {
  return { slot, attempt, host, pid };
}

/** An event for each line. */
function outputJson(attempt: Attempt, stream: OutputStream, lines: Buffer | undefined, time: string): JsonEvent[] {
  if (lines === undefined) return [];
  const common = { event: 'output', time, job: { number: attempt.job.number }, ...placeJson(attempt), stream } as const;
  const events: JsonEvent[] = [];
  for (let start = 0; start < lines.length; ) {
    const end = lines.indexOf(LF, start);
    const line = lines.subarray(start, end);
    events.push(isUtf8(line) ? { ...common, text: line.toString() } : { ...common, base64: line.toString('base64') });
    start = end + 1;
  }
  return events;
}
