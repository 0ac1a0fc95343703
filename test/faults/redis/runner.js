// A runner whose jobs do nothing for a moment: claims and finishes, and records each step before and after. It lives until all
// jobs are done, or it is killed.
//
//   node runner.js JOURNAL LEASE SLOTS QUEUE...
import { appendFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { openQueue } from '../../../dist/index.js';

const [journal, lease, slots, ...names] = process.argv.slice(2);

/** `what line`, preceded by the time in ms of a clock that all processes share. */
function note(what) {
  appendFileSync(journal, `${Number(process.hrtime.bigint()) / 1e6} ${what}\n`);
}

for (const name of names) await work(name, name.replace(/^.*#/, ''));

async function work(name, title) {
  let queue;
  // Redis may be unreachable at this moment.
  while (!queue) queue = await openQueue(name, { lease: Number(lease), patience: 30_000 }).catch(() => setTimeout(50));
  const tell = notice => note(`told ${title} ${JSON.stringify(notice.message)}`);
  const slot = async () => {
    for (;;) {
      const result = await queue.claim({ tell });
      if (result.kind === 'claimed') await run(result.claim);
      else {
        const { new: open, running, claimed } = await queue.counts();
        if (open + running + claimed === 0) return;
        await queue.reclaim({ tell });
        await setTimeout(100 + 100 * Math.random());
      }
    }
  };
  const run = async claim => {
    const line = `${title} ${claim.job.id}`;
    note(`start ${line}`);
    await setTimeout(8 * Math.random());
    note(`end ${line}`);
    const { kind } = await claim.finish({ state: 'd' });
    note(`${kind} ${line}`);
  };
  await Promise.all(Array.from({ length: Number(slots) }, slot));
  await queue.close();
}
