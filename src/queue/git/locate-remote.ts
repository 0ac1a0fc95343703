import { existsSync } from 'node:fs';
import path from 'node:path';
import { gitUser } from '../../compat/gitrunner/environment.js';
import { RunmakerError } from '../../errors.js';
import { hostName } from '../../system/host.js';
import type { GitAddress } from './address.js';
import { connectionSettings } from './connection-settings.js';
import { Git } from './plumbing/git.js';
import type { Author } from './plumbing/import-stream.js';
import { isBareRepository } from './suggest-address.js';

/** Where a queue's remote is, and how git reaches it. */
export interface RemoteLocation {
  readonly url: string;
  /** Undefined: the one that the remote's HEAD names. */
  readonly branch: string | undefined;
  /** Variables for git with a clone's own settings. */
  readonly settings: Readonly<Record<string, string>>;
  /** Where git shows the effect of the user's settings. */
  readonly here: Git;
  /** The top of the clone's own checkout. */
  readonly checkout?: string | undefined;
}

/** @throws RunmakerError `input` when the clone is none, or has no remote */
export async function locateRemote({ url, clone, branch }: GitAddress): Promise<RemoteLocation> {
  if (url !== undefined) return { url, branch, settings: {}, here: new Git(process.cwd()) };
  const folder = clone as string;
  if (!existsSync(folder))
    throw new RunmakerError('input', `${folder}: no such folder`, { hint: 'name a clone: git:path/to/clone#runs.txt' });
  const here = new Git(folder, {}, isBareRepository(folder));
  const top = await here.attempt(['rev-parse', '--is-bare-repository', '--absolute-git-dir']);
  const [bare, directory = ''] = top.stdout.toString().trim().split('\n');
  if (top.status !== 0) {
    throw new RunmakerError('input', `${folder} is not a clone of a repository`, { hint: 'name one: git:path/to/clone#runs.txt' });
  }
  const value = async (...args: string[]): Promise<string | undefined> => {
    const { status, stdout } = await here.attempt(args);
    return (status === 0 && stdout.toString().trim()) || undefined;
  };
  const current = await value('symbolic-ref', '--quiet', '--short', 'HEAD');
  const upstream = current && (await value('config', `branch.${current}.remote`));
  const followed = current && (await value('config', `branch.${current}.merge`));
  const remotes = (await value('remote'))?.split('\n') ?? [];
  const remote = remotes.find(name => name === upstream) ?? remotes.find(name => name === 'origin') ?? remotes[0];
  if (remote === undefined) {
    if (bare === 'true') return { url: directory, branch: branch ?? current, settings: {}, here };
    throw new RunmakerError('input', `${folder} has no remote that others could reach`, {
      hint: 'add one (git remote add origin URL), or share a bare repository: git clone --bare',
    });
  }
  const checkout = bare === 'true' ? undefined : await value('rev-parse', '--show-toplevel');
  const base = bare === 'true' ? directory : (checkout ?? folder);
  const placed = (url: string): string => (/^[^/]*:/.test(url) ? url : path.resolve(base, url));
  const said = (await value('remote', 'get-url', remote)) as string;
  const { url: configured = said, settings } = await connectionSettings(here, remote, placed, process.env);
  return {
    // git itself replaces the prefix of a URL, and would do so twice.
    url: said === configured ? placed(said) : configured,
    branch: branch ?? (remote === upstream ? followed?.replace(/^refs\/heads\//, '') : undefined),
    settings,
    here,
    checkout,
  };
}

/** The author of commits: GIT_USER_NAME and GIT_USER_EMAIL, otherwise the user's git settings, otherwise this program. */
export async function authorFor(here: Git, environment: NodeJS.ProcessEnv): Promise<Author> {
  const { status, stdout } = await here.attempt(['var', 'GIT_COMMITTER_IDENT']);
  const [, name = '', email = ''] = (status === 0 && /^(.*) <(.*)> \d+ \S+$/m.exec(stdout.toString())) || [];
  const given = gitUser(environment);
  return {
    name: given.name ?? (name || 'runmaker'),
    email: given.email ?? (email || `runmaker@${hostName()}`),
  };
}
