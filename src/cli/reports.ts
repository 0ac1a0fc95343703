import path from 'node:path';
import type { Queue } from '../queue/queue.js';
import { ByteSink, type Sink } from '../report/byte-sink.js';
import { colourWanted } from '../report/colour.js';
import { ConsoleReport } from '../report/console.js';
import { openJobLog } from '../report/job-log.js';
import { JsonReport } from '../report/json.js';
import { LastLine } from '../report/last-line.js';
import { openLogFile } from '../report/log-file.js';
import { reason, type Warn } from '../report/loss.js';
import { Progress } from '../report/progress.js';
import { openResultsFolder } from '../report/results-folder.js';
import { RUN_PROGRESS } from '../report/run-progress.js';
import type { Listener } from '../run/events.js';
import { hostName } from '../system/host.js';
import type { RunmakerOptions } from './runmaker.js';
import { terminalWidth } from './terminal.js';

const DEFAULT_LOG_LINES = 3;

/** All that listens to one run. */
export interface Reports {
  readonly listeners: readonly Listener[];
  /** Settles when everything is written. */
  close(): Promise<void>;
}

/** Something that listens and wants to be closed. */
interface Report {
  readonly listener: Listener;
  close(): Promise<void>;
}

/**
 * Opens what the options ask for. Files that cannot be opened stop the run before it starts.
 * @param onGone called when nobody reads standard output any more
 */
export async function openReports(queue: Queue, options: RunmakerOptions, onGone: () => void): Promise<Reports> {
  const out = new ByteSink(1, {
    onGone,
    onError: error => process.stderr.write(`runmaker: standard output: ${reason(error)}; what jobs print is lost\n`),
  });
  const onTerminal = process.stdout.isTTY === true && !options.json;
  const live = onTerminal && options.progress ? new LastLine(out) : undefined;
  // On a terminal warnings go the same way as the output, so that they do not run into the line at its bottom.
  const err = live && process.stderr.isTTY ? live : new ByteSink(2);
  const main = mainReport(options, live ?? out, err);
  const warn: Warn = (message, hint) => void main.listener({ type: 'warning', message, hint });
  const reports: Report[] = [main];
  if (options.logfile !== undefined) {
    const lines = options.loglines ?? DEFAULT_LOG_LINES;
    reports.push(await openLogFile(options.logfile, { lines, directory: path.resolve(options.chdir ?? '.'), host: hostName(), warn }));
  }
  if (options.joblog !== undefined) reports.push(await openJobLog(options.joblog, warn));
  if (live) reports.push(runProgress(live, queue));
  if (options.results !== undefined) reports.push(await openResultsFolder(options.results, warn));
  return {
    listeners: reports.map(report => report.listener),
    async close() {
      // The first one last: it prints what the others have to say.
      for (const report of reports.reverse()) await report.close();
      await Promise.all([out.flush(), err.flush()]);
    },
  };
}

/** How often, in ms, the jobs are counted for the progress line. */
const COUNT_INTERVAL = 500;

/** The progress line, fed with counts for as long as the run lasts. */
function runProgress(live: LastLine, queue: Queue): Report {
  const progress = new Progress(live, RUN_PROGRESS, { columns: terminalWidth });
  let counting: Promise<void> | undefined;
  const count = (): void => {
    // A queue that cannot be counted is the runner's to complain about.
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

function mainReport(options: RunmakerOptions, out: Sink, err: Sink): Report {
  if (options.json) return new JsonReport(out);
  const colour = colourWanted(options.color, process.stdout.isTTY === true, process.env);
  return new ConsoleReport(out, err, { host: hostName(), colour, quiet: options.quiet ?? false });
}
