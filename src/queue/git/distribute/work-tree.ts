import { LIST_FILES, newIn, readList } from '../../../compat/distribute/lists.js';
import { MESSAGES } from '../../../compat/distribute/words.js';
import { RunmakerError } from '../../../errors.js';
import { GitFailure } from '../plumbing/failure.js';
import type { Git, GitOptions } from '../plumbing/git.js';
import type { Author } from '../plumbing/import-stream.js';
import type { Remote } from '../plumbing/remote.js';
import { explainInClone } from './clone-failure.js';
import { Retry } from './retry.js';

/** Most files that a message names. */
const SHOWN = 5;
/** Characters of a commit's name that identify it. */
const SHORT = 12;

/** A worker's own clone, in which its jobs run: their branches, their commits, and the results of merges. */
export class WorkTree {
  /** @param worker its name, with which the names of all its branches begin · @param patience with the remote, in ms */
  constructor(
    private readonly git: Git,
    private readonly remote: Remote,
    private readonly worker: string,
    private readonly identity: Author,
    private readonly patience: number,
  ) {}

  get path(): string {
    return this.git.directory;
  }

  /**
   * Makes sure that files can be checked out and committed here, as far as that shows without doing it.
   * @throws RunmakerError `input`, which names the file that is in the way
   */
  async mustBeWritable(): Promise<void> {
    await this.run(['update-index', '--force-write-index']);
  }

  /**
   * Begins the branch of a job at a commit. What an earlier try at the job has left on it, and is nowhere else, is kept on the remote as
   * `BRANCH-left-COMMIT`.
   * @throws RunmakerError `input` when the commit cannot be checked out, `queue` when nothing can be pushed
   */
  async beginJob(branch: string, commit: string): Promise<void> {
    const { stdout } = await this.git.attempt(['rev-parse', '--quiet', '--verify', `refs/remotes/origin/${branch}`]);
    const earlier = stdout.toString('utf8').trim();
    const isLeft = earlier !== '' && (await this.run(['rev-list', '--max-count=1', earlier, '--not', commit])) !== '';
    if (isLeft) await this.push(`${earlier}:refs/heads/${branch}-left-${earlier.slice(0, SHORT)}`);
    await this.checkOut(branch, commit);
  }

  /**
   * Makes sure that branches of this worker's name can be on the remote.
   * @throws RunmakerError `usage` when a branch has that name itself, `queue` when the remote cannot be reached in time
   */
  async mustBePushable(): Promise<void> {
    const ref = `refs/heads/${this.worker}`;
    const retry = new Retry(this.remote.url, this.patience);
    const listed = await retry.until(() => this.git.text(['ls-remote', 'origin', ref]));
    if (!listed.split('\n').some(line => line.endsWith(`\t${ref}`))) return;
    throw new RunmakerError('usage', `the remote has a branch ${this.worker}: there can be none that is called ${this.worker}/JOB`, {
      hint: `give the worker another name, or remove that branch: git push origin --delete ${this.worker}`,
    });
  }

  /** The branch that is checked out; empty when there is none. */
  async branch(): Promise<string> {
    return await this.run(['branch', '--show-current']);
  }

  /** The commit of the main branch that a job's branch began with. */
  async beginningOf(branch: string, main: string): Promise<string> {
    const own = await this.run(['rev-list', '--first-parent', '--reverse', `refs/heads/${branch}`, '--not', main]);
    return await this.run(['rev-parse', own === '' ? `refs/heads/${branch}` : `${own.split('\n')[0]}^`]);
  }

  /** Checks a commit out, as a branch that is to be there from now on. @throws RunmakerError `input` when that cannot be checked out */
  async checkOut(branch: string, commit: string): Promise<void> {
    await this.run(['checkout', '--quiet', '--no-track', '-B', branch, commit], { asUser: true });
  }

  /**
   * Commits all that has changed, and pushes it to a branch. Returns the commit.
   * @throws RunmakerError `input` while a merge is not resolved, another branch is checked out, or a repository lies among the files
   */
  async save(branch: string, message: string): Promise<string> {
    const { git, identity } = this;
    const environment = {
      GIT_AUTHOR_NAME: identity.name,
      GIT_AUTHOR_EMAIL: identity.email,
      GIT_COMMITTER_NAME: identity.name,
      GIT_COMMITTER_EMAIL: identity.email,
    };
    await this.mustBeResolved(branch);
    await this.mustHoldNoRepository();
    await this.run(['add', '--all']);
    const changed = (await git.attempt(['diff', '--cached', '--quiet'])).status !== 0;
    // A merge resolved in favour of what was there changes no file, and is one all the same.
    const merges = (await git.attempt(['rev-parse', '--quiet', '--verify', 'MERGE_HEAD'])).status === 0;
    if (changed || merges) await this.run(['commit', '--quiet', '--no-verify', '--message', message], { environment });
    await this.push(`+HEAD:refs/heads/${branch}`);
    return await this.run(['rev-parse', 'HEAD']);
  }

