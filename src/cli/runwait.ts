import { setTimeout } from 'node:timers/promises';
import { after } from '../async/timer.js';
import { RunmakerError } from '../errors.js';
import type { Counts } from '../job/state.js';
import { describeLeftovers, describeNothing } from '../queue/end-messages.js';
import { openQueue } from '../queue/open.js';
import { OrphanWatch } from '../queue/orphan-watch.js';
import type { Queue } from '../queue/queue.js';
import { ByteSink, type Sink } from '../report/output/byte-sink.js';
import { LastLine } from '../report/progress/last-line.js';
import { Progress } from '../report/progress/progress.js';
import { progressLine, WAIT_PROGRESS } from '../report/progress/wait-progress.js';
import { type AccessOptions, accessTo, withAccess } from './options/access.js';
import { duration } from './options/values.js';
import { complain } from './program/complain.js';
import type { Output } from './program/output.js';
import { commandLine, EXIT } from './program/program.js';
import { terminalWidth } from './program/terminal.js';

interface Options extends AccessOptions {
  useExitStatus?: boolean;
  timeout?: number;
  progress?: boolean;
  json?: boolean;
}

/** How often, in ms, to check for orphans: a new orphan changes nothing in the queue. */
const ORPHAN_CHECK = 5000;

/** `runwait`: waits until all jobs of a queue have run. Returns the exit status. */
export async function runwait(argv: readonly string[], output: Output): Promise<number> {
  const program = withAccess(commandLine('runwait', 'Wait until all jobs of a queue were run.', output), ['sleep', 'locks', 'unsafeLocks'])
    .argument('<queue>', 'path of the runs file; tcp://host or unix:path of a runmaker-server; git+ssh://…#runs.txt; redis://host#name')
    .option('-e, --use-exit-status', 'exit with 0 only if all jobs are done, else with 1')
    .option('--timeout <duration>', 'wait no longer than this, then exit with status 124', duration('--timeout'))
    .option('-p, --progress', 'print the progress at each change; a live bar on a terminal')
    .option('--json', 'print the counts of each state at each change, one JSON object a line')
    .addHelpText('after', '\n  runwait --progress runs.txt && notify\nMore in docs/runwait.md.')
    .parse([...argv], { from: 'user' });
  const options = program.opts<Options>();
  if (options.progress && options.json) throw new RunmakerError('usage', '--json and --progress contradict each other');
  const queueName = program.args[0] as string;
  const queue = await openQueue(queueName, accessTo(queueName, options));
  try {
    const display = openDisplay(options, output.offThread);
    try {
      const counts = await waitForEnd(queue, options.timeout, display);
      await display.close();
      return await conclude(queue, counts, options);
    } finally {
      await display.close();
    }
  } finally {
    await queue.close();
  }
}

/** Shows counts as they change, and messages next to them. */
interface Display {
  counts(counts: Counts): void;
  notice(text: string): void;
  close(): Promise<void>;
}

function openDisplay({ progress, json }: Options, out: Sink): Display {
  const err = new ByteSink(2);
  const live = progress && !json && process.stdout.isTTY ? new LastLine(out) : undefined;
  const bar = live && new Progress(live, WAIT_PROGRESS, { columns: terminalWidth });
  const text = json ? (counts: Counts) => JSON.stringify(counts) : progress ? progressLine : undefined;
  return {
    counts(counts) {
      if (bar) bar.update(counts);
      else if (text) void out.give(Buffer.from(`${text(counts)}\n`));
    },
    notice(message) {
      void (live ?? err).give(Buffer.from(`runwait: ${message}\n`));
    },
    async close() {
      await bar?.close();
      await live?.flush();
      await Promise.all([out.flush(), err.close()]);
    },
  };
}

/** Returns the final counts, or those at the timeout if the queue is not finished. */
async function waitForEnd(queue: Queue, timeout: number | undefined, display: Display): Promise<Counts> {
  const giveUp = new AbortController();
  const { signal } = giveUp;
  const callOff = timeout === undefined ? () => undefined : after(timeout, () => giveUp.abort());
  const orphans = new OrphanWatch(queue, (message, hint) => display.notice(`${message}\n${hint}`));
  let shown = '';
  try {
    for (;;) {
      const { seen } = queue;
      const counts = await queue.counts();
      if (JSON.stringify(counts) !== shown) {
        shown = JSON.stringify(counts);
        display.counts(counts);
      }
      if (isOver(counts) || signal.aborted) return counts;
      if (counts.running + counts.claimed > 0) await orphans.look();
      await newsWithin(queue, seen, ORPHAN_CHECK, signal);
    }
  } finally {
    callOff();
  }
}

/** Waits until the queue changes, `ms` have passed, or `signal` is aborted. */
async function newsWithin(queue: Queue, seen: number, ms: number, signal: AbortSignal): Promise<void> {
  const enough = new AbortController();
  const stop = (): void => enough.abort();
  signal.addEventListener('abort', stop, { once: true });
  try {
    await Promise.race([queue.changed(enough.signal, seen), setTimeout(ms, undefined, { signal: enough.signal })]);
  } catch (error) {
    if (!enough.signal.aborted) throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    enough.abort();
  }
}

function isOver(counts: Counts): boolean {
  return counts.new - counts.blocked + counts.claimed + counts.running === 0;
}

async function conclude(queue: Queue, counts: Counts, options: Options): Promise<number> {
  if (!isOver(counts)) {
    complain(
      `runwait: ${queue.name} is not at its end: jobs new: ${counts.new}${counts.blocked > 0 ? ` (${counts.blocked} of them blocked)` : ''}, running: ${counts.running + counts.claimed}`,
    );
    return EXIT.timeout;
  }
  const nothing = describeNothing(queue, counts);
  if (nothing && counts.total === 0) throw new RunmakerError('input', nothing.message, { hint: nothing.hint });
  for (const { message, hint } of await describeLeftovers(queue, counts)) complain(`runwait: ${message}`, hint);
  const allDone = counts.done === counts.total - counts.held;
  return options.useExitStatus && !allDone ? EXIT.failed : EXIT.ok;
}
