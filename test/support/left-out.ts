import type { Reporter, TestCase, TestModule } from 'vitest/node';
import { whatIsMissing } from '../nfs/lab/requirements.js';
import { BY_NEED, BY_TIME, whatIsMissingFor } from './tags.js';

/** Prints at the end which tests were skipped, why, and how to run them. */
export default class LeftOut implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped = modules.flatMap(module => [...module.children.allTests('skipped')]);
    const tagged = (name: string): TestCase[] => skipped.filter(({ tags }) => tags.includes(name));
    const said = BY_NEED.flatMap(need => {
      const missing = whatIsMissingFor(need);
      const count = tagged(need.name).length;
      return missing === undefined || count === 0 ? [] : `${count} tests of ${need.of}: ${missing}`;
    });
    const byTime = skipped.filter(isLeftOutByTime);
    if (byTime.length > 0) said.push(`${byTime.length} tests that take long: npm run test:all`);
    const missing = whatIsMissing();
    if (process.env.npm_lifecycle_event === 'test' && missing !== undefined) said.push(`the tests over NFS (npm run test:nfs): ${missing}`);
    process.stdout.write(said.map(line => `\nleft out: ${line}\n`).join(''));
  }
}

/** Whether the current tier excludes this test. */
export function isLeftOutByTime({ tags, project }: TestCase): boolean {
  const filters = project.vitest.config.tagsFilter ?? [];
  return BY_TIME.some(({ name }) => tags.includes(name) && filters.some(filter => filter.includes(`!${name}`)));
}
