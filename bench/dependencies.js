// What `after` costs: a chain, and many jobs that wait for one name, against the same jobs without `after`, at the same concurrency.
// Runs JOBS of LINES jobs, to show the cost of one job among many that wait.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { benchArguments, inTurn, median, program, ratios, row, time, times, workFolder } from './compare.js';

const { numbers, versions } = benchArguments();
const [ROUNDS = 3, LINES = 100_000, JOBS = 5000] = numbers;
const runs = path.join(workFolder(), 'runs.txt');
const line = at => String(at + 1);

const shapes = {
  plain: at => `true x${line(at)}`,
  chain: at => (at === 0 ? 'true x1' : `true x${line(at)} #: after=${at}`),
  'one name': at => (at === 0 ? 'true x1 #: name=first' : `true x${line(at)} #: after=first`),
};

/** Stops after JOBS jobs, while all the others still wait. */
function run(node, shape, jobs) {
  const text = Array.from({ length: LINES }, (_, at) => `. ${shapes[shape](at)}\n`).join('');
  writeFileSync(runs, text);
  return time(node, [program('runmaker'), `-j${jobs}`, '-q', '--halt', `soon,success=${JOBS}`, runs]);
}

for (const { path: node, name } of versions) {
  const measured = inTurn(
    {
      'plain, -j1': () => run(node, 'plain', 1),
      'chain, -j1': () => run(node, 'chain', 1),
      'chain, -j2': () => run(node, 'chain', 2),
      'plain, -j2': () => run(node, 'plain', 2),
      'one name, -j2': () => run(node, 'one name', 2),
    },
    ROUNDS,
  );
  for (const [side, each] of Object.entries(measured))
    console.log(`# ${side}, ${name}: ${Math.round(JOBS / median(each.map(({ seconds }) => seconds)))} jobs/s`);
  const against = (side, plain) =>
    row(
      `${LINES} jobs, ${JOBS} of them run, ${name}: time of ${side} against ${plain}`,
      '<= 1.3 ×',
      times(ratios(measured[side], measured[plain])),
    );
  against('chain, -j1', 'plain, -j1');
  against('chain, -j2', 'plain, -j1');
  against('one name, -j2', 'plain, -j2');
}
