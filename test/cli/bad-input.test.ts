import { chmodSync, existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Workbench, waiting } from '../support/bench.js';
import { rewriteFile } from '../support/edit.js';
import { eventually } from '../support/eventually.js';
import { withoutLocks } from '../support/no-locks.js';
import {
  type Ended,
  type Program,
  programWords,
  run,
  runmaker,
  runset,
  runwait,
  type StartOptions,
  start,
  startProgram,
} from '../support/programs.js';
import { runsFile, temporaryFolder } from '../support/temporary.js';
import { canMount, mountTmpfs, NEEDS_ROOT } from '../support/tmpfs.js';

if (!canMount()) process.stderr.write(`a disk that is full from the start: ${NEEDS_ROOT}\n`);

const PROGRAMS = { runmaker, runset: listing, runwait };

function listing(args: readonly string[], options: StartOptions = {}): Promise<Ended> {
  return runset([...args, '--list'], options);
}

describe('a line that looks like a mistyped job', () => {
  it.each([
    ['. echo a\necho b\n. echo c\n', 'line 2 is no job and is passed over: "echo b"'],
    ['. echo a\n--- merge\n. echo c\necho b\n', 'line 2 is no job and is passed over: "--- merge", as are others'],
    ['\ufeff. echo b\n. echo c\n', 'line 1 begins with a byte order mark, so it is no job and is passed over'],
  ])('is reported, and the other jobs run: %j', async (content, message) => {
    for (const option of [[], ['--dry-run']]) {
      const { status, stdout, stderr } = await runmaker([...option, new Workbench(content).runs]);
      expect(status).toBe(0);
      expect(stdout).toContain('echo c');
      expect(stderr.split('\n')[0]).toBe(`runmaker: ${message}`);
    }
  });

  it('is not one that is empty, blank, short, a comment, a barrier, or still being written', async () => {
    const bench = new Workbench('# echo\n/bin/echo\n\n  \nab\n---\n. true\necho b');
    expect(await runmaker([bench.runs])).toMatchObject({ status: 0, stderr: '' });
  });
});

describe('arguments that runmaker cannot parse', () => {
  it.each<[string[], string]>([
    [['a', 'b'], 'one queue at a time; commands stand in its file, a line each: ". echo hello"'],
    [['--retry', '3', 'runs.txt'], '--retry takes no number; how often a job is tried says --retries'],
    [[], "name a file that has a job a line; of a list of commands: sed 's/^/. /' commands.txt > runs.txt"],
    [['--jbs', '3', 'runs.txt'], 'try: runmaker --help'],
  ])('produce an error that says what to do: %j', async (args, hint) => {
    const { status, stderr } = await runmaker(args);
    expect({ status, hint: stderr.trimEnd().split('\n').at(-1) }).toEqual({ status: 2, hint });
  });

  it('do not include -h, which prints the help', async () => {
    for (const program of [runmaker, runset, runwait]) expect((await program(['-h'])).stdout).toContain('More in docs/');
  });
});

describe.each(Object.entries(PROGRAMS))('%s', (name, program) => {
  it('reports a file that does not exist', async () => {
    expect(await program(['/nowhere/runs.txt'])).toMatchObject({
      status: 2,
      stdout: '',
      stderr: `${name}: /nowhere/runs.txt: no such file\ncreate it first, one line a job: ". command"\n`,
    });
  });

  it('reports a path below something that is not a folder', async () => {
    const path = `${runsFile('. true\n')}/runs.txt`;
    expect(await program([path])).toMatchObject({
      status: 2,
      stdout: '',
      stderr: `${name}: ${path}: no such file\ncreate it first, one line a job: ". command"\n`,
    });
  });

  it('rejects a directory as a queue', async () => {
    const folder = temporaryFolder();
    const { status, stderr } = await program([folder]);
    expect(status).toBe(2);
    expect(stderr).toMatch(new RegExp(`^${name}: ${folder} is (a directory|not a regular file)\n.+\n$`));
  });

  it('rejects a queue of an unknown kind', async () => {
    const { status, stderr } = await program(['gopher://host/queue']);
    expect(status).toBe(2);
    expect(stderr).toContain('"gopher"');
  });

  it('requires the name of a queue', async () => {
    const { status, stderr } = await program([]);
    expect(status).toBe(2);
    expect(stderr).toMatch(new RegExp(`^${name}: .*queue`));
  });

  it('names an option that it does not know', async () => {
    const { status, stdout, stderr } = await program(['--colour-of-the-day', 'x.txt']);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(new RegExp(`^${name}: unknown option '--colour-of-the-day'\n`));
    expect(stderr).toContain(`try: ${name} --help`);
  });
});

