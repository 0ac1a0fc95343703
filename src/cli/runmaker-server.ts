import path from 'node:path';
import { RunmakerError } from '../errors.js';
import { openQueue } from '../queue/open.js';
import type { LockDriverName } from '../queue/queue.js';
import { cannotOpen } from '../report/output/write-failure.js';
import type { ServerLog } from '../server/log.js';
import { type Service, serve } from '../server/tcp/serve.js';
import { isDetached, reportToStarter, startDetached } from '../system/detach.js';
import { removePidFile, writePidFile } from '../system/pid-file.js';
import { type Address, DEFAULT_PORT, parseAddress, printAddress } from '../wire/address.js';
import { isWeakToken } from '../wire/token.js';
import { isServed } from './options/access.js';
import { duration, lockDriver, wholeNumber } from './options/values.js';
import type { Output } from './program/output.js';
import { commandLine, EXIT } from './program/program.js';
import { type LogOptions, openLog } from './server/server-log.js';
import { forgetToken, type ServerToken, serverToken } from './server/server-token.js';

interface Options extends LogOptions {
  port: number;
  host: string;
  retry?: boolean;
  tokenfile?: string;
  token?: string;
  daemon?: boolean;
  pidfile?: string;
  grace?: number;
  reclaim?: boolean;
  maxClients: number;
  legacy?: boolean;
  locks?: LockDriverName;
  patience?: number;
  unsafeLocks?: boolean;
  trustAny?: boolean;
}

/** An error in the form in which it crosses from one process to another. */
type Failure = Pick<RunmakerError, 'code' | 'message' | 'hint'>;

/** In ms. */
const DEFAULT_GRACE = 60_000;

/** `runmaker-server`: serves a runs file to clients on other hosts until a signal ends it. Returns the exit status. */
export async function runmakerServer(argv: readonly string[], output: Output): Promise<number> {
  const { file, options } = readArguments(argv, output);
  if (!options.daemon) return await serveUntilSignalled(file, options, text => void output.print(Buffer.from(text)));
  if (!isDetached()) return await startDaemon(output);
  try {
    return await serveUntilSignalled(file, options, text => void reportToStarter({ kind: 'ready', value: text }));
  } catch (error) {
    const { code, message, hint } = error instanceof RunmakerError ? error : new RunmakerError('queue', String(error));
    await reportToStarter({ kind: 'failed', error: { code, message, hint } });
    throw error;
  }
}

function readArguments(argv: readonly string[], output: Output): { file: string; options: Options } {
  const program = commandLine('runmaker-server', 'Serve a runs file to clients that do not reach it.', output)
    .argument('<file>', 'path of the runs file; others may go on working on it')
    .option('-p, --port <n>', 'listen on this port; 0: any that is free', wholeNumber('--port', 0), DEFAULT_PORT)
    .option('--host <address>', 'listen on this address of the host, or at unix:/path', '0.0.0.0')
    .option('-r, --retry', 'give out failed ("!") and interrupted ("e") jobs too, each at most once')
    .option('-t, --tokenfile <file>', 'where the token is kept (default: ~/.runmaker.token)')
    .option('--token <token>', 'use this token; safer in RUNMAKER_TOKEN: other users of this host can see options')
    .option('-l, --logfile <file>', 'append the log to this file, instead of printing it')
    .option('-v, --verbose', 'log each claim and each result too')
    .option('-q, --quiet', 'log only what is wrong')
    .option('-d, --daemon', 'continue in the background once clients are served')
    .option('--pidfile <file>', 'write the id of the process that serves to this file')
    .option('--grace <duration>', 'how long an absent client keeps its jobs (default: 60s)', duration('--grace'))
    .option('--reclaim', 'set the jobs of clients that do not come back, and all other orphans, back to "." (not beside older runners)')
    .option('--max-clients <n>', 'serve so many clients at a time', wholeNumber('--max-clients', 1), 1000)
    .option('--legacy', 'also speak the protocol of runmaker4; it is not encrypted, neither is the token in it')
    .option('--locks <driver>', 'how the file is locked: record, file or directory; the same for all who work on it', lockDriver)
    .option('--patience <duration>', 'how long to keep trying while the file cannot be reached (default: 60s)', duration('--patience'))
    .option('--unsafe-locks', 'work even where locks are known not to exclude other hosts')
    .option('--trust-any', 'do not warn of a file that all users of the host may write')
    .addHelpText('after', '\nMore in docs/tcp.md.')
    .parse([...argv], { from: 'user' });
  const options = program.opts<Options>();
  const [file] = program.args as [string];
  if (options.verbose && options.quiet) throw new RunmakerError('usage', '--verbose and --quiet contradict each other');
  if (options.port > 65_535) throw new RunmakerError('usage', `--port ${options.port}: ports go up to 65535`);
  if (options.legacy && options.reclaim) {
    throw new RunmakerError(
      'usage',
      '--legacy and --reclaim contradict each other: it cannot be known whether an older client still has its job',
      {
        hint: 'leave out --reclaim; set back by hand the jobs that you know do not run: runset --set=.',
      },
    );
  }
  if (isServed(file)) throw new RunmakerError('usage', `${file}: a server serves a file`, { hint: 'name the path of a runs file' });
  return { file, options };
}

