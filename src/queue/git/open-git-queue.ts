import { jobsQueueFile } from '../../compat/gitrunner/environment.js';
import { EMPTY_QUEUE_CSV } from '../../compat/gitrunner/queue-csv.js';
import { RunmakerError } from '../../errors.js';
import type { OpenOptions, Queue } from '../queue.js';
import { parseGitAddress } from './address.js';
import { BranchStore } from './branch/branch-store.js';
import { CheckoutPool } from './checkouts/checkout-pool.js';
import { readCsvQueue } from './documents/csv-document.js';
import { readRuns } from './documents/runs-document.js';
import { GitQueue } from './git-queue.js';
import { authorFor, locateRemote } from './locate-remote.js';
import { openClone } from './plumbing/clone.js';
import { explainFailure, GitFailure } from './plumbing/failure.js';
import { defaultBranch, Remote } from './plumbing/remote.js';
import { newRunnerName } from './plumbing/runner-name.js';
import { forOthers, withoutPassword } from './plumbing/secrets.js';
import { repositoryPath } from './repository-path.js';
import { gitSettings } from './settings.js';

/** Names of a queue's file when none is given: the first one that exists. */
const USUAL_FILES = ['runs.txt', 'queue.csv'];
const DEFAULT_PATIENCE = 60_000;

/**
 * Opens a file on a branch of a git remote as a queue. Fetches it, so that problems show now.
 * @throws RunmakerError `usage` for an invalid name or variable, `input` when there is no such repository, branch or
 *   file or it cannot be read, `queue` when the remote cannot be reached
 */
export async function openGitQueue(
  name: string,
  { patience = DEFAULT_PATIENCE, queueFile, create = false, ...options }: OpenOptions = {},
): Promise<Queue> {
  const address = parseGitAddress(name);
  const settings = gitSettings(options, process.env);
  const place = await locateRemote(address);
  const wanted = await wantedFile(address.file, queueFile, place.checkout);
  const resultsDir =
    settings.resultsDir === undefined ? undefined : await repositoryPath(settings.resultsDir, place.checkout, 'the results folder');
  const git = await openClone(place.url, place.settings);
  const remote = new Remote(git, place.url, place.branch ?? (await defaultBranch(git, place.url)), newRunnerName());
  try {
    await remote.fetch(false, 0);
    const { file, mode, initial } = await findFile(remote, wanted, create);
    const author = await authorFor(place.here, process.env);
    const store = new BranchStore(remote, { path: file, mode, initial }, isTable(file) ? readCsvQueue : readRuns, author);
    await store.look(false, false);
    if (store.now.problem) {
      await store.close();
      throw store.now.problem;
    }
    const whole = address.clone === undefined ? forOthers(name) : `git:${address.clone}#${file}?branch=${remote.branch}`;
    const checkouts = resultsDir === undefined ? undefined : new CheckoutPool(git, remote.runner, { resultsDir, queueFile: file });
    return new GitQueue({ ...settings, name: withoutPassword(name), address: whole, store, patience, checkouts });
  } catch (error) {
    await remote.close().catch(() => undefined);
    throw error instanceof GitFailure ? explainOpening(error, remote) : error;
  }
}

function explainOpening(failure: GitFailure, { url, branch }: Remote): RunmakerError {
  if (!failure.stderr.includes("couldn't find remote ref")) return explainFailure(failure, url);
  return new RunmakerError('input', `${withoutPassword(url)} has no branch ${branch}`, {
    hint: 'push it first, or name another one: …?branch=main',
    cause: failure,
  });
}

/** The file given by the name, an option or JOBS_QUEUE_FILE. @throws RunmakerError `usage` when the first two contradict each other */
async function wantedFile(
  named: string | undefined,
  option: string | undefined,
  checkout: string | undefined,
): Promise<string | undefined> {
  if (named !== undefined && option !== undefined && named !== option) {
    throw new RunmakerError('usage', `--queue-file ${option} and #${named} contradict each other`, { hint: 'name the file once' });
  }
  const file = named ?? option ?? jobsQueueFile(process.env);
  if (named !== undefined || file === undefined) return named;
  return await repositoryPath(file, checkout, option === undefined ? 'JOBS_QUEUE_FILE' : '--queue-file');
}

function isTable(file: string): boolean {
  return file.endsWith('.csv');
}

/** A queue's file on the branch: its path, its mode in git, and the content that an append assumes if it is missing. */
interface FoundFile {
  readonly file: string;
  readonly mode: string;
  readonly initial?: Buffer;
}

/** @param create whether a queue.csv may be missing */
async function findFile(remote: Remote, wanted: string | undefined, create: boolean): Promise<FoundFile> {
  const candidates = wanted === undefined ? USUAL_FILES : [wanted];
  const listed = await remote.git.text(['ls-tree', '-z', remote.seenBranch, '--', ...candidates]);
  const entries = listed.split('\0').flatMap(entry => {
    const [, mode, type, file] = /^(\d+) (blob|tree|commit) [0-9a-f]+\t([\s\S]+)$/.exec(entry) ?? [];
    return mode === undefined || file === undefined ? [] : [{ mode, type, file }];
  });
  const found = candidates.map(candidate => entries.find(({ file, type }) => file === candidate && type === 'blob')).find(Boolean);
  if (found?.mode.startsWith('100')) return found;
  if (create && wanted !== undefined && isTable(wanted) && entries.length === 0) {
    return { file: wanted, mode: '100644', initial: Buffer.from(EMPTY_QUEUE_CSV) };
  }
  const what = found ? `${found.file} is a symbolic link` : `there is no ${candidates.join(' or ')}`;
  throw new RunmakerError('input', `${withoutPassword(remote.url)}: ${what} on the branch ${remote.branch}`, {
    hint: 'commit it and push it: a runs.txt with lines such as ". echo hello", or a queue.csv; another file is named after #',
  });
}
