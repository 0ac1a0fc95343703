/** plumbing/ is everything that calls git or reads what it prints: processes, remotes, clones, objects, failures, names of runners. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { errnoName, RunmakerError } from '../../../errors.js';
import { GitFailure } from './failure.js';
import { GitOutput } from './git-output.js';

/** Commands that contact a remote, and the options that make them show their progress. */
const TRANSFERS: Readonly<Record<string, readonly string[]>> = {
  clone: ['--progress'],
  fetch: ['--progress'],
  push: ['--progress'],
  'ls-remote': [],
};

/** Time without output, in ms, after which git counts as hung: a command that shows its progress, and one that does not. */
const SILENCE = { transfer: 300_000, other: 3_600_000 };
/** How long a git has to end after TERM, in ms. */
const GRACE = 5000;

/**
 * Variables by which a caller that git itself runs (a hook) would make our git work on its own repository, and those that change the
 * meaning of paths on a command line: our commands set these themselves.
 */
const FOREIGN = [
  'GIT_DIR',
  'GIT_WORK_TREE',
  'GIT_INDEX_FILE',
  'GIT_OBJECT_DIRECTORY',
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
  'GIT_COMMON_DIR',
  'GIT_NAMESPACE',
  'GIT_PREFIX',
  'GIT_QUARANTINE_PATH',
  'GIT_LITERAL_PATHSPECS',
  'GIT_GLOB_PATHSPECS',
  'GIT_NOGLOB_PATHSPECS',
  'GIT_ICASE_PATHSPECS',
];

/** Settings that switch off the user's settings for interactive work. */
const QUIET = ['-c', 'core.hooksPath=/dev/null', '-c', 'gc.auto=0', '-c', 'maintenance.auto=false', '-c', 'push.gpgSign=false'];

/**
 * In a session of its own: children such as ssh can be ended with it, keys typed for this program do not reach it, and ssh finds no
 * terminal for its prompts, whatever command the user has set.
 */
const DETACHED = true;

export interface GitOptions {
  /** What git reads. */
  readonly input?: Buffer | undefined;
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** Whether hooks and settings of the repository apply, as for people. */
  readonly asUser?: boolean | undefined;
  /** How long it may be silent, in ms, if shorter than usual. */
  readonly silence?: number | undefined;
}

/** How a git command ended. */
export interface GitResult {
  /** Undefined when a signal ended it. */
  readonly status: number | undefined;
  readonly stdout: Buffer;
  /** Without progress, unless a signal ended it: then that is the last line. */
  readonly stderr: string;
}

/** git in one directory: this program's only way to call it. */
export class Git {
  /**
   * @param settings variables for git
   * @param isBare whether the directory is itself a repository without files: some users forbid git to discover one
   */
  constructor(
    readonly directory: string,
    private readonly settings: Readonly<Record<string, string>> = {},
    private readonly isBare = false,
  ) {}

  /** The same git in another directory, and only there: if its repository was removed, one above does not take its place. */
  in(directory: string): Git {
    return new Git(directory, { ...this.settings, GIT_CEILING_DIRECTORIES: path.dirname(directory) });
  }

  /** Runs a command and returns its output. @throws GitFailure when it fails · RunmakerError `queue` when git is not installed */
  async call(args: readonly string[], options: GitOptions = {}): Promise<Buffer> {
    const { status, stdout, stderr } = await this.attempt(args, options);
    if (status !== 0) throw new GitFailure(args[0] as string, stderr);
    return stdout;
  }

  /** The same, as text without the line end. */
  async text(args: readonly string[], options: GitOptions = {}): Promise<string> {
    return (await this.call(args, options)).toString('utf8').trimEnd();
  }

  /** Runs a command whose failure is an answer, too. */
  async attempt(
    args: readonly string[],
    { input, environment, asUser, silence = Number.POSITIVE_INFINITY }: GitOptions = {},
  ): Promise<GitResult> {
    const [command = '', ...rest] = args;
    const progress = TRANSFERS[command];
    const child = spawn('git', [...(asUser ? [] : QUIET), command, ...(progress ?? []), ...rest], {
      cwd: this.directory,
      env: { ...this.environment, ...environment },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: DETACHED,
    });
    let ended: string | undefined;
    let grace: NodeJS.Timeout | undefined;
    const end = (why: string): void => {
      if (ended !== undefined) return;
      ended = why;
      endGroup(child.pid, 'SIGTERM');
      grace = setTimeout(() => endGroup(child.pid, 'SIGKILL'), GRACE);
    };
    const limit = Math.min(silence, progress ? SILENCE.transfer : SILENCE.other);
    const quiet = setTimeout(() => end(`after ${limit / 1000} s without a sign of progress`), limit);
    const said = new GitOutput();
    child.stderr.on('data', (bytes: Buffer) => {
      said.take(bytes);
      if (ended === undefined) quiet.refresh();
    });
    // A git that does not read its input may exit before all is written.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    const closed = new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      child.once('error', error => reject(notStarted(error, this.directory)));
      child.once('close', (status, signal) => resolve([status, signal]));
    });
    try {
      const [[status, signal], stdout] = await Promise.all([closed, buffer(child.stdout)]);
      if (signal) ended ??= `by ${signal}`;
      return {
        status: status ?? undefined,
        stdout,
        stderr: ended === undefined ? said.text : `${said.text}\nfatal: it was ended ${ended}\n`,
      };
    } finally {
      for (const timer of [quiet, grace]) clearTimeout(timer);
    }
  }

  /** Starts a long-lived command, whose input and output the caller handles. */
  start(args: readonly string[]) {
    return spawn('git', [...QUIET, ...args], {
      cwd: this.directory,
      env: this.environment,
      stdio: ['pipe', 'pipe', 'ignore'],
      detached: DETACHED,
    });
  }

  private get environment(): NodeJS.ProcessEnv {
    return { ...gitEnvironment(), ...this.settings, ...(this.isBare && { GIT_DIR: this.directory }) };
  }
}

/** Messages in English, because they are parsed; no prompts, because there may be no user. */
function gitEnvironment(): NodeJS.ProcessEnv {
  const { GIT_TERMINAL_PROMPT = '0', SSH_ASKPASS_REQUIRE = 'never' } = process.env;
  const environment: NodeJS.ProcessEnv = { ...process.env, LC_ALL: 'C', GIT_TERMINAL_PROMPT, SSH_ASKPASS_REQUIRE };
  for (const name of FOREIGN) delete environment[name];
  return environment;
}

function endGroup(leader: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (leader !== undefined) process.kill(-leader, signal);
  } catch {
    // It has just exited by itself.
  }
}

/** Explains why git could not be started. */
export function notStarted(error: Error, directory: string): RunmakerError {
  const missing = errnoName(error) === 'ENOENT';
  return new RunmakerError('queue', missing ? `git cannot be run in ${directory}` : `git: ${error.message}`, {
    hint: 'queues over git need the program git, 2.31 or later, in the PATH',
    cause: error,
  });
}
