#!/usr/bin/env node
// Counts the words of all text files below a folder: a job a file, a barrier, and a job that merges the counts.
//
//     node samples/run-word-count.js [folder]
//
// Without a folder it counts the words of this repository. Its files stay in a temporary folder, which is named at the end.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('..', import.meta.url));
const runmaker = path.join(repository, 'bin', 'runmaker.js');

const TEXT = /\.(md|txt|rst|tex|html|csv|json|ts|js|py|c|h|sh)$|^(README|LICENSE|CHANGELOG)$/i;
const PASSED_OVER = new Set(['node_modules', 'dist']);
const SHOWN_WORDS = 10;
const SHOWN_JOBS = 3;
const WIDTH = 110;

/** The text files below a folder, as paths from there, in a fixed order. Links are not followed. */
function textFiles(folder, below = '') {
  const entries = fs.readdirSync(path.join(folder, below), { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap(entry => {
    const name = path.join(below, entry.name);
    if (entry.isDirectory()) return entry.name.startsWith('.') || PASSED_OVER.has(entry.name) ? [] : textFiles(folder, name);
    // A line end would also end the job's line, and text behind " #: " is read as directives.
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
    // The input is redirected behind the braces, so that the job fails if its file cannot be read.
    return `. { tr -cs A-Za-z '\\n' | tr A-Z a-z | sort | uniq -c; } < ${quoted(`texts/${name}`)} > ${count}`;
  });
  const merge = `. awk 'NF == 2 { n[$2] += $1 } END { for (w in n) print n[w], w }' counts/*.txt | LC_ALL=C sort -k1,1nr -k2,2 > words.txt`;
  return [...counts, '---', merge, ''].join('\n');
}

/** The first lines of a runs file and all from the barrier on, each cut to the width of a terminal. */
function excerpt(text) {
  const lines = text.trimEnd().split('\n');
  const barrier = lines.indexOf('---');
  const shown = barrier > SHOWN_JOBS ? [...lines.slice(0, SHOWN_JOBS), '…', ...lines.slice(barrier)] : lines;
  return shown.map(line => `    ${line.length > WIDTH ? `${line.slice(0, WIDTH - 1)}…` : line}`).join('\n');
}

/** Runs a program whose output goes where ours goes. Returns its exit status. */
function run(program, args, directory) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: directory, stdio: ['ignore', 'inherit', 'inherit'] });
    // The terminal sends Ctrl-C to the runner as well: it ends its jobs, and this program waits for that.
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
const runs = runsFile(names);
fs.writeFileSync(path.join(work, 'runs.txt'), runs);

console.log(`${path.join(work, 'runs.txt')} has a job for each of ${names.length} files and one that merges their counts:\n`);
console.log(`${excerpt(runs)}\n\nrunmaker --quiet -j2 runs.txt`);
process.exitCode = await run(process.execPath, [runmaker, '--quiet', '-j2', 'runs.txt'], work);

if (process.exitCode === 0) {
  console.log(`\nall done; the most frequent words of ${names.length} files:`);
  for (const row of fs.readFileSync(path.join(work, 'words.txt'), 'utf8').split('\n').slice(0, SHOWN_WORDS)) {
    const [count, word] = row.split(' ');
    if (word !== undefined) console.log(`${count.padStart(8)} ${word}`);
  }
}
console.log(`\nfiles:     ${work} (runs.txt, counts/${process.exitCode === 0 ? ', words.txt' : ''})`);
console.log(`to remove: rm -r ${quoted(work)}`);
