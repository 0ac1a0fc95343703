import type { Reporter } from 'vitest/node';
import { whatIsMissing } from '../nfs/lab/requirements.js';

/** Says at the end of `npm test` which tests this host cannot run at all, and how to get them. */
export default class LeftOut implements Reporter {
  onTestRunEnd(): void {
    const missing = whatIsMissing();
    if (process.env.npm_lifecycle_event === 'test' && missing !== undefined)
      process.stdout.write(`\nleft out: the tests over NFS (npm run test:nfs): ${missing}\n`);
  }
}
