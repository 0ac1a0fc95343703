import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { isBranchName, isGitName, parseGitAddress } from '../../../src/queue/git/address.js';
import { failuresIn } from '../../../src/queue/git/branch/failure-count.js';
import { placeResults } from '../../../src/queue/git/checkouts/results.js';
import { readRuns } from '../../../src/queue/git/documents/runs-document.js';
import { hashOf, type Lease, leasedLines, parseLease, printLease } from '../../../src/queue/git/leases/lease.js';
import { LeaseExpiry } from '../../../src/queue/git/leases/lease-expiry.js';
import { Change, Rows } from '../../../src/queue/git/leases/row-tracking.js';
import { explainFailure, GitFailure } from '../../../src/queue/git/plumbing/failure.js';
import { isGone, newRunnerName } from '../../../src/queue/git/plumbing/runner-name.js';
import { forOthers, withoutPassword, withoutSecrets } from '../../../src/queue/git/plumbing/secrets.js';
import { repositoryPath } from '../../../src/queue/git/repository-path.js';
import { gitSettings, idleLooksFrom } from '../../../src/queue/git/settings.js';
import { temporaryFolder } from '../../support/temporary.js';

/** The top of a checkout. */
function temporaryGit(): string {
  const folder = mkdtempSync(join(tmpdir(), 'runmaker-top-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  execFileSync('git', ['init', '--quiet', folder]);
  mkdirSync(join(folder, 'sub'));
  return folder;
}

function follow(before: string, line: number, after: string): number | string {
  const document = readRuns(Buffer.from(before), 'runs.txt');
  const job = document.jobs.find(({ number }) => number === line);
  if (job === undefined) throw new Error('no such job');
  const change = new Change(document, readRuns(Buffer.from(after), 'runs.txt'));
  const followed = change.follow(new Rows(document).rowOf(job));
  return followed.kind === 'kept' ? followed.row.number : followed.reason;
}

describe('an address', () => {
  it.each([
    ['git+ssh://git@host/team/queue.git#runs.txt', { url: 'ssh://git@host/team/queue.git', file: 'runs.txt' }],
    ['git+file:///srv/q.git#a/queue.csv?branch=dev/x', { url: 'file:///srv/q.git', file: 'a/queue.csv', branch: 'dev/x' }],
    ['git+https://host/q?branch=b#f%20g.txt', { url: 'https://host/q', file: 'f g.txt', branch: 'b' }],
    ['git:/a/clone#runs.txt', { clone: '/a/clone', file: 'runs.txt' }],
    ['git:.', { clone: process.cwd() }],
  ])('is parsed: %s', (name, address) => {
    expect(isGitName(name)).toBe(true);
    expect(parseGitAddress(name)).toEqual(address);
  });

  it.each([
    'git:',
    'git+ssh://',
    'git+file:///q#',
    'git+file:///q#a#b',
    'git+file:///q?brunch=b',
    'git+file:///q#../a',
    'git+file:///q#/a',
    'git+file:///q#%zz',
    'git+file://q.git#runs.txt',
    'git+file:///q?branch=a:b',
    'git+file:///q?branch=-d',
    'git+file:///q?branch=a%20b',
  ])('is rejected: %s', name => {
    expect(() => parseGitAddress(name)).toThrow(expect.objectContaining({ code: 'usage' }));
  });

  it('accepts the branch names that git accepts', () => {
    const piece = fc.constantFrom(
      'a',
      'B9',
      'ä',
      '.',
      '..',
      '/',
      '@',
      '{',
      '@{',
      '-',
      '~',
      '^',
      ':',
      '?',
      '*',
      '[',
      '\\',
      ' ',
      '\t',
      '\x7f',
      '.lock',
      "'",
    );
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 4 }), pieces => {
        const name = pieces.join('');
        const { status } = spawnSync('git', ['check-ref-format', `refs/heads/${name}`]);
        expect([name, isBranchName(name)]).toEqual([name, status === 0 && !name.startsWith('-')]);
      }),
      { numRuns: 150 },
    );
    expect(['main', 'dev/x', '', 'HEAD'].filter(isBranchName)).toEqual(['main', 'dev/x']);
  });

  it('is not a path that happens to begin with git', () => {
    for (const path of ['git', 'git+runs.txt', './git:x', 'github/runs.txt']) expect(isGitName(path)).toBe(false);
  });

  it.each([
    ['git+https://me:secret@host/q and ssh://host:22/a@b', 'git+https://***@host/q and ssh://host:22/a@b'],
    ['https://token@host/q', 'https://***@host/q'],
    ['https://me:se@cret@host/q', 'https://***@host/q'],
    ['https://me:se/cret@host/q', 'https://***@host/q'],
    ["unable to access 'HTTP://me:secret@host/q/': no", "unable to access 'HTTP://***@host/q/': no"],
    ['git+ssh://git@host/team/q.git#runs.txt', 'git+ssh://git@host/team/q.git#runs.txt'],
    ['ssh://me:se@cret@host/q', 'ssh://me:***@host/q'],
    ['https://host:8080/q.git#runs.txt', 'https://host:8080/q.git#runs.txt'],
  ])('hides credentials in messages: %s', (text, shown) => {
    expect(withoutSecrets(text)).toBe(shown);
  });

  it.each([
    ['git+https://me@host/q.git#runs.txt', 'git+https://me@host/q.git#runs.txt'],
    ['git+https://ghp_token@host/q.git#runs.txt', 'git+https://host/q.git#runs.txt'],
    ['git+https://0123456789abcdef01234@host/q.git', 'git+https://host/q.git'],
    ['git+https://me:se/cret@host/q.git', 'git+https://host/q.git'],
    ['git+https://me:secret@host:8080/q.git?branch=user@x', 'git+https://host:8080/q.git?branch=user@x'],
    ['git+https://host.example/team/queue.git#runs@v2.txt', 'git+https://host.example/team/queue.git#runs@v2.txt'],
    ['git+https://[::1]:80/team@home/q.git#runs.txt', 'git+https://[::1]:80/team@home/q.git#runs.txt'],
    ['git+https://me:secret@host/q.git', 'git+https://host/q.git'],
    ['git+ssh://me:secret@host/q.git', 'git+ssh://me@host/q.git'],
    ['git+ssh://git@host/q.git', 'git+ssh://git@host/q.git'],
  ])('gives jobs a name that works for them, without credentials: %s', (name, told) => {
    expect(forOthers(name)).toBe(told);
    expect(parseGitAddress(told).url).toBeDefined();
  });

  it.each([
    ['git+https://me@host/q.git#runs.txt', 'git+https://me@host/q.git#runs.txt'],
    ['git+https://glpat-x@host/q.git', 'git+https://***@host/q.git'],
    ['git+https://me:secret@host/q.git#runs@v2.txt', 'git+https://***@host/q.git#runs@v2.txt'],
    ['https://me:se/cr@et@host/q', 'https://***@host/q'],
    ['https://ghp_a/b@host/q', 'https://***@host/q'],
    ['git+ssh://me:se@cret@host/q.git#a@b', 'git+ssh://me:***@host/q.git#a@b'],
    ['git:/srv/a@b#runs.txt', 'git:/srv/a@b#runs.txt'],
  ])('appears in messages as it was given, except for the password: %s', (name, shown) => {
    expect(withoutPassword(name)).toBe(shown);
  });

  it('gives jobs the same place as its own name, wherever it contains an @, and whatever the password', () => {
    const word = fc.stringMatching(/^[a-z0-9@][a-z0-9@_-]{0,8}$/).filter(text => text !== '@');
    const account = fc.option(fc.stringMatching(/^[a-z]{1,8}:[^\s/?#]{0,12}$/));
    const scheme = fc.constantFrom('https', 'http', 'ssh');
    const port = fc.constantFrom('', ':8080');
    fc.assert(
      fc.property(scheme, account, port, word, word, fc.option(word), (how, who, at, folder, file, branch) => {
        const place = `host.example${at}/${folder}/q.git#${file}${branch === null ? '' : `?branch=${branch}`}`;
        const name = `git+${how}://${who === null ? '' : `${who}@`}${place}`;
        const user = who?.slice(0, who.indexOf(':'));
        const isSsh = how === 'ssh' && user !== undefined;
        expect(forOthers(name)).toBe(`git+${how}://${isSsh ? `${user}@` : ''}${place}`);
        expect(withoutPassword(name)).toBe(`git+${how}://${isSsh ? `${user}:***@` : user === undefined ? '' : '***@'}${place}`);
      }),
    );
  });

  it('never reveals a password, whatever it contains, not even in messages of git', () => {
    const secret = fc.string({ minLength: 1 }).filter(text => /^\S+$/.test(text));
    fc.assert(
      fc.property(secret, fc.constantFrom('https', 'http'), (userinfo, scheme) => {
        const url = `${scheme}://${userinfo}@host/q.git`;
        expect(withoutSecrets(`git+${url}#runs.txt said: 'no'`)).toBe(`git+${scheme}://***@host/q.git#runs.txt said: 'no'`);
        const failure = new GitFailure('fetch', `fatal: unable to access '${url}/': URL rejected\n`);
        const said = `unable to access '${scheme}://***@host/q.git/': URL rejected`;
        expect([failure.message, failure.stderr]).toEqual([`git fetch: ${said}`, `fatal: ${said}\n`]);
        // Text between an @ and a slash is a host to git, too.
        fc.pre(!/@[^:[\]]*[/?#]/.test(userinfo));
        const given = `${scheme}://me:p${userinfo}@host/q.git`;
        expect(explainFailure(failure, given).message).toBe(`${scheme}://***@host/q.git: the remote cannot be reached: ${said}`);
      }),
    );
  });
});

describe('a claimed row', () => {
  it.each<[string, string, number, string, number | string]>([
    ['stays where it is', '. a\nr b\n', 2, 'd a\nr b\n. c\n', 2],
    ['is found where lines were put before it', 'r a\n. b\n', 1, '# new\n. c\nr a\n. b\n', 3],
    ['that has twins is found by its place among them', '. a\nr a\n. a\n', 2, '# new\n. a\nr a\n. a\n', 3],
    ['that has twins is found where a twin that was done is gone', '# x\nd a\nr a\n', 3, '# x\nr a\n', 2],
    ['that has twins is found where a new twin was put first', 'r a\n', 1, '. a\nr a\n', 2],
    [
      'that has twins is lost when it was set, though a twin runs next',
      'r a\n. a\n',
      1,
      '. a\nr a\n',
      'somebody set the line to "." while its job ran',
    ],
    ['that has twins is lost when it was removed', 'r a\nr a\n', 2, '# x\nr a\n', 'its line was changed or removed while the job ran'],
    ['is lost when it was changed', 'r a\n', 1, 'r b\n', 'its line was changed or removed while the job ran'],
    ['is lost when it was set', 'r a\n', 1, '. a\n', 'somebody set the line to "." while its job ran'],
  ])('%s', (_, before, line, after, expected) => {
    expect(follow(before, line, after)).toBe(expected);
  });

  it('keeps its identity among twins through any insertion of other lines', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.nat({ max: 5 }), fc.array(fc.nat({ max: 6 })), (twins, chosen, places) => {
        const at = chosen % twins;
        const lines = Array.from({ length: twins }, (_, line) => `${line === at ? 'r' : '.'} a`);
        const after = [...lines];
        for (const place of places) after.splice(place, 0, '. other');
        expect(follow(`${lines.join('\n')}\n`, at + 1, `${after.join('\n')}\n`)).toBe(after.indexOf('r a') + 1);
      }),
    );
  });
});

