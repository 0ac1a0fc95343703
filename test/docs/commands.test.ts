import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Program, programWords } from '../support/programs.js';
import { PACKAGE, type Page, userPages } from './markdown.js';
import { complaints, isAsShown, pageScript, readOutput, steps } from './page-script.js';

/** All pages run at the same time, each in one shell, which lives no longer than this, in ms. */
const LONGEST_LIFE = 60_000;
const PROGRAMS: readonly Program[] = ['runmaker', 'runmaker-client', 'runmaker-server', 'runset', 'runwait'];

const pages = userPages();
const root = mkdtempSync(join(tmpdir(), 'runmaker-docs-'));
const outputs = new Map<Page, string>();

beforeAll(async () => {
  const bin = programsOnPath();
  await Promise.all(pages.map(async page => outputs.set(page, await runPage(page, bin))));
}, LONGEST_LIFE + 10_000);

afterAll(() => rmSync(root, { recursive: true, force: true, maxRetries: 3 }));

/** A folder for PATH: the programs, and a python that does nothing, because the pages have it do big jobs. */
function programsOnPath(): string {
  const bin = join(root, 'bin');
  mkdirSync(bin);
  for (const program of PROGRAMS) symlinkSync(programWords(program)[1], join(bin, program));
  writeFileSync(join(bin, 'python'), '#!/bin/sh\nexit 0\n');
  chmodSync(join(bin, 'python'), 0o755);
  return bin;
}

/** Runs the blocks of a page in its own folder. Returns all output. */
async function runPage(page: Page, bin: string): Promise<string> {
  const folder = join(root, page.path.replaceAll('/', '-'));
  mkdirSync(join(folder, 'node_modules'), { recursive: true });
  symlinkSync(PACKAGE, join(folder, 'node_modules/runmaker'));
  writeFileSync(join(folder, 'runs.txt'), '');
  const env = {
    PATH: [bin, dirname(process.execPath), process.env.PATH].join(':'),
    HOME: folder,
    PACKAGE,
    PORT: String(await freePort()),
    GIT_CONFIG_NOSYSTEM: '1',
    ...Object.fromEntries(
      ['AUTHOR', 'COMMITTER'].flatMap(who => [
        [`GIT_${who}_NAME`, 'alice'],
        [`GIT_${who}_EMAIL`, 'alice@localhost'],
      ]),
    ),
  };
  const shell = spawn('sh', ['-c', `exec 2>&1\n${pageScript(page)}`], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  const parts: Buffer[] = [];
  shell.stdout.on('data', (part: Buffer) => parts.push(part));
  await ended(shell);
  endServer(join(folder, 'pid'));
  return Buffer.concat(parts).toString();
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** Waits for the shell, and ends all that it has left in its process group. */
async function ended(shell: ChildProcess): Promise<void> {
  const group = -(shell.pid as number);
  const end = () => {
    try {
      process.kill(group, 'SIGKILL');
    } catch {
      // Nothing was left.
    }
  };
  const limit = setTimeout(end, LONGEST_LIFE);
  await new Promise<void>((resolve, reject) => {
    shell.once('error', reject);
    shell.once('exit', end);
    // Not before all output has been read.
    shell.once('close', () => resolve());
  });
  clearTimeout(limit);
}

/** A server in the background has left the group; pages that start one write its process id to a file. */
function endServer(pidFile: string): void {
  if (existsSync(pidFile)) process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGTERM');
}

describe.each(pages.map(page => [page.path, page] as const))('%s', (_path, page) => {
  it('contains only blocks that are run, shown, or left out for a known reason', () => {
    expect(complaints(page)).toEqual([]);
  });

  it('shows the actual output of its commands', () => {
    const { printed, statuses } = readOutput(outputs.get(page) ?? '');
    steps(page).forEach(({ block, commands, status, anyOrder }, step) => {
      const where = `${page.path}:${block.line}`;
      const all = commands.map((command, at) => `$ ${command.text}\n${printed.get(`${step}.${at}`) ?? '(not run)'}`).join('');
      expect(statuses.get(step), `exit status of the block at ${where}\n${all}`).toBe(status);
      commands.forEach(({ text, output }, at) => {
        const seen = printed.get(`${step}.${at}`) ?? '';
        if (output !== undefined && !isAsShown(seen, output, anyOrder))
          expect.fail(`${where}: ${text}\nprinted\n${seen}\nand the page shows\n${output}`);
      });
    });
  });

  it('contains valid JSON', () => {
    for (const block of page.blocks) if (block.language === 'json') expect(() => JSON.parse(block.text)).not.toThrow();
  });
});
