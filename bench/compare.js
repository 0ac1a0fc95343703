import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The built program of this checkout. */
export function program(name) {
  return fileURLToPath(new URL(`../bin/${name}.js`, import.meta.url));
}

/** A folder for the length of one bench, and its removal. */
export function workFolder() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'runmaker-bench-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs a command to its end and returns the seconds it took. Its output goes nowhere. */
export function time(command, args, options = {}) {
  const begin = process.hrtime.bigint();
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'], timeout: 600_000, ...options });
  const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}`);
  return seconds;
}

/** Whether a program is there. */
export function has(name) {
  return spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;
}

export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/**
 * Measures several things in turn, round after round, so that a noisy machine is noisy for all of them.
 * @param sides name → () => seconds
 * @returns name → seconds of each round
 */
export function inTurn(sides, rounds) {
  const seconds = Object.fromEntries(Object.keys(sides).map(name => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, measure] of Object.entries(sides)) seconds[name].push(measure());
  }
  return seconds;
}

/** The median over the rounds of what one side takes for each second of another. */
export function medianRatio(ours, theirs) {
  return median(ours.map((value, round) => value / theirs[round]));
}

/** `0.82 s (0.80 … 0.91)` */
export function spread(seconds) {
  const text = value => (value < 0.1 ? `${(value * 1000).toFixed(1)} ms` : `${value.toFixed(2)} s`);
  return `${text(median(seconds))} (${text(Math.min(...seconds))} … ${text(Math.max(...seconds))})`;
}

/** Prints one row of the table in README.md. */
export function row(what, reach, measured) {
  console.log(`| ${what} | ${reach} | ${measured} |`);
}