describe('the running ones among identical rows', () => {
  const states = fc.array(fc.constantFrom('.', 'r', 'd'), { minLength: 1, maxLength: 8 });
  /** Each insertion or removal of a row that does not run: its position and kind. */
  const edits = fc.array(fc.record({ at: fc.nat({ max: 12 }), state: fc.option(fc.constantFrom('.', 'd')) }), { maxLength: 6 });
  const text = (rows: readonly string[]): string => rows.map(state => `${state} a\n`).join('');

  it('are all found at their new positions, whatever happens to the others', () => {
    fc.assert(
      fc.property(states, edits, (before, changes) => {
        const after = [...before];
        for (const { at, state } of changes) {
          if (state !== null) after.splice(at, 0, state);
          else if (after[at] !== undefined && after[at] !== 'r') after.splice(at, 1);
        }
        const running = (rows: readonly string[]): number[] => rows.flatMap((state, at) => (state === 'r' ? [at + 1] : []));
        // A comment before all rows, so that this is an edit whatever becomes of the rows.
        const found = running(before).map(line => Number(follow(text(before), line, `# edited\n${text(after)}`)) - 1);
        expect(found).toEqual(running(after));
      }),
    );
  });

  it('never share one row, whatever the edit', () => {
    fc.assert(
      fc.property(states, states, (before, after) => {
        const lines = before.flatMap((state, at) => (state === 'r' ? [at + 1] : []));
        const kept = lines.map(line => follow(text(before), line, text(after))).filter(found => typeof found === 'number');
        expect(new Set(kept).size).toBe(kept.length);
        for (const line of kept) expect(after[line - 1]).toBe('r');
      }),
    );
  });
});