describe('a runs file without jobs', () => {
  it.each([
    ['empty', ''],
    ['of blank lines', '\n\n\n'],
    ['of comments', '# nothing\n/ here\n'],
    ['of commands that lack states', 'echo a\necho b\n'],
    ['of bytes', '\0\x01\xff'.repeat(1000)],
    ['of NULs', '\0'.repeat(1000)],
  ])('is rejected with a reminder of the form of a job: %s', async (_, content) => {
    const bench = new Workbench(Buffer.from(content, 'latin1'));
    const { status, stdout, stderr } = await runmaker([bench.runs]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toBe(`runmaker: ${bench.runs} holds no jobs\na job is a line with a state, a blank and a command: ". echo hello"\n`);
    expect(readFileSync(bench.runs, 'latin1')).toBe(content);
  });
});

describe('a runs file that is not writable', () => {
  it('is rejected, and no job runs', async () => {
    const bench = new Workbench('. echo a > ran\n');
    chmodSync(bench.runs, 0o444);
    const { status, stdout, stderr } = await runmaker([bench.runs], { cwd: bench.folder, unprivileged: true });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toBe(`runmaker: ${bench.runs}: permission denied\nrunners need to read and write the file\n`);
    expect(existsSync(bench.path('ran'))).toBe(false);
  });

  it('is explained by its folder where that is the reason', async () => {
    const bench = new Workbench('');
    mkdirSync(bench.path('closed'));
    writeFileSync(bench.path('closed/runs.txt'), '. echo a\n', { mode: 0o666 });
    chmodSync(bench.path('closed'), 0o600);
    const entering = await runmaker(['closed/runs.txt'], { cwd: bench.folder, unprivileged: true });
    expect(entering.stderr).toBe('runmaker: closed/runs.txt: permission denied\nrunners need to enter the folder closed\n');
    chmodSync(bench.path('closed'), 0o555);
    const locking = await runmaker(['--locks=directory', 'closed/runs.txt'], { cwd: bench.folder, unprivileged: true });
    expect(locking.stderr).toMatch(
      /^runmaker: .*closed\/runs.txt.lock: permission denied\nrunners need to write into the folder closed\n$/,
    );
  });

  it('that is a gitrunner table produces a hint to use git', async () => {
    const bench = new Workbench('');
    writeFileSync(bench.path('queue.csv'), 'script,args,kwargs,status\na,[],{},ready\n');
    const { stderr } = await runmaker(['queue.csv'], { cwd: bench.folder });
    expect(stderr).toContain("a queue.csv is worked on in its git repository: runmaker 'git:.#queue.csv'\n");
  });

  it('can be listed and waited for', async () => {
    const bench = new Workbench('d echo a\n');
    chmodSync(bench.runs, 0o444);
    expect(await runset(['--list', bench.runs], { unprivileged: true })).toMatchObject({ status: 0, stdout: '1: d - echo a\n' });
    expect(await runset(['--stats', bench.runs], { unprivileged: true })).toMatchObject({ status: 0 });
    expect(await runwait([bench.runs], { unprivileged: true })).toMatchObject({ status: 0 });
  });

  it('is rejected by every program when it is not readable either', async () => {
    const bench = new Workbench('. echo a\n');
    chmodSync(bench.runs, 0o000);
    for (const program of Object.values(PROGRAMS)) {
      const { status, stderr } = await program([bench.runs], { unprivileged: true });
      expect(status).toBe(2);
      expect(stderr).toContain(`${bench.runs}: permission denied\n`);
    }
  });

  it('that belongs to another user and is writable by all produces a warning: other users could run commands as us', async () => {
    const bench = new Workbench('. true\n');
    chmodSync(bench.runs, 0o666);
    expect((await runmaker([bench.runs])).stderr).toContain(bench.runs);
    await runset(['--set=.', '--all', bench.runs]);
    expect((await runmaker(['--trust-any', bench.runs])).stderr).toBe('');
  });
});

describe('unusual bytes', () => {
  it('NUL: a command that contains one is reported and not run; the rest runs', async () => {
    const bench = new Workbench('. echo a\0b\n. true\n');
    const { status, stdout } = await runmaker([bench.runs]);
    expect(status).toBe(1);
    expect(stdout).toContain('not started: the command holds a NUL byte (byte 7), which no command line can carry');
    expect(bench.content).toBe('e echo a\0b\nd true\n');
  });

  it('invalid UTF-8 reaches the command unchanged', async () => {
    const bench = new Workbench(Buffer.from(". printf '%s' '\xe4\xff\xc3' > out\n. true\n", 'latin1'));
    expect((await runmaker([bench.runs], { cwd: bench.folder })).status).toBe(0);
    expect(readFileSync(bench.path('out'), 'latin1')).toBe('\xe4\xff\xc3');
  });

  it('valid UTF-8 reaches the command unchanged', async () => {
    const bench = new Workbench(". printf '%s' 'grün € 🙂' > out\n");
    await runmaker([bench.runs], { cwd: bench.folder });
    expect(bench.read('out')).toBe('grün € 🙂');
  });

  it('only the shell interprets quotes, dollars and backslashes', async () => {
    const bench = new Workbench('. printf \'%s|\' "a  b" \'$HOME\' \\\\ "\\"" `echo c` *.nothing %d > out\n');
    await runmaker([bench.runs], { cwd: bench.folder });
    expect(bench.read('out')).toBe('a  b|$HOME|\\|"|c|*.nothing|%d|');
  });

  it('CRLF: commands lose the CR, lines keep it', async () => {
    const bench = new Workbench('. printf %s a > one\r\n.\tprintf %s b > two\r\n');
    expect((await runmaker([bench.runs], { cwd: bench.folder })).status).toBe(0);
    expect([bench.read('one'), bench.read('two')]).toEqual(['a', 'b']);
    expect(bench.content).toBe('d printf %s a > one\r\nd\tprintf %s b > two\r\n');
  });

  it('a missing last newline: the last job runs like any other', async () => {
    const bench = new Workbench('. echo a\n. printf %s b > two');
    expect((await runmaker([bench.runs], { cwd: bench.folder })).status).toBe(0);
    expect(bench.read('two')).toBe('b');
    expect(bench.content).toBe('d echo a\nd printf %s b > two');
  });

  it('a line of 10 MB is reported and not run; the rest runs', async () => {
    const bench = new Workbench(`. true\n. echo ${'x'.repeat(10_000_000)}\n. true\n`);
    const { status, bytes } = await runmaker(['--json', bench.runs]);
    expect(status).toBe(1);
    expect(bench.states).toBe('ded');
    expect(bytes.includes('the command is 10000005 bytes long')).toBe(true);
  });

  it('a command of the maximum length that the kernel accepts runs', async () => {
    const bench = new Workbench(`. : ${'x'.repeat(100_000)}; echo end > out\n`);
    expect((await runmaker(['--quiet', bench.runs], { cwd: bench.folder })).status).toBe(0);
    expect(bench.read('out')).toBe('end\n');
  });

  it('states of older versions and unknown states stay as they are', async () => {
    const content = '? echo a\nx echo b\nR echo c\n  echo d\n\xff echo e\n. true\n';
    const bench = new Workbench(Buffer.from(content, 'latin1'));
    expect((await runmaker([bench.runs])).status).toBe(0);
    expect(readFileSync(bench.runs, 'latin1')).toBe(content.replace('. true', 'd true'));
  });
});

describe('a file that changes while a runner works', () => {
  it('and loses the line of a running job: the runner reports the unwritten result and exits with 1', async () => {
    const bench = new Workbench(`. ${waiting()}\n. true\n`);
    const runner = startProgram('runmaker', [bench.runs], { cwd: bench.folder });
    await bench.has('pids');
    rewriteFile(bench.runs, '. echo quite another job > other\n');
    writeFileSync(bench.path('go'), '');
    const { status, stderr } = await runner.ended;
    expect(status).toBe(1);
    expect(stderr).toContain("job 1: its state 'd' was not written: its line was changed or removed while the job ran\n");
    expect(bench.content).toBe('d echo quite another job > other\n');
    expect(bench.read('other')).toBe('quite another job\n');
  });

  it('and shrinks to nothing: the runner exits', { tags: ['slow'] }, async () => {
    const bench = new Workbench(`. ${waiting()}\n. true\n`);
    const runner = startProgram('runmaker', [bench.runs], { cwd: bench.folder });
    await bench.has('pids');
    rewriteFile(bench.runs, '');
    writeFileSync(bench.path('go'), '');
    expect((await runner.ended).status).toBe(1);
    expect(bench.content).toBe('');
  });

  it('and is removed: the runner reports that and does not recreate it', async () => {
    const bench = new Workbench(`. ${waiting()}\n. true\n`);
    const runner = startProgram('runmaker', [bench.runs], { cwd: bench.folder });
    await bench.has('pids');
    rmSync(bench.runs);
    writeFileSync(bench.path('go'), '');
    const { status, stderr } = await runner.ended;
    expect(status).toBe(2);
    expect(stderr).toContain('was removed while the job ran');
    expect(stderr).toContain(`${bench.runs}: no such file`);
    expect(existsSync(bench.runs)).toBe(false);
  });

  it('and sets a running job to another state: that state stays', { tags: ['slow'] }, async () => {
    const bench = new Workbench(`. ${waiting()}\n. true\n`);
    const runner = startProgram('runmaker', [bench.runs], { cwd: bench.folder });
    await bench.has('pids');
    await runset(['--set=-', '--force', bench.runs, '1']);
    writeFileSync(bench.path('go'), '');
    const { status, stderr } = await runner.ended;
    expect(status).toBe(1);
    expect(stderr).toContain('somebody set the line to "-" while its job ran');
    expect(bench.states).toBe('-d');
  });
});

describe('a filesystem without locks', () => {
  it.each(['ENOLCK', 'ENOSYS'] as const)('is reported at once, with the lock driver to use: %s', async errno => {
    const bench = new Workbench('. echo a > ran\n');
    const runner = startProgram('runmaker', [bench.runs], { cwd: bench.folder, env: withoutLocks(errno) });
    await eventually('the runner has given up', () => runner.child.exitCode !== null, 10_000);
    const { status, stderr } = await runner.ended;
    expect(status).toBe(3);
    expect(stderr).toBe(
      `runmaker: ${bench.runs}: this filesystem gives no fcntl locks (${errno})\npass --locks directory, on all hosts that work on this file\n`,
    );
    expect(bench.content).toBe('. echo a > ran\n');
    expect(existsSync(bench.path('ran'))).toBe(false);
  });

  it('works with --locks directory', async () => {
    const bench = new Workbench('. true\n. true\n');
    const { status, stderr } = await runmaker(['--locks=directory', '-j2', bench.runs], { env: withoutLocks('ENOLCK') });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(bench.states).toBe('dd');
  });
});

describe('a full disk', () => {
  it('under --logfile: the jobs continue, one message reports the loss', async () => {
    const bench = new Workbench('. echo a\n. echo b\n');
    const { status, stderr } = await runmaker(['--logfile=/dev/full', bench.runs]);
    expect(status).toBe(0);
    expect(stderr).toBe(
      'runmaker: /dev/full: no space left on device (ENOSPC)\nthe jobs go on; what they print now is missing in the log file\n',
    );
    expect(bench.states).toBe('dd');
  });

  it.skipIf(!canMount())('under --results: the jobs continue, one message reports the loss', async () => {
    const bench = new Workbench('. head -c 200000 /dev/zero\n. head -c 200000 /dev/zero\n');
    const results = mountTmpfs(100_000);
    const { status, stderr } = await runmaker(['--results', results, bench.runs]);
    expect(status).toBe(0);
    expect(stderr).toBe(`runmaker: ${results}/1/stdout: no space left on device (ENOSPC)\nthe jobs go on; outputs are incomplete there\n`);
    expect(bench.states).toBe('dd');
  });

  it('under --results: a link that stands there already is not followed', async () => {
    const bench = new Workbench('. echo a\n');
    mkdirSync(bench.path('results/1'), { recursive: true });
    writeFileSync(bench.path('precious'), 'mine');
    symlinkSync(bench.path('precious'), bench.path('results/1/stdout'));
    const { stderr } = await runmaker(['--results', bench.path('results'), bench.runs]);
    expect(stderr).toContain(`${bench.path('results/1/stdout')}: it is a symbolic link, which is not followed`);
    expect([bench.read('precious'), bench.states]).toEqual(['mine', 'd']);
  });

  it('under --joblog: the jobs continue, one message reports the loss', async () => {
    const bench = new Workbench('. echo a\n. echo b\n');
    symlinkSync('/dev/full', bench.path('joblog'));
    const { status, stderr } = await runmaker(['--joblog', bench.path('joblog'), bench.runs]);
    expect(status).toBe(0);
    expect(stderr).toBe(
      `runmaker: ${bench.path('joblog')}: no space left on device (ENOSPC)\nthe jobs go on; rows are missing in the job log\n`,
    );
    expect(bench.states).toBe('dd');
  });

  it.skipIf(!canMount())('from the start: the jobs continue, one message reports each loss', async () => {
    const bench = new Workbench('. echo a\n. echo b\n');
    const disk = mountTmpfs(64 * 1024);
    expect(() => writeFileSync(join(disk, 'filler'), Buffer.alloc(128 * 1024))).toThrow('ENOSPC');
    const files = ['-l', join(disk, 'log'), '--joblog', join(disk, 'joblog'), '--results', join(disk, 'results')];
    const { status, stderr } = await runmaker([...files, bench.runs]);
    expect(status).toBe(0);
    expect(stderr.match(/no space left on device/g)?.length).toBe(3);
    expect(bench.states).toBe('dd');
    expect(readdirSync(disk).sort()).toEqual(['filler', 'joblog', 'log', 'results']);
  });

  it("under the runner's own output: the jobs continue, one message reports the loss", async () => {
    const bench = new Workbench('. echo a\n. echo b\n');
    const words = programWords('runmaker')
      .map(word => `'${word}'`)
      .join(' ');
    const { status, stderr } = await run('sh', ['-c', `${words} '${bench.runs}' > /dev/full`]);
    expect(status).toBe(0);
    expect(stderr.match(/no space left on device/g)?.length).toBe(1);
    expect(bench.states).toBe('dd');
  });

  it.each<[Program, string[]]>([
    ['runset', ['--list', 'runs.txt']],
    ['runset', ['--list', '--json', 'runs.txt']],
    ['runset', ['--stats', 'runs.txt']],
    ['runset', ['--doctor', '--locks=directory', 'runs.txt']],
    ['runmaker', ['--dry-run', 'runs.txt']],
    ['runmaker', ['--version']],
    ['runmaker-server', ['--help']],
    ['runwait', ['--progress', 'runs.txt']],
    ['runwait', ['--json', 'runs.txt']],
  ])('under the output of %s %j: one line reports it, and the program fails', async (program, args) => {
    const bench = new Workbench(program === 'runwait' ? 'd echo a\n' : '. echo a\n');
    const words = [...programWords(program), ...args].map(word => `'${word}'`).join(' ');
    const { status, stderr } = await run('sh', ['-c', `${words} > /dev/full`], { cwd: bench.folder });
    expect(stderr).toBe(`${program}: standard output: no space left on device (ENOSPC)\n`);
    expect(status).not.toBe(0);
  });

  it('under the progress of runwait: it continues to wait', async () => {
    const bench = new Workbench('r echo a\n');
    const words = [...programWords('runwait'), '--progress', bench.runs].map(word => `'${word}'`).join(' ');
    const waiter = start('sh', ['-c', `${words} > /dev/full`]);
    await waiter.says('no space left on device');
    expect(waiter.child.exitCode).toBeNull();
    await runset(['--set=d', '--all', '--force', bench.runs]);
    expect((await waiter.ended).status).toBe(2);
  });
});

describe('a pipe without a reader', () => {
  it.each([
    ['--logfile', 'is not a regular file'],
    ['--joblog', 'no such device or address (ENXIO)'],
  ])('does not block: %s', async (option, message) => {
    const bench = new Workbench('. echo a > ran\n');
    await run('mkfifo', [bench.path('pipe')]);
    const runner = startProgram('runmaker', [option, 'pipe', 'runs.txt'], { cwd: bench.folder });
    await eventually('the runner has given up', () => runner.child.exitCode !== null, 10_000);
    const { status, stdout, stderr } = await runner.ended;
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^runmaker: pipe.*\n.+\n$/);
    expect(stderr).toContain(message);
    expect(existsSync(bench.path('ran'))).toBe(false);
  });
});

