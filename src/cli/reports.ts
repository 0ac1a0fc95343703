import path from 'node:path';
import { reason } from '../errors.js';
import type { Queue } from '../queue/queue.js';
import { colourWanted } from '../report/console/colour.js';
import { ConsoleReport } from '../report/console/console-report.js';
import { ByteSink, type Sink } from '../report/output/byte-sink.js';
import type { Warn } from '../report/output/write-failure.js';
import { LastLine } from '../report/progress/last-line.js';
import type { Listener } from '../run/events.js';
import { hostName } from '../system/host.js';
import { refuseSameFile } from './distinct-files.js';
import type { RunmakerOptions } from './options/runmaker-options.js';
import { complain } from './program/complain.js';
import { terminalWidth } from './program/terminal.js';

const DEFAULT_LOG_LINES = 3;

/** All listeners of one run. */
export interface Reports {
  readonly listeners: readonly Listener[];
  readonly warn: Warn;
  /** Settles when everything is written. */
  close(): Promise<void>;
}

/** A listener that must be closed. */
interface Report {
  readonly listener: Listener;
  close(): Promise<void>;
}

/**
 * Opens the reports that the options ask for and loads no more code than that: a runner should start its first job soon. A file that cannot
 * be opened stops the run before it starts.
 * @param onGone called when standard output has lost its reader
 */
export async function openReports(queue: Queue, options: RunmakerOptions, onGone: () => void): Promise<Reports> {
  await refuseSameFile({ 'the queue': queue.address, '--logfile': options.logfile, '--joblog': options.joblog });
  const out = new ByteSink(1, {
    onGone,
    onError: error => complain(`runmaker: standard output: ${reason(error)}; what jobs print is lost`),
  });
  const onTerminal = process.stdout.isTTY === true && !options.json;
  const live = onTerminal && options.progress ? new LastLine(out) : undefined;
  // On a terminal, warnings share the output's sink, so that they do not run into the line at its bottom.
  const err = live && process.stderr.isTTY ? live : new ByteSink(2);
  const main = await mainReport(options, live ?? out, err);
  const warn: Warn = (message, hint) => void main.listener({ type: 'warning', message, hint });
  const reports: Report[] = [main];
  const close = async (): Promise<void> => {
    // The first one last: it prints the others' messages.
    for (const report of reports.reverse()) await report.close();
    await Promise.all([out.flush(), err.flush()]);
  };
  try {
    if (options.logfile !== undefined) {
      const { openLogFile } = await import('../report/log/log-file.js');
      const lines = options.loglines ?? DEFAULT_LOG_LINES;
      reports.push(await openLogFile(options.logfile, { lines, directory: path.resolve(options.chdir ?? '.'), host: hostName(), warn }));
    }
    if (options.joblog !== undefined) reports.push(await (await import('../report/job-log/job-log.js')).openJobLog(options.joblog, warn));
    if (options.results !== undefined)
      reports.push(await (await import('../report/results/results-folder.js')).openResultsFolder(options.results, warn));
    if (live && !queue.capabilities.claimsOnly) reports.push(await runProgress(live, queue));
  } catch (error) {
    await close();
    throw error;
  }
  return { listeners: reports.map(report => report.listener), warn, close };
}

/** How often, in ms, the jobs are counted for the progress line. */
const COUNT_INTERVAL = 500;

/** The progress line, updated with counts while the run lasts. */
async function runProgress(live: LastLine, queue: Queue): Promise<Report> {
  const { Progress } = await import('../report/progress/progress.js');
  const { RUN_PROGRESS } = await import('../report/progress/run-progress.js');
  const progress = new Progress(live, RUN_PROGRESS, { columns: terminalWidth });
  let counting: Promise<void> | undefined;
  const count = (): void => {
    // The runner reports a queue that cannot be read.
    counting ??= queue
      .counts({ known: true })
      .then(counts => progress.update(counts))
      .catch(() => undefined)
      .finally(() => {
        counting = undefined;
      });
  };
  count();
  const timer = setInterval(count, COUNT_INTERVAL);
  return {
    listener: () => undefined,
    async close() {
      clearInterval(timer);
      await counting;
      await progress.close();
    },
  };
}

async function mainReport(options: RunmakerOptions, out: Sink, err: Sink): Promise<Report> {
  if (options.json) return new (await import('../report/json/json-report.js')).JsonReport(out);
  const colour = colourWanted(options.color, process.stdout.isTTY === true, process.env);
  return new ConsoleReport(out, err, {
    host: hostName(),
    colour,
    quiet: options.quiet ?? false,
    onTerminal: process.stdout.isTTY === true,
  });
}
