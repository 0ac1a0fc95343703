// What a million lines cost: the first job when only the last line is open, setting all states, listing, counting.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { inTurn, medianRatio, program, row, spread, time, workFolder } from './compare.js';

const LINES = 1_000_000;
const ROUNDS = 5;
const runs = path.join(workFolder(), 'runs.txt');
const line = (state, number) => `${state} python train.py --seed ${number}\n`;

function fill(last) {
  let text = '';
  for (let number = 1; number < LINES; number++) text += line('d', number);
  writeFileSync(runs, `${text}${last}\n`);
}

fill('. true');
const bytes = Buffer.byteLength(line('d', LINES)) * LINES;
const sides = {
  node: () => time(process.execPath, ['-e', '0']),
  first() {
    time(process.execPath, [program('runset'), '--set=.', runs, String(LINES)]);
    return time(process.execPath, [program('runmaker'), runs]);
  },
  set() {
    time(process.execPath, [program('runset'), '--all', '--set=d', runs]);
    return time(process.execPath, [program('runset'), '--all', '--set=.', runs]);
  },
  list: () => time(process.execPath, [program('runset'), '--list', runs]),
  done() {
    time(process.execPath, [program('runset'), '--all', '--set=d', runs]);
    return time(process.execPath, [program('runwait'), runs]);
  },
};
const seconds = inTurn(sides, ROUNDS);
for (const [name, each] of Object.entries(seconds)) console.log(`# ${name}: ${spread(each)}`);
row('1,000,000 lines, the last one open: a whole run', '<= 3 × node -e 0', `${medianRatio(seconds.first, seconds.node).toFixed(2)} ×`);
row('runset --all --set=. on 1,000,000 lines', '<= 4 × node -e 0', `${medianRatio(seconds.set, seconds.node).toFixed(2)} ×`);
row('runset --list on 1,000,000 lines', '>= 200 MB/s', `${(bytes / 1e6 / seconds.list.sort((a, b) => a - b)[2]).toFixed(0)} MB/s`);
row('runwait on 1,000,000 lines that are done', 'none set', `${medianRatio(seconds.done, seconds.node).toFixed(2)} × node -e 0`);
