#!/usr/bin/env node
// Counts the words of all text files below a folder: a job a file, a barrier, and a job that merges the counts.
//
//     node samples/run-word-count.js [folder]
//
// Without a folder it counts the words of this repository.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('..', import.meta.url));
const runmaker = path.join(repository, 'bin', 'runmaker.js');

const TEXT = /\.(md|txt|rst|tex|html|csv|json|ts|js|py|c|h|sh)$|^(README|LICENSE|CHANGELOG)$/i;
const PASSED_OVER = new Set(['node_modules', 'dist']);
const SHOWN = 10;

/** The text files below a folder, as paths from there, in a fixed order. Links are not followed. */
function textFiles(folder, below = '') {
  const entries = fs.readdirSync(path.join(folder, below), { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap(entry => {
    const name = path.join(below, entry.name);
    if (entry.isDirectory()) return entry.name.startsWith('.') || PASSED_OVER.has(entry.name) ? [] : textFiles(folder, name);
    // A line end would end the job's line as well, and what follows " #: " is read as directives.
    return entry.isFile() && TEXT.test(entry.name) && !/[\r\n]| #: /.test(name) ? [name] : [];
  });
}

/** A word of a shell command, in quotes where the shell would read more into it. */
function quoted(word) {
  return /^[\w./,+@-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** The runs file: commands in plain shell, to be read from top to bottom. */
function runsFile(names) {
  const counts = names.map((name, at) => {
    const count = `counts/${String(at + 1).padStart(4, '0')}.txt`;
    // The input stands behind the braces, so that a file which cannot be read makes the job fail.
    return `. { tr -cs A-Za-z '\\n' | tr A-Z a-z | sort | uniq -c; } < ${quoted(`texts/${name}`)} > ${count}`;
  });
  const merge = `. awk 'NF == 2 { n[$2] += $1 } END { for (w in n) print n[w], w }' counts/*.txt | LC_ALL=C sort -k1,1nr -k2,2 > words.txt`;
  return [...counts, '---', merge, ''].join('\n');
}

/** Runs a program with its output going where ours goes. Returns its exit status. */
function run(program, args, directory) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: directory, stdio: ['ignore', 'inherit', 'inherit'] });
    // Ctrl-C reaches the runner without our help: it ends its jobs, and we wait for that.
    process.on('SIGINT', () => undefined);
    process.on('SIGTERM', () => child.kill());
    child.once('error', reject);
    child.once('exit', (status, signal) => resolve(status ?? 128 + os.constants.signals[signal]));
  });
}

const folder = path.resolve(process.argv[2] ?? repository);
if (!fs.statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
  console.error(`${folder} is not a folder`);
  process.exit(2);
}
const names = textFiles(folder);
if (names.length === 0) {
  console.error(`there are no text files below ${folder}`);
  process.exit(2);
}

const work = fs.mkdtempSync(path.join(os.tmpdir(), 'runmaker-word-count-'));
fs.mkdirSync(path.join(work, 'counts'));
fs.symlinkSync(folder, path.join(work, 'texts'));
fs.writeFileSync(path.join(work, 'runs.txt'), runsFile(names));

process.exitCode = await run(process.execPath, [runmaker, '-j2', 'runs.txt'], work);

console.log(`\nruns file: ${path.join(work, 'runs.txt')}`);
if (process.exitCode === 0) {
  const table = path.join(work, 'words.txt');
  console.log(`results:   ${table}\n\nthe most frequent words of ${names.length} files:`);
  for (const row of fs.readFileSync(table, 'utf8').split('\n').slice(0, SHOWN)) {
    const [count, word] = row.split(' ');
    if (word !== undefined) console.log(`${count.padStart(8)} ${word}`);
  }
}
