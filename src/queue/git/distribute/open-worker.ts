/** distribute/ is the worker of Distribute: lists with a lock on the main branch, a branch for each job, a clone for each worker. */
import { existsSync, readdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { errnoName, RunmakerError, reason } from '../../../errors.js';
import { authorFor } from '../locate-remote.js';
import { removeStaleRefs } from '../plumbing/clone.js';
import { explainFailure, GitFailure } from '../plumbing/failure.js';
import { Git } from '../plumbing/git.js';
import { Objects } from '../plumbing/objects.js';
import { defaultBranch, Remote } from '../plumbing/remote.js';
import { newRunnerName } from '../plumbing/runner-name.js';
import { withoutPassword } from '../plumbing/secrets.js';
import { explainInClone } from './clone-failure.js';
import { lockClone } from './clone-lock.js';
import { GitWorker } from './git-worker.js';
import { Retry } from './retry.js';
import { SharedLists } from './shared-lists.js';
import { WorkTree } from './work-tree.js';
import { WorkerName } from './worker-name.js';
import { type GitWorkerOptions, workerOptions } from './worker-options.js';

/**
 * A worker on a repository in the manner of Distribute: jobs are lines of jobs.txt, go to running.txt while a worker works on them, and to
 * done.txt. Each is worked on in a branch of its own, which is merged when the job is done.
 *
 *     const worker = await gitWorker({ url, path, name });
 *     const next = () => worker.nextJob(queueJobs());
 *     for (let job = (await worker.resume()) ?? (await next()); job !== null; job = await next()) {
 *       await writeFile(join(worker.path, 'result.txt'), await work(job));
 *       await worker.finish();
 *     }
 *     await worker.close();
 *
 * @throws RunmakerError `usage` for options that make no sense and while another worker has the clone or the name, `input` when path is something
 *   else than a clone of url, `queue` when the remote cannot be reached
 */
export async function gitWorker(options: GitWorkerOptions): Promise<GitWorker> {
  const { url, path: folder, name, patience } = workerOptions(options);
  const directory = path.resolve(folder);
  const { git, gitFolder, giveUp } = await takeClone(directory, url).catch((error: unknown) => {
    throw explainFolder(error, directory);
  });
  const objects = new Objects(git);
  try {
    const branch = await new Retry(url, patience).until(() => defaultBranch(git, url).catch(unexplained));
    const remote = new Remote(git, url, branch, newRunnerName());
    const author = await authorFor(git, process.env);
    const lists = new SharedLists(remote, objects, author, name, patience);
    await lists.read();
    const registered = await WorkerName.register(remote, author, name, gitFolder, patience);
    return new GitWorker({ remote, objects, lists, name, registered, tree: new WorkTree(git, remote, name, author, patience), giveUp });
  } catch (error) {
    objects.close();
    giveUp();
    throw error;
  }
}

/** The clone, for one worker alone. */
async function takeClone(directory: string, url: string): Promise<{ git: Git; gitFolder: string; giveUp: () => void }> {
  const git = await cloneAt(directory, url);
  await removeStaleRefs(git);
  const gitFolder = await git.text(['rev-parse', '--absolute-git-dir']);
  return { git, gitFolder, giveUp: await lockClone(gitFolder) };
}

function explainFolder(error: unknown, directory: string): unknown {
  if (error instanceof GitFailure) return explainInClone(error, directory);
  if (error instanceof RunmakerError || errnoName(error) === undefined) return error;
  return new RunmakerError('input', `no worker can work in ${directory}: ${reason(error)}`, {
    hint: 'name a folder that this account may write to, and see that there is room',
    cause: error,
  });
}

/** Throws git's own failure again, so that it can be retried. */
function unexplained(error: Error): never {
  throw error.cause instanceof GitFailure ? error.cause : error;
}

async function cloneAt(directory: string, url: string): Promise<Git> {
  const git = new Git(directory);
  if (existsSync(directory) && readdirSync(directory).length > 0) {
    const { status, stdout } = await git.attempt(['config', 'remote.origin.url']);
    const there = stdout.toString().trim();
    if (status === 0 && there === url && existsSync(path.join(directory, '.git'))) return git;
    throw new RunmakerError('input', `${directory} is not a clone of ${withoutPassword(url)}`, {
      hint: 'name a folder that is empty, or not there',
    });
  }
  await mkdir(directory, { recursive: true });
  try {
    await git.call(['clone', '--', url, '.'], { asUser: true });
  } catch (error) {
    // Not retried: most likely the address is mistyped.
    throw error instanceof GitFailure ? explainFailure(error, url) : error;
  }
  return git;
}
