/** Workers for use from code, which choose their own jobs. */
export { type Choose, queueJobs, randomJobs } from '../compat/distribute/choices.js';
export type { Lists } from '../compat/distribute/lists.js';
export type { GitWorker } from './git/distribute/git-worker.js';
export { gitWorker } from './git/distribute/open-worker.js';
export type { GitWorkerOptions } from './git/distribute/worker-options.js';
