// Containers per second: `true` in busybox, four at a time. DOCKER_HOST names the engine, which must already have the image.
// node bench/containers.js [rounds] [containers] [image]
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { has, inTurn, median, program, ratios, row, time, times, workFolder } from './compare.js';

const ROUNDS = Number(process.argv[2] ?? 3);
const COUNT = Number(process.argv[3] ?? 60);
const IMAGE = process.argv[4] ?? 'busybox';
const bare = fileURLToPath(new URL('./bare-containers.js', import.meta.url));

const { status, stderr } = spawnSync(process.execPath, [bare, '1', IMAGE], { encoding: 'utf8' });
if (status !== 0) {
  console.log(`# no engine at DOCKER_HOST, or it has no image ${IMAGE}: left out (${stderr.match(/Error: .*/)?.[0] ?? 'no answer'})`);
  process.exit(0);
}

const folder = workFolder();
const runs = path.join(folder, 'runs.txt');
const numbers = path.join(folder, 'numbers.txt');
writeFileSync(numbers, Array.from({ length: COUNT }, (_, at) => `${at}\n`).join(''));

const sides = {
  runmaker() {
    writeFileSync(runs, `. true #: image=${IMAGE} network=none\n`.repeat(COUNT));
    return time(process.execPath, [program('runmaker'), '-j4', runs], { cwd: folder });
  },
  'bare API': () => time(process.execPath, [bare, String(COUNT), IMAGE]),
};
if (has('docker', 'docker.io'))
  sides['docker run'] = () =>
    time('sh', ['-c', `xargs -P4 -I{} docker run --rm --init --network none ${IMAGE} /bin/sh -c true < ${numbers}`]);

const measured = inTurn(sides, ROUNDS);
for (const [name, each] of Object.entries(measured))
  console.log(`# ${name}: ${(COUNT / median(each.map(({ seconds }) => seconds))).toFixed(1)} containers/s`);
const what = `${COUNT} × \`true\` in a container, 4 at a time, containers a second`;
if (measured['docker run'])
  row(`${what}, against \`docker run --rm\` and xargs`, '>= 1.5 ×', times(ratios(measured['docker run'], measured.runmaker)));
row(`${what}, against the API's create, start, wait and remove`, '>= 0.8 ×', times(ratios(measured['bare API'], measured.runmaker)));
