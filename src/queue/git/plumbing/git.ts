import { spawn } from 'node:child_process';
import path from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { errnoName, RunmakerError } from '../../../errors.js';
import { GitFailure } from './failure.js';

/** Nothing that git does for a queue takes longer than this, in ms, unless the other side hangs. */
const LONGEST = 300_000;

/** Variables by which a caller that is itself run by git (a hook) would have ours work on its own repository. */
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
];

/** Settings of the user's that are meant for people at work, not for this. */
const QUIET = ['-c', 'core.hooksPath=/dev/null', '-c', 'gc.auto=0', '-c', 'maintenance.auto=false', '-c', 'push.gpgSign=false'];

export interface GitOptions {
  /** What git reads. */
  readonly input?: Buffer | undefined;
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** Whether hooks and settings of the repository count, as they do for people. */
  readonly asUser?: boolean | undefined;
  /** How long it may take, in ms. */
  readonly within?: number | undefined;
}

/** How a git command ended. */
export interface GitResult {
  /** Undefined when a signal ended it. */
  readonly status: number | undefined;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** git, working in one directory: the one way in which this program calls it. */
export class Git {
  constructor(
    readonly directory: string,
    private readonly settings: Readonly<Record<string, string>> = {},
  ) {}

  /** The same git elsewhere, and nowhere else: a repository that was removed from there does not have one above it taken for it. */
  in(directory: string): Git {
    return new Git(directory, { ...this.settings, GIT_CEILING_DIRECTORIES: path.dirname(directory) });
  }

  /** Runs a command and returns what it has printed. @throws GitFailure when it fails · RunmakerError `queue` when there is no git */
  async call(args: readonly string[], options: GitOptions = {}): Promise<Buffer> {
    const { status, stdout, stderr } = await this.attempt(args, options);
    if (status !== 0) throw new GitFailure(args[0] as string, stderr || 'it was ended by a signal');
    return stdout;
  }

  /** The same, as text without the line end. */
  async text(args: readonly string[], options: GitOptions = {}): Promise<string> {
    return (await this.call(args, options)).toString('utf8').trimEnd();
  }

  /** Runs a command; that it fails is an answer, too. */
  async attempt(args: readonly string[], { input, environment, asUser, within = LONGEST }: GitOptions = {}): Promise<GitResult> {
    const child = spawn('git', [...(asUser ? [] : QUIET), ...args], {
      cwd: this.directory,
      env: { ...gitEnvironment(), ...this.settings, ...environment },
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: within,
    });

    // Who does not read its input may be gone before it is written.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    const closed = new Promise<number | undefined>((resolve, reject) => {
      child.once('error', error => reject(notStarted(error, this.directory)));
      child.once('close', status => resolve(status ?? undefined));
    });
    const [status, stdout, stderr] = await Promise.all([closed, buffer(child.stdout), text(child.stderr)]);

    return { status, stdout, stderr };
  }

  /** Starts a command that lives on, with its input and output for the caller. */
  start(args: readonly string[]) {
    return spawn('git', [...QUIET, ...args], {
      cwd: this.directory,
      env: { ...gitEnvironment(), ...this.settings },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
  }
}

/** Messages in English, because they are read; no questions, because nobody may be there to answer. */
function gitEnvironment(): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = { ...process.env, LC_ALL: 'C', GIT_TERMINAL_PROMPT: process.env.GIT_TERMINAL_PROMPT ?? '0' };
  for (const name of FOREIGN) delete environment[name];
  return environment;
}

function notStarted(error: Error, directory: string): RunmakerError {
  const missing = errnoName(error) === 'ENOENT';
  return new RunmakerError('queue', missing ? `git cannot be run in ${directory}` : `git: ${error.message}`, {
    hint: 'queues over git need the program git, 2.31 or later, in the PATH',
    cause: error,
  });
}