describe('a lease', () => {
  const lease: Lease = { queue: 'runs.txt on main', duration: 600_000, rows: [{ number: 4, hash: hashOf('a') }] };

  it('survives printing and parsing', () => {
    expect(parseLease(printLease('runmaker alice: runs 1 job (4)', lease, 1))).toEqual(lease);
  });

  it('differs at each renewal', () => {
    expect(printLease('x', lease, 1)).not.toBe(printLease('x', lease, 2));
  });

  it('ignores refs of other programs', () => {
    expect(parseLease('notes\n\nabout runs')).toBeUndefined();
  });

  it.each([
    ['by line and command', 'r a\nr a\n. a\n', [{ number: 2, hash: hashOf('a') }], [2]],
    ['by command where lines have moved', '# x\nr a\nr b\n', [{ number: 1, hash: hashOf('a') }], [2]],
    ['not what is not in hand', '. a\n', [{ number: 1, hash: hashOf('a') }], []],
    ['not a twin that nobody names', 'r a\nr a\n', [{ number: 1, hash: hashOf('a') }], [1]],
  ])('names jobs %s', (_, text, leased, lines) => {
    const { jobs } = readRuns(Buffer.from(text), 'runs.txt');
    expect([...leasedLines(jobs, [{ ...lease, rows: leased }])]).toEqual(lines);
  });

  describe("expires by the observer's clock", () => {
    const seen = (commit: string) => [{ ref: 'refs/runmaker/bob', commit, lease }];

    /** Which leases of one runner have expired at each look, at the given seconds of the steady clock. */
    async function looks(...at: [seconds: number, commit: string | undefined][]): Promise<boolean[]> {
      let steady = 0;
      const watch = new LeaseExpiry(`${temporaryFolder()}/notes`, { steady: () => steady, wall: () => 5e11 + steady });
      const ends: boolean[] = [];
      for (const [seconds, commit] of at) {
        steady = seconds * 1000;
        ends.push((await watch.part(commit === undefined ? [] : seen(commit))).expired.length > 0);
      }
      return ends;
    }

    it('when it has not changed for its whole duration', async () => {
      expect(await looks([0, '1'], [300, '1'], [599, '1'], [601, '1'], [602, '2'], [1000, '2'])).toEqual([
        false,
        false,
        false,
        true,
        false,
        false,
      ]);
    });

    it('not during time without looks: the remote may have been unreachable for all', async () => {
      expect(await looks([0, '1'], [100_000, '1'], [100_010, '1'], [100_299, '1'], [100_301, '1'])).toEqual([
        false,
        false,
        false,
        false,
        true,
      ]);
    });

    it('also across restarts of the observer', async () => {
      const notes = `${temporaryFolder()}/notes`;
      let wall = 1e12;
      const look = async (commit: string) => await new LeaseExpiry(notes, { steady: () => 7, wall: () => wall }).part(seen(commit));
      await look('1');
      wall += 299_000;
      expect((await look('1')).alive.length).toBe(1);
      wall += 302_000;
      expect((await look('1')).alive.length).toBe(1);
      wall += 2000;
      expect((await look('1')).expired.length).toBe(1);
      expect((await look('2')).alive.length).toBe(1);
    });

    it('anew when it was absent in between', async () => {
      expect(await looks([0, '1'], [300, '1'], [500, undefined], [601, '1'])).toEqual([false, false, false, false]);
    });

    it('when it is renewed elsewhere, no sooner than when it renews itself', async () => {
      let steady = 0;
      const watch = new LeaseExpiry(`${temporaryFolder()}/notes`, { steady: () => steady, wall: () => 5e11 + steady });
      for (const beat of ['1', '2', '3', '4']) {
        expect((await watch.part([{ ref: 'refs/runmaker/bob', commit: '1', beat, lease }])).alive.length).toBe(1);
        steady += 500_000;
      }
    });

    it('not because the wall clock jumps during a look', async () => {
      let wall = 1e12;
      const watch = new LeaseExpiry(`${temporaryFolder()}/notes`, { steady: () => 0, wall: () => wall });
      await watch.part(seen('1'));
      wall += 1e9;
      expect((await watch.part(seen('1'))).alive.length).toBe(1);
    });
  });
});

