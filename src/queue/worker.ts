/** Workers for use from code, which choose their jobs themselves. */
export { type Choose, queueJobs, randomJobs } from './git/distribute/choices.js';
export type { GitWorker } from './git/distribute/git-worker.js';
export type { Lists } from './git/distribute/lists.js';
export { gitWorker } from './git/distribute/open-worker.js';
export type { GitWorkerOptions } from './git/distribute/worker-options.js';