describe('a file that --logfile would overwrite', () => {
  it('stays as it is, and no job runs', async () => {
    const bench = new Workbench('. echo a > ran\n');
    writeFileSync(bench.path('notes'), 'precious\n');
    const { status, stdout, stderr } = await runmaker(['-l', 'notes', 'runs.txt'], { cwd: bench.folder });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toBe(
      'runmaker: notes is no log of fixed records, and would be written over\nname another file for the log, or remove this one first: rm notes\n',
    );
    expect(bench.read('notes')).toBe('precious\n');
    expect(existsSync(bench.path('ran'))).toBe(false);
  });
});

describe('a file with several names', () => {
  it.each(['--logfile', '--joblog'])('is recognised: %s may not be another link to the queue', async option => {
    const bench = new Workbench('. echo a > ran\n');
    linkSync(bench.runs, bench.path('other'));
    symlinkSync('other', bench.path('third'));
    for (const name of ['other', 'third']) {
      const { status, stdout, stderr } = await runmaker([option, name, 'runs.txt'], { cwd: bench.folder });
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expect(stderr).toBe(`runmaker: ${option} ${name} is the same file as the queue\ngive each a file of its own\n`);
    }
    expect(bench.content).toBe('. echo a > ran\n');
  });

  it('is recognised: --joblog may not be another link to the --logfile', async () => {
    const bench = new Workbench('. echo a > ran\n');
    writeFileSync(bench.path('log'), '');
    linkSync(bench.path('log'), bench.path('joblog'));
    const { status, stderr } = await runmaker(['--logfile=log', '--joblog=joblog', 'runs.txt'], { cwd: bench.folder });
    expect(status).toBe(2);
    expect(stderr).toContain('--joblog joblog is the same file as --logfile\n');
  });

  it('is recognised even before it exists', async () => {
    const bench = new Workbench('. echo a > ran\n');
    symlinkSync('.', bench.path('here'));
    const { status, stderr } = await runmaker(['--logfile=log', '--joblog=here/log', 'runs.txt'], { cwd: bench.folder });
    expect(status).toBe(2);
    expect(stderr).toContain('--joblog here/log is the same file as --logfile\n');
    expect(existsSync(bench.path('log'))).toBe(false);
  });
});