  /**
   * Pushes what a predecessor of this name has left here, to the branches of its jobs: commits, and changes, which must not come under
   * the next job's name.
   * @throws RunmakerError `input` when there are changes that belong to no job, `queue` when nothing can be pushed
   */
  async saveLeftovers(): Promise<void> {
    await this.saveChanges();
    const mine = ['--format=%(refname:lstrip=2)', `--no-merged=${this.remote.seenBranch}`, `refs/heads/${this.worker}/`];
    for (const branch of (await this.run(['for-each-ref', ...mine])).split('\n').filter(name => name !== '')) {
      const unpushed = await this.run(['rev-list', '--max-count=1', `refs/heads/${branch}`, '--not', '--remotes=origin']);
      if (unpushed !== '') await this.push(`+refs/heads/${branch}:refs/heads/${branch}`);
    }
  }

  private async saveChanges(): Promise<void> {
    const changed = await this.run(['status', '--porcelain']);
    if (changed === '') return;
    const branch = await this.branch();
    if (branch.startsWith(`${this.worker}/`)) return void (await this.save(branch, MESSAGES.leftovers(this.worker)));
    const files = changed.split('\n').map(line => line.slice(3));
    throw new RunmakerError('input', `${this.path} has changes that belong to no job: ${files.slice(0, SHOWN).join(', ')}`, {
      hint: 'remove them (git stash --include-untracked), or have git ignore them; then ask for a job again',
    });
  }

  /** The tree that results from a merge. The lists do not matter: they are rewritten. */
  async merge(main: string, ours: string, branch: string): Promise<string> {
    const { status, stdout, stderr } = await this.git.attempt([
      'merge-tree',
      '--write-tree',
      '--name-only',
      '--no-messages',
      '-z',
      main,
      ours,
    ]);
    const [tree = '', ...files] = stdout.toString('utf8').split('\0');
    const lists: readonly string[] = Object.values(LIST_FILES);
    const conflicts = [...new Set(files.filter(file => file !== '' && !lists.includes(file)))];
    if (status !== 0 && status !== 1) throw explainInClone(new GitFailure('merge-tree', stderr), this.path);
    if (conflicts.length === 0) return tree;
    throw new RunmakerError('queue', `the branch ${branch} cannot be merged: somebody else has changed ${conflicts.join(', ')}`, {
      hint: `it is pushed, and the job stays in ${LIST_FILES.running}: in ${this.path} run "git fetch origin" and "git merge origin/${this.remote.branch}", mend the files, "git add" them, then finish again (after worker.resume() if the program was started anew)`,
    });
  }

  private async push(refspec: string): Promise<void> {
    const retry = new Retry(this.remote.url, this.patience);
    await retry.until(() => this.git.call(['push', '--no-verify', 'origin', refspec]));
  }

  /** Adding all files would count as having resolved them. */
  private async mustBeResolved(branch: string): Promise<void> {
    const unmerged = (await this.run(['diff', '--name-only', '--diff-filter=U', '-z'])).split('\0').filter(file => file !== '');
    if (unmerged.length > 0) {
      throw new RunmakerError('input', `${this.path} has a merge that is not resolved: ${unmerged.slice(0, SHOWN).join(', ')}`, {
        hint: 'mend these files and "git add" them there, then try again; "git merge --abort" gives the merge up',
      });
    }
    const current = await this.branch();
    if (current === branch) return;
    throw new RunmakerError('input', `${this.path} is not on the branch of its job, ${branch}, but on ${current || 'none'}`, {
      hint: 'bring to an end what was begun there (git status tells), and check that branch out; then try again',
    });
  }

  /** git would commit the name of its checked-out commit, and none of its files. */
  private async mustHoldNoRepository(): Promise<void> {
    // Of all that is not tracked, only they end like this: of other folders the files are listed.
    const others = (await this.run(['ls-files', '--others', '--exclude-standard', '-z'])).split('\0');
    const repositories = others.filter(file => file.endsWith('/'));
    if (repositories.length === 0) return;
    throw new RunmakerError(
      'input',
      `${this.path} holds another repository, whose files would be lost: ${repositories.slice(0, SHOWN).join(', ')}`,
      {
        hint: 'remove the .git in it, and its files are committed as all others are; or have git ignore it; then try again',
      },
    );
  }

  /**
   * The jobs that were added to jobs.txt on a branch.
   * @param began the commit that the branch began with · @param main the main branch: what came from there by a merge is not the job's
   */
  async jobsAdded(began: string, main: string, ours: string): Promise<string[]> {
    const { stdout } = await this.git.attempt(['merge-base', main, ours]);
    const shared = stdout.toString('utf8').trim();
    return newIn(await this.jobsAt(ours), [await this.jobsAt(began), shared === '' ? [] : await this.jobsAt(shared)]);
  }

  private async jobsAt(commit: string): Promise<string[]> {
    const { status, stdout } = await this.git.attempt(['cat-file', 'blob', `${commit}:${LIST_FILES.jobs}`]);
    return status === 0 ? readList(stdout.toString('utf8')) : [];
  }

  /** Runs a command that concerns nothing but the clone, and returns what it has printed. */
  private async run(args: readonly string[], options?: GitOptions): Promise<string> {
    try {
      return await this.git.text(args, options);
    } catch (error) {
      throw error instanceof GitFailure ? explainInClone(error, this.path) : error;
    }
  }
}
