import { cpSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Workbench, waiting } from '../support/bench.js';
import { edit } from '../support/edit.js';
import { eventually } from '../support/eventually.js';
import { isAlive, runmaker, runset, startProgram } from '../support/programs.js';

const JOBS = '# comment\n. train 1\nd train 2\n! train 3 #: cpus=2\ne test 4\n- test 5\n---\nx test 6\n';

/** The line numbers that a list shows. */
function numbersIn(stdout: string): number[] {
  return stdout
    .split('\n')
    .slice(0, -1)
    .map(line => Number(line.split(':')[0]));
}

describe('runset --list', () => {
  it.each(['-l', '--list'])('%s prints number, state and command of every job', async option => {
    const { status, stdout, stderr } = await runset([option, new Workbench(JOBS).runs]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toBe('2: . - train 1\n3: d - train 2\n4: ! - train 3 #: cpus=2\n5: e - test 4\n6: - - test 5\n8: x - test 6\n');
  });

  it.each<[string[], number[]]>([
    [['3'], [3]],
    [
      ['3', '5'],
      [3, 5],
    ],
    [['3-5'], [3, 4, 5]],
    [['-3'], [2, 3]],
    [['5-'], [5, 6, 8]],
    [['3,5-6'], [3, 5, 6]],
    [['@10'], [2]],
    [
      ['@10', '8'],
      [2, 8],
    ],
    [['--all'], [2, 3, 4, 5, 6, 8]],
    [
      ['--state', '!e'],
      [4, 5],
    ],
    [['--state=-'], [6]],
    [
      ['--match', 'train'],
      [2, 3, 4],
    ],
    [
      ['--match', 't [24]|n 2$'],
      [3, 5],
    ],
    [['--match', 'train', '--state', '.d', '3-'], [3]],
    [['--all', '--state', 'x'], [8]],
  ])('%j chooses lines %j', async (choice, expected) => {
    const bench = new Workbench(JOBS);
    const { status, stdout } = await runset(['--list', bench.runs, ...choice]);
    expect(numbersIn(stdout)).toEqual(expected);
    expect(status).toBe(0);
    expect(bench.content).toBe(JOBS);
  });

  it('shows whether running jobs have presence', async () => {
    const bench = new Workbench(`. ${waiting()}\nr true\n? true\n`);
    const runner = startProgram('runmaker', [bench.runs], { cwd: bench.folder });
    await bench.has('pids');
    const { stdout } = await runset(['--list', bench.runs]);
    expect(stdout).toBe(`1: r - ${waiting()}  (running)\n2: r - true  (orphaned)\n3: ? - true  (orphaned)\n`);
    writeFileSync(bench.path('go'), '');
    await runner.ended;
  });

  it('with --json prints one object per line', async () => {
    const bench = new Workbench(Buffer.from('. echo "a"\nr b\nd \xff\n', 'latin1'));
    const { stdout } = await runset(['--list', '--json', bench.runs]);
    expect(
      stdout
        .split('\n')
        .slice(0, -1)
        .map(line => JSON.parse(line)),
    ).toEqual([
      { id: '1', number: 1, offset: 0, state: '.', command: 'echo "a"' },
      { id: '2', number: 2, offset: 11, state: 'r', presence: 'orphaned', command: 'b' },
      { id: '3', number: 3, offset: 15, state: 'd', base64: Buffer.from([0xff]).toString('base64') },
    ]);
  });

  it('passes bytes through unchanged', async () => {
    const bench = new Workbench(Buffer.from('. \xff\xe4\n', 'latin1'));
    expect((await runset(['--list', bench.runs])).bytes).toEqual(Buffer.from('1: . - \xff\xe4\n', 'latin1'));
  });

  it('lists a million jobs', async () => {
    const bench = new Workbench('. true\n'.repeat(1_000_000));
    const { status, bytes } = await runset(['--list', bench.runs]);
    expect(status).toBe(0);
    expect(bytes.subarray(-19).toString()).toBe('\n1000000: . - true\n');
  });
});

describe('runset --set', () => {
  it('with --list lists what it has set, in the new state', async () => {
    const bench = new Workbench(JOBS);
    const { status, stdout } = await runset(['--set=.', '--list', '--state=failed,error', bench.runs]);
    expect({ status, stdout }).toEqual({ status: 0, stdout: '4: . - train 3 #: cpus=2\n5: . - test 4\n' });
    expect((await runset(['-s', 'd', '-l', '-a', new Workbench('. a\n! b\n').runs])).stdout).toBe('1: d - a\n2: d - b\n');
  });

  it('sets all jobs with -a, as runset4 does', async () => {
    const bench = new Workbench(JOBS);
    expect((await runset(['-a', '-s', '-', bench.runs])).status).toBe(0);
    expect(bench.states).toBe('------');
  });

  it.each([['--set=.'], ['-s.'], ['-s', '.'], ['--set', '.']])('%s sets the state of the chosen jobs', async (...option) => {
    const bench = new Workbench(JOBS);
    const { status, stdout, stderr } = await runset([...option, bench.runs, '--state', '!e']);
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(bench.content).toBe(JOBS.replace('! train', '. train').replace('e test', '. test'));
  });

  it.each<[string[], string]>([
    [['--all'], '------'],
    [['2-3', '6'], '--!e-x'],
    [['@10', '--match', 'train'], '-d!e-x'],
    [['--match', 'test', '--state', 'e,x'], '.d!---'],
  ])('chooses by numbers, ranges, offsets, states and patterns: %j', async (choice, states) => {
    const bench = new Workbench(JOBS);
    await runset(['--set=-', bench.runs, ...choice]);
    expect(bench.states).toBe(states);
  });

  it('makes jobs run again', async () => {
    const bench = new Workbench('. echo a >> ran\n');
    await runmaker([bench.runs], { cwd: bench.folder });
    await runset(['--all', '--set=.', bench.runs]);
    await runmaker([bench.runs], { cwd: bench.folder });
    expect(bench.lines('ran')).toEqual(['a', 'a']);
  });

  it('skips a running job and names it, exit status 1; --force sets it', { tags: ['slow'] }, async () => {
    const bench = new Workbench(`. ${waiting()}\nd true\n`);
    const runner = startProgram('runmaker', [bench.runs], { cwd: bench.folder });
    await bench.has('pids');

    const refused = await runset(['--set=-', '--all', bench.runs]);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain('runset: line 1 is being run and was left alone\n');
    expect(refused.stderr).toContain('--force');
    expect(bench.states).toBe('r-');

    const forced = await runset(['--set=-', '--force', '--all', bench.runs]);
    expect({ status: forced.status, stderr: forced.stderr }).toEqual({ status: 0, stderr: '' });
    expect(bench.states).toBe('--');
    writeFileSync(bench.path('go'), '');
    expect((await runner.ended).status).toBe(1);
    expect(bench.states).toBe('--');
  });

  it('--set reports how many of the given lines are not jobs', async () => {
    const bench = new Workbench('# a comment\n. a\n. b\n');
    const { stderr, status } = await runset(['--set=-', bench.runs, '1,2,3', '99']);
    expect(stderr).toBe('runset: 2 of the 4 lines named are no jobs, and were passed over\n');
    expect(status).toBe(0);
    expect(bench.content).toBe('# a comment\n- a\n- b\n');
    const range = await runset(['--set=.', bench.runs, '1-99']);
    expect([range.status, range.stderr]).toEqual([0, '']);
  });

  it.each([['--set=.'], ['--list']])('%s reports that none of the given lines is a job', async action => {
    const bench = new Workbench(JOBS);
    for (const lines of ['100-200', '1']) {
      const { stderr, status } = await runset([action, bench.runs, lines]);
      expect(stderr).toBe(`runset: none of the lines named is a job of ${bench.runs}\n`);
      expect(status).toBe(2);
    }
    expect(bench.content).toBe(JOBS);
  });

  it.each([['--state=%'], ['--match=nothing like it']])(
    'reports that none was set when %s chooses none, which is not a failure',
    async choice => {
      const bench = new Workbench(JOBS);
      expect(await runset(['--set=.', bench.runs, choice])).toMatchObject({
        status: 0,
        stderr: 'runset: no job is chosen, none was set\n',
      });
    },
  );

  it('sets a hundred thousand jobs', async () => {
    const bench = new Workbench('! true\n'.repeat(100_000));
    expect((await runset(['--set=.', '--state=!', bench.runs])).status).toBe(0);
    expect(bench.content === '. true\n'.repeat(100_000)).toBe(true);
  });
});

describe('runset --add', () => {
  it('appends jobs, one per line', async () => {
    const bench = new Workbench('d true\n');
    const { status, stdout, stderr } = await runset([bench.runs, '--add', 'echo a', 'echo "b c"']);
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(bench.content).toBe('d true\n. echo a\n. echo "b c"\n');
  });

  it('also accepts the queue name last', async () => {
    const bench = new Workbench('');
    await runset(['--add', 'echo a', bench.runs]);
    expect(bench.content).toBe('. echo a\n');
  });

  it('with --hold appends them held', async () => {
    const bench = new Workbench('');
    await runset([bench.runs, '--hold', '--add', 'echo a']);
    expect(bench.content).toBe('- echo a\n');
  });

  it('completes a missing last newline first', async () => {
    const bench = new Workbench('. true');
    await runset([bench.runs, '--add', 'echo a']);
    expect(bench.content).toBe('. true\n. echo a\n');
  });

  it('rejects a command with a line end, and all given with it', async () => {
    const bench = new Workbench('. true\n');
    const { status, stderr } = await runset([bench.runs, '--add', 'echo good', 'echo a\necho b']);
    expect(status).toBe(2);
    expect(stderr).toBe(
      'runset: the command "echo a\\necho b" holds a line end: a job is one line\njoin the commands with ";" or "&&", or add them one by one\n',
    );
    expect(bench.content).toBe('. true\n');
  });

  it('from several processes at once loses none', async () => {
    const bench = new Workbench('. first');
    const added = Array.from({ length: 12 }, (_, who) => [`echo ${who} a`, `echo ${who} b`]);
    const ended = await Promise.all(added.map(commands => runset([bench.runs, '--add', ...commands])));
    for (const { status, stderr } of ended) expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(bench.content.split('\n').sort()).toEqual(['', '. first', ...added.flat().map(command => `. ${command}`)].sort());
  });

  it('while jobs run does not disturb them, and the runner claims the new ones', async () => {
    const bench = new Workbench(`. ${waiting()}\n`);
    const runner = startProgram('runmaker', [bench.runs], { cwd: bench.folder });
    await bench.has('pids');
    await runset([bench.runs, '--add', 'echo a > added']);
    writeFileSync(bench.path('go'), '');
    expect((await runner.ended).status).toBe(0);
    expect(bench.states).toBe('dd');
    expect(bench.read('added')).toBe('a\n');
  });
});

describe('runset --add … --', () => {
  it.each([
    [
      ['--add', '--', '-z', '--hold', 'runs.txt'],
      ['. -z', '. --hold'],
    ],
    [['runs.txt', '--add', '--', '-z'], ['. -z']],
    [['--hold', '--add', '--', '-z', 'runs.txt'], ['- -z']],
    [
      ['--add', 'echo a', '--', '-z', 'echo b', 'runs.txt'],
      ['. echo a', '. -z', '. echo b'],
    ],
    [['--add', 'echo a', '--', 'runs.txt'], ['. echo a']],
    [['--add', 'echo a', '--hold', '--', 'runs.txt'], ['- echo a']],
    [
      ['runs.txt', '--add', '--', 'echo a', '--'],
      ['. echo a', '. --'],
    ],
  ])('takes no argument after the dashes for an option: %j', async (args, added) => {
    const bench = new Workbench('. first\n');
    const { status, stdout, stderr } = await runset(args, { cwd: bench.folder });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(bench.content).toBe(['. first', ...added, ''].join('\n'));
  });

  it('still requires a queue', async () => {
    const { status, stderr } = await runset(['--add', '--', '-z']);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^runset: no queue is named\n/);
  });
});