/** Starts the server as a separate process and prints its report. */
async function startDaemon(output: Output): Promise<number> {
  const report = await startDetached<string | Failure>();
  if (report.kind === 'ready') {
    await output.print(Buffer.from(report.value as string));
    return EXIT.ok;
  }
  const { code, message, hint } = report.error as Failure;
  throw new RunmakerError(code, message, hint === undefined ? {} : { hint });
}

/** @param ready receives the text to print once clients are served */
async function serveUntilSignalled(file: string, given: Options, ready: (text: string) => void): Promise<number> {
  const options = given.daemon ? anywhere(given) : given;
  const address = addressOf(options);
  const log = openLog(options);
  const { locks, patience, unsafeLocks, trustAny } = options;
  const queue = await openQueue(given.daemon ? path.resolve(file) : file, { locks, patience, unsafeLocks, trustAny });
  try {
    const token = serverToken(options.token ?? (process.env.RUNMAKER_TOKEN || undefined), options.tokenfile);
    try {
      const { grace = DEFAULT_GRACE, maxClients, retry = false, reclaim = false, legacy = false } = options;
      const service = await serve(queue, {
        address,
        token: token.token,
        grace,
        reclaim,
        retry,
        legacy,
        maxClients,
        log,
      });
      try {
        takePidFile(options.pidfile);
        warn(options, token, log);
        if (options.daemon) process.chdir('/');
        // Before a user or script learns that the server is up: the next step may be a signal to end it.
        const signalled = untilSignalled(options.daemon ?? false);
        ready(greeting(token, queue.name, service));
        await signalled;
        farewell(service, token, log);
      } finally {
        await service.close();
        if (options.pidfile !== undefined) removePidFile(options.pidfile);
      }
    } finally {
      forgetToken(token);
    }
  } finally {
    await queue.close();
  }
  return EXIT.ok;
}

/** The same options for a process that leaves its starting folder. */
function anywhere({ tokenfile, logfile, pidfile, ...rest }: Options): Options {
  return {
    ...rest,
    ...(tokenfile !== undefined && { tokenfile: path.resolve(tokenfile) }),
    ...(logfile !== undefined && { logfile: path.resolve(logfile) }),
    ...(pidfile !== undefined && { pidfile: path.resolve(pidfile) }),
    host: rest.host.replace(/^unix:(?!\/)(.*)$/is, (_, name: string) => `unix:${path.resolve(name)}`),
  };
}

function addressOf({ host, port }: Options): Address {
  if (/^unix:/i.test(host)) return parseAddress(host);
  return { kind: 'tcp', host: host.replace(/^\[(.*)\]$/, '$1'), port };
}

function takePidFile(file: string | undefined): void {
  if (file === undefined) return;
  let other: number | undefined;
  try {
    other = writePidFile(file);
  } catch (cause) {
    throw cannotOpen(file, cause);
  }
  if (other !== undefined)
    throw new RunmakerError('input', `${file} names process ${other}, which is there`, { hint: 'end it, or pass another --pidfile' });
}

function warn({ legacy }: Options, { token }: ServerToken, log: ServerLog): void {
  if (isWeakToken(token)) log.warn('the token is short: an eavesdropper can find it by trying');
  if (legacy)
    log.warn('--legacy: the token, the commands and the results of older clients are not encrypted and can be read by all on the way');
}

/** A token chosen by the user may be in use elsewhere, too: it does not belong in a terminal or a log. */
function greeting({ token, isGiven, file, isFound }: ServerToken, name: string, { address }: Service): string {
  const shown = isGiven ? 'the one that was given' : token;
  const written = file === undefined ? '' : ` (${isFound ? 'found in' : 'written to'} ${file})`;
  return `Token for runmaker-client: ${shown}${written}\nserving ${name} on ${printAddress(address)}\n`;
}

function farewell({ claims }: Service, { file, isFound }: ServerToken, log: ServerLog): void {
  log.info('the server stops');
  if (claims === 0) return;
  const same = file === undefined || isFound ? 'the same token' : 'the same token (--token): this one is not kept';
  const fate = claims === 1 ? '1 job of a client goes on; it is recovered' : `${claims} jobs of clients go on; they are recovered`;
  log.warn(`${fate} by a server that is started soon, with ${same}`);
}

/** Settles when a signal asks the process to end. A second signal ends it at once. */
function untilSignalled(isDaemon: boolean): Promise<void> {
  return new Promise(resolve => {
    for (const signal of ['SIGINT', 'SIGTERM', ...(isDaemon ? [] : ['SIGHUP'])]) process.once(signal, () => resolve());
    // The terminal that started it may be closed.
    if (isDaemon) process.on('SIGHUP', () => undefined);
  });
}