describe('a runner', () => {
  it('has a unique name, and is not gone while it lives', () => {
    const [one, other] = [newRunnerName(), newRunnerName()];
    expect(one).not.toBe(other);
    expect(one).toMatch(/^[\w-]+$/);
    expect(isGone(one)).toBe(false);
  });

  it('is gone when its process is, or started at another time, or before this boot; other hosts are unknown', () => {
    const [, host, boot, space, pid] = /^(.+)-([0-9a-z]+)-(\d+)-(\d+)-\d+-\d+$/.exec(newRunnerName()) ?? [];
    expect(isGone(`${host}-${boot}-${space}-4194305-1-1`)).toBe(true);
    expect(isGone(`${host}-${boot}-${space}-${pid}-1-1`)).toBe(true);
    expect(isGone(`${host}-00000000-${space}-${pid}-1-1`)).toBe(true);
    expect(isGone(`else-${boot}-${space}-4194305-1-1`)).toBe(false);
  });

  it('is not gone because it is in a container, where processes are numbered anew', () => {
    const [, host, boot, space] = /^(.+)-([0-9a-z]+)-(\d+)-(\d+)-\d+-\d+$/.exec(newRunnerName()) ?? [];
    expect(isGone(`${host}-${boot}-${Number(space) + 1}-4194305-1-1`)).toBe(false);
  });
});

