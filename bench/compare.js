import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import koffi from 'koffi';

/** The built program of this checkout. */
export function program(name) {
  return fileURLToPath(new URL(`../bin/${name}.js`, import.meta.url));
}

/**
 * Reads `[rounds] [jobs] [--node PATH ...]`.
 * @returns the numbers, and the versions of Node to measure: the one that runs the bench, and those of --node
 */
export function benchArguments() {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { node: { type: 'string', multiple: true, default: [] } } });
  const versions = [process.execPath, ...values.node].map(path => ({
    path,
    name: `Node ${spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout.trim().slice(1)}`,
  }));
  return { numbers: positionals.map(Number), versions };
}

/** A temporary folder for the duration of one bench, and its removal. */
export function workFolder() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'runmaker-bench-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const getrusage = koffi.load(null).func('int getrusage(int who, void *usage)');
const RUSAGE_CHILDREN = -1;

/** CPU seconds, user and system, of all children that have ended so far, and of their children. */
export function cpuOfChildren() {
  // struct rusage on 64-bit Linux begins with two times, each in seconds and microseconds.
  const usage = new BigInt64Array(32);
  getrusage(RUSAGE_CHILDREN, usage);
  return Number(usage[0] + usage[2]) + Number(usage[1] + usage[3]) / 1e6;
}

/**
 * Runs a command to its end, which may be a signal. Its output is discarded.
 * @returns `seconds`: elapsed time; `cpu`: CPU seconds of the command and its children, which other work on the
 *   machine affects far less
 */
export function time(command, args, { signal: wanted = null, mayFail = false, ...options } = {}) {
  const cpuBefore = cpuOfChildren();
  const begin = process.hrtime.bigint();
  const { status, signal, error } = spawnSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'], timeout: 600_000, ...options });
  const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
  if (error) throw error;
  if (signal !== wanted || ((status ?? 0) !== 0 && !mayFail))
    throw new Error(`${command} ${args.join(' ')} ended with ${signal ?? status}`);
  return { seconds, cpu: cpuOfChildren() - cpuBefore };
}

/** The baseline for everything that starts Node. */
export const bareNode = () => time(process.execPath, ['-e', '0']);

/** Whether a program is installed. Prints which one is missing, so that a missing row is not taken for a target that was met. */
export function has(name, debianPackage = name) {
  if (spawnSync('sh', ['-c', `command -v ${name}`]).status === 0) return true;
  console.log(`# ${name} is not installed (Debian: apt-get install ${debianPackage}): what is compared with it is left out`);
  return false;
}

export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Measures several sides in turn, round after round, so that noise on the machine affects all of them.
 * @param sides name → () => { seconds, cpu }
 * @returns name → one of these for each round
 */
export function inTurn(sides, rounds) {
  const measured = Object.fromEntries(Object.keys(sides).map(name => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, measure] of Object.entries(sides)) measured[name].push(measure());
  }
  for (const [name, each] of Object.entries(measured)) {
    console.log(`# ${name}: ${spread(each.map(({ seconds }) => seconds))}; CPU ${spread(each.map(({ cpu }) => cpu))}`);
  }
  return measured;
}

/** How one side compares with another, in elapsed and CPU time: ratios of medians. */
export function ratios(ours, theirs) {
  const of = what => median(ours.map(one => one[what])) / median(theirs.map(one => one[what]));
  return { time: of('seconds'), cpu: of('cpu') };
}

/** `0.82 s (0.80 … 0.91)`: median, minimum, maximum. */
export function spread(seconds) {
  const text = value => (value < 0.1 ? `${(value * 1000).toFixed(1)} ms` : `${value.toFixed(2)} s`);
  return `${text(median(seconds))} (${text(Math.min(...seconds))} … ${text(Math.max(...seconds))})`;
}

/** `1.32 × (1.30 × in CPU)` */
export function times({ time, cpu }) {
  return `${time.toFixed(2)} × (CPU ${cpu.toFixed(2)} ×)`;
}

/** Prints one row of the table in bench/README.md. */
export function row(what, reach, measured) {
  console.log(`| ${what} | ${reach} | ${measured} |`);
}
