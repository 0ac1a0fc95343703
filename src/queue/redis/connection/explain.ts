import { errnoName, RunmakerError, reason } from '../../../errors.js';

/** What went wrong, and whether it may pass by itself. */
export interface Failure {
  readonly error: RunmakerError;
  /** `away`: no answer, or not yet · `refuses`: Redis answers, and may accept later · `never`: another try is of no use. */
  readonly lasts: 'away' | 'refuses' | 'never';
}

interface Known {
  readonly says: RegExp;
  readonly lasts: Failure['lasts'];
  readonly message: string;
  readonly hint: string;
}

/** Redis's messages when it cannot or will not. */
const KNOWN: readonly Known[] = [
  {
    says: /^(?:WRONGPASS|NOAUTH|ERR invalid password|ERR AUTH|ERR Client sent AUTH)/,
    lasts: 'never',
    message: 'Redis does not let us in: the user or the password is wrong or missing',
    hint: 'name them in the URL, redis://user:password@host#name, or put the password into RUNMAKER_REDIS_PASSWORD',
  },
  {
    says: /NOPERM|can't run this command/,
    lasts: 'never',
    message: 'the Redis user may not do this',
    hint: 'it needs evalsha, eval, subscribe, info and the commands on the keys runmaker:* that docs/redis.md lists',
  },
  {
    says: /WRONGTYPE/,
    lasts: 'never',
    message: 'a key of this queue holds something else',
    hint: 'choose another name after #, or look at the keys runmaker:{name}*',
  },
  {
    says: /^LAYOUT|^ERR LAYOUT/,
    lasts: 'never',
    message: 'the queue was written by another version of runmaker, in a layout that this one does not know',
    hint: 'use the version that made it, or copy the queue with it: runset --copy-to runs.txt',
  },
  {
    says: /\bOOM\b/,
    lasts: 'refuses',
    message: 'Redis is out of memory (OOM) and writes nothing',
    hint: 'raise maxmemory or remove what is not needed; nothing was changed',
  },
  {
    says: /\bREADONLY\b/,
    lasts: 'refuses',
    message: 'this Redis is a read-only replica',
    hint: 'name the master, or have sentinels find it: redis+sentinel://host:26379/master#name',
  },
  {
    says: /MISCONF|NOREPLICAS/,
    lasts: 'refuses',
    message: 'Redis accepts no writes now: its disk or its replicas fail',
    hint: 'look at its log; nothing was changed',
  },
  {
    says: /[Ss]cript killed/,
    lasts: 'refuses',
    message: 'the script was killed in Redis (SCRIPT KILL)',
    hint: 'it had changed nothing yet; run the same command again',
  },
  {
    says: /exceeds maximum allowed size|proto-max-bulk-len/,
    lasts: 'never',
    message: 'the queue would be larger than Redis lets a string be',
    hint: 'a queue holds 512 MB of commands; start another one, or raise proto-max-bulk-len',
  },
  {
    says: /^(?:LOADING|BUSY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|UNBLOCKED)/,
    lasts: 'away',
    message: 'Redis is not ready',
    hint: 'it is tried again',
  },
];

/** @param name of the queue, without its password */
export function explain(name: string, cause: unknown): Failure {
  if (cause instanceof RunmakerError) return { error: cause, lasts: 'never' };
  const said = cause instanceof Error ? cause.message : String(cause);
  const known = KNOWN.find(({ says }) => says.test(said));
  if (known) {
    const { message, hint, lasts } = known;
    const detail = lasts === 'away' ? ` (${said.slice(0, 80)})` : '';
    return { error: new RunmakerError('queue', `${name}: ${message}${detail}`, { hint, cause }), lasts };
  }
  if (isAnswer(cause))
    return { error: new RunmakerError('queue', `${name}: Redis says: ${said.slice(0, 300)}`, { cause }), lasts: 'never' };
  const isRefused = errnoName(cause) === 'ECONNREFUSED' || errnoName(cause) === 'ENOENT';
  const hint = isRefused ? 'is Redis running there? try: redis-cli ping' : 'look whether the host is right and can be reached';
  return { error: new RunmakerError('queue', `${name}: Redis cannot be reached: ${reason(cause)}`, { hint, cause }), lasts: 'away' };
}

/** Whether the server itself has answered. */
export function isAnswer(cause: unknown): boolean {
  return cause instanceof Error && cause.name === 'ReplyError';
}