describe('attempts', () => {
  it('are counted from the last final failure of the job', () => {
    expect(failuresIn('Tried-again: x\n\nTried-again: y\nTried-again: x\nTried-enough: x\nTried-again: x', 'x')).toBe(2);
    expect(failuresIn('', 'x')).toBe(0);
  });
});

describe('results of a job', () => {
  const result = (path: string, before: string | undefined, object: string | undefined) => ({ path, mode: '100644', object, before });
  const place = (now: [string, string][], ...results: ReturnType<typeof result>[]) =>
    placeResults([{ job: 5, results }], new Map(now)).map(({ path, content }) => [path, content]);

  it('replace what was there when the job started', () => {
    expect(place([['a', '1']], result('a', '1', '2'))).toEqual([['a', { object: '2' }]]);
  });

  it('are stored beside concurrent changes by others', () => {
    expect(place([['a', '9']], result('a', '1', '2'))).toEqual([['a.job-5', { object: '2' }]]);
    expect(place([['a', '9']], result('a', undefined, '2'))).toEqual([['a.job-5', { object: '2' }]]);
  });

  it('of two jobs in one commit at one path are both kept', () => {
    const both = placeResults(
      [5, 6].map(job => ({ job, results: [result('a', undefined, `${job}`)] })),
      new Map(),
    );
    expect(both.map(({ path }) => path)).toEqual(['a', 'a.job-6']);
  });

  it('get a name that is free, in the last resort one derived from their content', () => {
    const first = [
      ['a', '9'],
      ['a.job-5', '8'],
    ] as [string, string][];
    expect(place(first, result('a', '1', '2'))).toEqual([['a.job-5.2', { object: '2' }]]);
  });

  it('never replace a folder, and are stored beside a file where a folder would be needed', () => {
    expect(place([['a/x', '9']], result('a', undefined, '2'))).toEqual([['a.job-5', { object: '2' }]]);
    expect(place([['a', '9']], result('a/x/y', undefined, '2'))).toEqual([['a.job-5/x/y', { object: '2' }]]);
    expect(
      placeResults(
        [5, 6].map(job => ({ job, results: [result(job === 5 ? 'a' : 'a/x', undefined, '2')] })),
        new Map(),
      ).map(({ path }) => path),
    ).toEqual(['a', 'a.job-6/x']);
  });

  it('may put a folder where the job’s own file was, and a file where its folder was', () => {
    expect(place([['a', '1']], result('a', '1', undefined), result('a/x', undefined, '2'))).toEqual([
      ['a', undefined],
      ['a/x', { object: '2' }],
    ]);
    expect(place([['a/x', '1']], result('a', undefined, '2'), result('a/x', '1', undefined))).toEqual([
      ['a/x', undefined],
      ['a', { object: '2' }],
    ]);
    expect(
      place(
        [
          ['a/x', '1'],
          ['a/y', '9'],
        ],
        result('a', undefined, '2'),
        result('a/x', '1', undefined),
      ),
    ).toEqual([
      ['a/x', undefined],
      ['a.job-5', { object: '2' }],
    ]);
  });

  it('remove what the job has removed, unless it has been changed by others', () => {
    expect(place([['a', '1']], result('a', '1', undefined))).toEqual([['a', undefined]]);
    expect(place([['a', '9']], result('a', '1', undefined))).toEqual([]);
  });
});

