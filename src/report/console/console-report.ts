import type { OutputStream } from '../../execute/executor.js';
import { visibleBytes, visibleLines } from '../../job/visible.js';
import type { Attempt, Listener, RunEvent } from '../../run/events.js';
import { Attempts } from '../attempts.js';
import type { Sink } from '../output/byte-sink.js';
import { LineAssembler } from '../output/line-assembler.js';
import { type Palette, palette, type Style } from './colour.js';
import { detachedText, endedTexts, executingText, forkedText, notStartedText, outputTag, preparingText } from './status-text.js';
import { tagLines } from './tags.js';

/** Options of the console output. */
export interface ConsoleOptions {
  /** This host's name without domain: a job that could not be started has no label to show. */
  readonly host: string;
  readonly colour: boolean;
  /** Omits status messages about running jobs; keeps their output, warnings and jobs that could not be started. */
  readonly quiet: boolean;
  /** Escapes control characters in commands: one command could hide another. Job output passes unchanged. */
  readonly onTerminal: boolean;
}

const LINE_FEED = Buffer.from('\n');

/** One output stream of a job and the styles around its lines. */
interface Stream {
  readonly lines: LineAssembler;
  readonly before: Buffer;
  readonly after: Buffer;
}

/**
 * The text output of a runner:
 *
 *     executing `echo a; sleep 60s; echo A'
 *     status (alice,601): forked "echo a; sleep 60s; echo A"
 *     stdout (alice,601): a
 *     status (alice,601): exit 0 "echo a; sleep 60s; echo A"
 *
 * Each event makes at most one write of whole lines, so lines never interleave. A last line without a newline is printed when the job ends.
 * A job killed by signal 9 ends with `exit -9`; a job that timed out has `status (alice,601): timed out after 2h "…"` before its exit; a
 * job that could not be started prints `status (alice): not started: … "…"`.
 */
export class ConsoleReport {
  readonly listener: Listener;
  private readonly out: Sink;
  private readonly err: Sink;
  private readonly options: ConsoleOptions;
  private readonly palette: Palette;
  private readonly attempts: Attempts<Record<OutputStream, Stream>>;

  /**
   * @param out job output and status messages
   * @param err warnings. If both are the same terminal, pass the same sink so that the progress line sees both
   */
  constructor(out: Sink, err: Sink, options: ConsoleOptions) {
    this.out = out;
    this.err = err;
    this.options = options;
    this.palette = palette(options.colour);
    this.attempts = new Attempts(attempt => ({ stdout: this.stream('stdout', attempt), stderr: this.stream('stderr', attempt) }));
    this.listener = event => this.handle(event);
  }

  /** Settles when everything is written. Leaves the sinks open. */
  async close(): Promise<void> {
    await Promise.all([this.out.flush(), this.err.flush()]);
  }

  private handle(event: RunEvent): void | Promise<void> {
    switch (event.type) {
      case 'claimed':
        return this.print(this.status(executingText(event.job.command)));
      case 'preparing':
        return this.print(this.status(preparingText(event, this.options.host)));
      case 'started':
        this.attempts.begin(event);
        return this.print(this.status(forkedText(event)));
      case 'output': {
        const stream = this.attempts.of(event)[event.stream];
        return this.print(tagged(stream, stream.lines.push(event.bytes)));
      }
      case 'ended': {
        const { stdout, stderr } = this.attempts.end(event);
        const status = endedTexts(event).map(text => this.status(text));
        return this.print(tagged(stdout, stdout.lines.flush()), tagged(stderr, stderr.lines.flush()), ...status);
      }
      case 'detached': {
        const { stdout, stderr } = this.attempts.end(event);
        return this.print(tagged(stdout, stdout.lines.flush()), tagged(stderr, stderr.lines.flush()), this.status(detachedText(event)));
      }
      case 'notStarted':
        // No other message reports it, so `quiet` does not hide it.
        if (this.options.quiet) return this.warn(`job ${event.job.id} could not be started: ${event.message}`);
        return this.print(this.status(notStartedText(event, this.options.host)));
      case 'finished':
        if (event.refused === undefined) return;
        return this.warn(
          `job ${event.job.id}: its state '${event.state}' was not written: ${event.refused}`,
          'look at its line before you run it again',
        );
      case 'summary':
        return undefined;
      case 'warning':
        return this.warn(event.message, event.hint);
    }
  }

  private print(...parts: (Buffer | undefined)[]): void | Promise<void> {
    const present = parts.filter(part => part !== undefined);
    if (present.length === 0) return;
    return this.out.give(present.length === 1 ? present[0]! : Buffer.concat(present));
  }

  private warn(message: string, hint?: string): void | Promise<void> {
    const text = Buffer.from(visibleLines(`runmaker: ${message}\n${hint === undefined ? '' : `${hint}\n`}`));
    // If both go to the same place, print the warning after what it refers to.
    return this.out.waiting === 0 ? this.err.give(text) : this.out.flush().then(() => this.err.give(text));
  }

  private status(text: Buffer): Buffer | undefined {
    if (this.options.quiet) return undefined;
    const { open, close } = this.palette.status;
    return Buffer.concat([open, this.options.onTerminal ? visibleBytes(text) : text, close, LINE_FEED]);
  }

  private stream(name: OutputStream, attempt: Attempt): Stream {
    const tag: Style = this.palette.tag(attempt.slot);
    const text: Style | undefined = name === 'stderr' ? this.palette.stderr : undefined;
    const label = outputTag(name, attempt.label);
    return {
      lines: new LineAssembler(),
      before: Buffer.concat([tag.open, Buffer.from(label.trimEnd()), tag.close, Buffer.from(' '), text?.open ?? Buffer.alloc(0)]),
      after: text?.close ?? Buffer.alloc(0),
    };
  }
}

function tagged(stream: Stream, lines: Buffer | undefined): Buffer | undefined {
  return lines === undefined ? undefined : tagLines(lines, stream.before, stream.after);
}