describe('runset --add-from', () => {
  it('appends a job for each line of a file', async () => {
    const bench = new Workbench('');
    writeFileSync(bench.path('commands'), Buffer.from('echo a\n\necho b\r\necho \xff', 'latin1'));
    await runset([bench.runs, '--add-from', bench.path('commands')]);
    expect(readFileSync(bench.runs, 'latin1')).toBe('. echo a\n. echo b\n. echo \xff\n');
  });

  it('- reads the standard input', async () => {
    const bench = new Workbench('');
    await runset([bench.runs, '--hold', '--add-from', '-'], { input: 'echo a\necho b\n' });
    expect(bench.content).toBe('- echo a\n- echo b\n');
  });

  it('reports that the file does not exist', async () => {
    const bench = new Workbench('');
    const { status, stderr } = await runset([bench.runs, '--add-from', '/nowhere']);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^runset: \/nowhere: .*no such file/i);
  });

  it('appends many at once', async () => {
    const bench = new Workbench('');
    await runset([bench.runs, '--add-from', '-'], { input: 'true\n'.repeat(50_000) });
    expect(bench.content === '. true\n'.repeat(50_000)).toBe(true);
  });
});

describe('runset --reclaim', () => {
  it('resets jobs whose runner was killed, and names them', { tags: ['slow'] }, async () => {
    const bench = new Workbench('. echo $$ >> pids; exec sleep 20\n. true\n');
    const runner = startProgram('runmaker', ['-j2', bench.runs], { cwd: bench.folder });
    const [job] = await bench.has('pids');
    await bench.reaches('rd');
    runner.signal('SIGKILL');
    await runner.ended;
    process.kill(Number(job), 'SIGKILL');
    await bench.areGone('pids');
    const { status, stdout } = await runset(['--reclaim', bench.runs]);
    expect({ status, stdout }).toEqual({ status: 0, stdout: '1: . - echo $$ >> pids; exec sleep 20\n' });
    expect(bench.states).toBe('.d');
  });

  it('skips a job whose runner was killed while the job itself lives', { tags: ['slow'] }, async () => {
    const bench = new Workbench(`. ${waiting('true', 'echo end >> ran')}\n`);
    const runner = startProgram('runmaker', [bench.runs], { cwd: bench.folder });
    const [job] = await bench.has('pids');
    runner.signal('SIGKILL');
    await runner.ended;
    expect(isAlive(Number(job))).toBe(true);
    expect((await runset(['--list', bench.runs])).stdout).toContain('(running)');
    expect(await runset(['--reclaim', bench.runs])).toMatchObject({ status: 0, stdout: '' });
    expect((await runset(['--set=.', bench.runs, '1'])).status).toBe(1);
    expect(bench.states).toBe('r');

    writeFileSync(bench.path('go'), '');
    await bench.has('ran');
    await eventually('the job is an orphan', async () => (await runset(['--list', bench.runs])).stdout.includes('(orphaned)'));
    expect((await runset(['--reclaim', bench.runs])).stdout).toMatch(/^1: \. - /);
    expect(bench.states).toBe('.');
  });

  it('looks twice, as does --set before it changes the state of orphans', { tags: ['long'] }, async () => {
    const twice = expect.stringMatching(/^runset: line 1 seems to be orphaned; looking again in 3 s\n.*\n$/);
    const bench = new Workbench('r a\n');
    expect(await runset(['--reclaim', bench.runs])).toMatchObject({ status: 0, stdout: '1: . - a\n', stderr: twice });
    writeFileSync(bench.runs, 'r a\nd b\n');
    expect(await runset(['--all', '--set=.', bench.runs])).toMatchObject({ status: 0, stderr: twice });
    expect(bench.content).toBe('. a\n. b\n');
    writeFileSync(bench.runs, 'r a\nr b\n');
    expect(await runset(['--all', '--set=.', '--force', bench.runs])).toMatchObject({ status: 0, stderr: '' });
  });

  it('skips a running job even if the folder of the file, long untouched, was copied from elsewhere', {
    tags: ['long'],
  }, async () => {
    const bench = new Workbench('');
    mkdirSync(bench.path('here'));
    writeFileSync(bench.path('here/runs.txt'), `. ${waiting('true', 'true')}\n`);
    const runner = startProgram('runmaker', ['here/runs.txt'], { cwd: bench.folder });
    await bench.has('pids');
    cpSync(bench.path('here'), bench.path('copy'), { recursive: true });
    await setTimeout(3000);
    renameSync(bench.path('here'), bench.path('gone'));
    renameSync(bench.path('copy'), bench.path('here'));
    expect(await runset(['--reclaim', bench.path('here/runs.txt')])).toMatchObject({ status: 0, stdout: '' });
    writeFileSync(bench.path('go'), '');
    expect(await runner.ended).toMatchObject({ status: 0, stderr: '' });
    expect(bench.read('here/runs.txt')).toMatch(/^d /);
  });

  it('also resets orphans when the file is replaced while it looks', { tags: ['long'] }, async () => {
    const bench = new Workbench('r a\nr b\n');
    const asked = startProgram('runset', ['--reclaim', bench.runs]);
    await asked.says('looking again');
    await setTimeout(1000);
    edit(bench.runs, text => `# inserted\n${text}`, 'replaced');
    expect(await asked.ended).toMatchObject({ status: 0, stdout: '2: . - a\n3: . - b\n' });
    expect(bench.content).toBe('# inserted\n. a\n. b\n');
  });

  it('skips a running job while the file is edited', { tags: ['slow'] }, async () => {
    const bench = new Workbench(`. ${waiting('true', 'echo end >> ran')}\n`);
    const runner = startProgram('runmaker', [bench.runs], { cwd: bench.folder });
    await bench.has('pids');
    edit(bench.runs, text => `# inserted\n${text}`, 'replaced');
    expect(await runset(['--reclaim', bench.runs])).toMatchObject({ status: 0, stdout: '' });
    writeFileSync(bench.path('go'), '');
    expect(await runner.ended).toMatchObject({ status: 0, stderr: '' });
    expect(bench.content).toMatch(/^# inserted\nd /);
  });

  it('skips a job that a runner holds', async () => {
    const bench = new Workbench(`. ${waiting()}\n`);
    const runner = startProgram('runmaker', [bench.runs], { cwd: bench.folder });
    await bench.has('pids');
    expect(await runset(['--reclaim', bench.runs])).toMatchObject({ status: 0, stdout: '' });
    expect(bench.states).toBe('r');
    writeFileSync(bench.path('go'), '');
    expect((await runner.ended).status).toBe(0);
  });

  it.each(['file', 'directory'])('cannot detect orphans with --locks %s, and changes nothing', async locks => {
    const bench = new Workbench('r true\n');
    const { status, stderr } = await runset(['--reclaim', '--locks', locks, bench.runs]);
    expect(status).toBe(3);
    expect(stderr).toContain(`"${locks}" cannot tell orphans from running jobs`);
    expect(bench.states).toBe('r');
  });
});

describe('runset --add', () => {
  it('adds jobs whose directives cannot be parsed, and warns that no runner will claim them', async () => {
    const bench = new Workbench('');
    const { status, stderr } = await runset(['--add', 'make #:after=1', 'make #: colour=red', "echo '#: x' ' #: y'", bench.runs]);
    expect(status).toBe(0);
    expect(stderr).toContain('make #:after=1: column 8: "#:after=1" lacks the blank behind "#:"');
    expect(stderr).toContain('make #: colour=red: column 11: "colour" is not a directive');
    expect(stderr).not.toContain('echo');
    expect(bench.states).toBe('...');
  });
});

describe('runset --stats', () => {
  it('prints how many jobs are in each state', async () => {
    const { status, stdout } = await runset(['--stats', new Workbench(`${JOBS}. after #: after=4\n`).runs]);
    expect(status).toBe(0);
    const counts = Object.fromEntries(
      stdout
        .trimEnd()
        .split('\n')
        .map(line => line.trim().split(/ +/).reverse()),
    );
    expect(counts).toEqual({
      new: '2',
      claimed: '0',
      running: '0',
      done: '1',
      failed: '1',
      error: '1',
      held: '2',
      total: '7',
      blocked: '1',
    });
  });

  it('with --json prints one object', async () => {
    const { stdout } = await runset(['--stats', '--json', new Workbench(JOBS).runs]);
    expect(JSON.parse(stdout)).toEqual({ new: 1, claimed: 0, running: 0, done: 1, failed: 1, error: 1, held: 2, total: 6, blocked: 0 });
  });
});

describe('runset --copy-to, --copy-from', () => {
  it('moves jobs with their states to the end of another queue, and counts them', async () => {
    const [bench, other] = [new Workbench(JOBS), new Workbench('d old\n')];
    const { status, stdout, stderr } = await runset([bench.runs, '--copy-to', other.runs]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toBe(`6 jobs moved to ${other.runs}\n`);
    expect(other.content).toBe(`d old\n${JOBS.replace(/^#.*\n/, '')}`);
    expect(bench.states).toBe('>>>>>>');
  });

  it('takes the chosen jobs of the other queue', async () => {
    const [bench, other] = [new Workbench(''), new Workbench('. a\n! b\n. c\n')];
    const { status } = await runset(['--copy-from', other.runs, '--state', 'failed', bench.runs]);
    expect([status, bench.content, other.content]).toEqual([0, '! b\n', '. a\n> b\n. c\n']);
  });

  it('rejects an option that does not apply to either queue', async () => {
    const { status, stderr } = await runset([new Workbench(JOBS).runs, '--copy-to', new Workbench('').runs, '--token', 'x']);
    expect([status, stderr]).toEqual([2, expect.stringContaining('--token means nothing to either queue')]);
  });
});

describe('an invalid runset call', () => {
  it.each<[string[], RegExp]>([
    [[], /nothing to do/],
    [['--set=.', '--stats', '--all'], /2 things to do at once/],
    [['--set=.'], /No jobs are chosen/i],
    [['--set=.', '--state='], /names no state/],
    [['--set=.', '--match='], /says nothing/],
    [['--set=.', '--match=('], /is not a regular expression/],
    [['--set=.', '--all', '3'], /--all contradicts/],
    [['--set=.', '0'], /lines are counted from 1/],
    [['--set=.', '7-3'], /runs backwards/],
    [['--set=.', 'three'], /does not name jobs/],
    [['--set=', '--all'], /is not a state/],
    [['--set=#', '--all'], /is not a state/],
    [['--set=dn', '--all'], /is not a state/],
    [['--force', '--list'], /--force goes with --set/],
    [['--hold', '--list'], /--hold goes with --add/],
    [['--reclaim', '3'], /only --set, --list and --copy-to, --copy-from work on chosen jobs/],
    [['--json', '--set=.', '--all'], /--json goes with/],
    [['--add', ''], /an empty command is not a job/],
    [['--add', '--hold', 'rm x'], /--hold behind --add would be taken for a command/],
    [['--add', 'echo a', '-x'], /unknown option '-x'/],
  ])('%j is a usage error, and changes nothing', async (args, message) => {
    const bench = new Workbench(JOBS);
    const { status, stdout, stderr } = await runset([bench.runs, ...args]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^runset: /);
    expect(stderr).toMatch(message);
    expect(bench.content).toBe(JOBS);
  });
});