describe('settings', () => {
  it('come from the request, then from the environment, then from the defaults', () => {
    expect(gitSettings({}, {})).toEqual({ lease: 600_000, sleep: 5000, resultsDir: undefined, maxJobAttempts: 1 });
    const environment = { SLEEP_TIME: '2.5', RESULTS_DIR: './out/', MAX_JOB_ATTEMPTS: '3', MAX_ATTEMPTS: '4' };
    expect(gitSettings({}, environment)).toEqual({ lease: 600_000, sleep: 2500, resultsDir: './out/', maxJobAttempts: 3 });
    expect(gitSettings({ sleep: 100, resultsDir: 'r', maxJobAttempts: 1 }, environment)).toMatchObject({
      sleep: 100,
      resultsDir: 'r',
      maxJobAttempts: 1,
    });
    expect(idleLooksFrom(environment)).toBe(4);
  });

  it.each([{ SLEEP_TIME: 'soon' }, { MAX_JOB_ATTEMPTS: '0' }])('that are invalid are rejected: %j', environment => {
    expect(() => gitSettings({}, environment)).toThrow(expect.objectContaining({ code: 'usage' }));
  });
});

describe('a path of the repository', () => {
  const top = temporaryGit();

  it.each([
    ['results', 'results'],
    ['./out/', 'out'],
    [`${top}/results`, 'results'],
    [`${top}/not/there/yet/`, 'not/there/yet'],
    [`${top}/sub/../sub/results`, 'sub/results'],
  ])('may be relative to its top, or absolute inside a checkout: %s', async (text, path) => {
    expect(await repositoryPath(text, undefined, 'it')).toBe(path);
    expect(await repositoryPath(text, top, 'it')).toBe(path);
  });

  it.each(['/', '/tmp', 'a/../..', '.git', '', top, `${top}/../elsewhere`, `${top}/.git/x`])('is rejected elsewhere: %s', async text => {
    await expect(repositoryPath(text, top, 'it')).rejects.toMatchObject({ code: 'usage' });
  });
});

describe('an error message of git', () => {
  it.each([
    [
      'remote: error: GH006: Protected branch update failed\n ! [remote rejected] main -> main (protected branch hook declined)',
      'queue',
      'refuses changes',
    ],
    ["fatal: could not read Username for 'https://host': terminal prompts disabled", 'queue', 'refused the credentials'],
    ['git@host: Permission denied (publickey).\nfatal: Could not read from remote repository.', 'queue', 'refused the credentials'],
    [
      'ssh: Could not resolve hostname x: Name or service not known\nfatal: Could not read from remote repository.',
      'queue',
      'cannot be reached',
    ],
    [
      "fatal: '/x.git' does not appear to be a git repository\nfatal: Could not read from remote repository.",
      'input',
      'no such repository',
    ],
    [
      '! [remote rejected] main -> main (branch is currently checked out)\nerror: refusing to update checked out branch: refs/heads/main',
      'queue',
      'checked out',
    ],
    [
      "remote: error: cannot lock ref 'refs/heads/al/one': 'refs/heads/al' exists; cannot create 'refs/heads/al/one'\n ! [remote rejected] HEAD -> al/one (failed to update ref)",
      'queue',
      'a branch has a name that',
    ],
    ["remote: error: cannot lock ref 'refs/heads/main': is at 1 but expected 2", 'queue', 'something is locked'],
    ['error: something new', 'queue', 'git push failed: something new'],
  ])('is reported with a remedy: %s', (stderr, code, message) => {
    const error = explainFailure(new GitFailure('push', stderr), 'https://me:secret@host/q');
    expect(error).toMatchObject({ code, message: expect.stringContaining(message) });
    expect(error.message).not.toContain('secret');
  });
});