describe('options that cannot be combined', () => {
  it.each<[string[], string]>([
    [['-j', 'abc'], '--jobs "abc": a whole number from 0 is wanted'],
    [['-j', '-1'], '--jobs "-1": a whole number from 0 is wanted'],
    [['--jobs=1.5'], '--jobs "1.5": a whole number from 0 is wanted'],
    [['--jobs='], '--jobs "": a whole number from 0 is wanted'],
    [['-n', '3'], '--loglines goes with --logfile'],
    [['-l', 'log', '-n', '0'], '--loglines "0": a whole number from 1 to 1000 is wanted'],
    [['-l', 'log', '-n', '99999999'], '--loglines "99999999": a whole number from 1 to 1000 is wanted'],
    [['--timeout=0'], '--timeout "0": a duration above 0 is wanted'],
    [['--joblog=runs.txt'], '--joblog runs.txt is the same file as the queue'],
    [['--logfile=./runs.txt'], '--logfile ./runs.txt is the same file as the queue'],
    [['--logfile=log', '--joblog=log'], '--joblog log is the same file as --logfile'],
    [['--timeout=soon'], '--timeout "soon" is not a duration'],
    [['--kill-after=x'], '--kill-after "x" is not a duration'],
    [['--delay=1x'], '--delay "1x" is not a duration'],
    [['--retries=0'], '--retries "0": a whole number from 1 is wanted'],
    [['--halt=later'], '"later" does not say when to halt'],
    [['--halt=soon,fail=0'], '"soon,fail=0" does not say when to halt'],
    [['--nice=40'], '--nice "40": a number from -20 to 19 is wanted'],
    [['--mem=lots'], '--mem "lots" is not a size'],
    [['--cpus=many'], '--cpus "many": a number is wanted'],
    [['--locks=none'], '--locks "none": one of record, file, directory is wanted'],
    [['--color=red'], '--color "red": one of auto, always, never is wanted'],
    [['--shell=/no/such/shell'], 'the shell /no/such/shell is not there or cannot be executed'],
    [['--shell=/etc/passwd'], 'the shell /etc/passwd is not there or cannot be executed'],
    [['--chdir=/no/such/place'], '/no/such/place is not a directory that jobs could run in'],
    [['--json', '--quiet'], '--json and --quiet contradict each other'],
    [['--dry-run', '--watch'], '--dry-run and --watch contradict each other'],
    [['--logfile=/no/such/place/log'], '/no/such/place/log: no such file or directory (ENOENT)'],
    [['--joblog=/no/such/place/log'], '/no/such/place/log: no such file or directory (ENOENT)'],
    [['--results=/dev/null/x'], '/dev/null/x: not a directory (ENOTDIR)'],
  ])('%j: usage error, nothing runs', async (options, message) => {
    const bench = new Workbench('. echo a > ran\n');
    const { status, stdout, stderr } = await runmaker([...options, bench.runs], { cwd: bench.folder });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr.split('\n')[0]).toBe(`runmaker: ${message}`);
    expect(bench.content).toBe('. echo a > ran\n');
    expect(existsSync(bench.path('ran'))).toBe(false);
  });

  it('two queues: only one at a time', async () => {
    const bench = new Workbench('. true\n');
    const { status, stderr } = await runmaker([bench.runs, 'another.txt']);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^runmaker: .*argument/);
    expect(bench.states).toBe('.');
  });
});
