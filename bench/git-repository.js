import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';

const IDENTITY = {
  GIT_AUTHOR_NAME: 'bench',
  GIT_AUTHOR_EMAIL: 'bench@localhost',
  GIT_COMMITTER_NAME: 'bench',
  GIT_COMMITTER_EMAIL: 'bench@localhost',
};

/** Runs git and returns what it prints. */
export function git(where, ...args) {
  return execFileSync('git', args, {
    cwd: where,
    encoding: 'utf8',
    env: { ...process.env, ...IDENTITY },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

/** Creates a bare repository whose branch `main` holds one file, and returns its path. */
export function bareRepository(folder, name, file, content) {
  const bare = path.join(folder, `${name}.git`);
  const clone = path.join(folder, name);
  git(folder, 'init', '-q', '--bare', '--initial-branch=main', bare);
  git(folder, 'init', '-q', '--initial-branch=main', clone);
  writeFileSync(path.join(clone, file), content);
  git(clone, 'add', file);
  git(clone, 'commit', '-q', '-m', 'begin');
  git(clone, 'push', '-q', bare, 'main');
  return bare;
}
