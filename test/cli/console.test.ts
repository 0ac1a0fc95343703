import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Workbench } from '../support/bench.js';
import { HOST, runmaker, startProgram } from '../support/programs.js';

/** Process ids differ each time: checks that all are the same and replaces them. */
function withPid(text: string): string {
  const pids = new Set([...text.matchAll(/\((?:[^,)]+),(\d+)\)/g)].map(([, pid]) => pid));
  expect(pids.size).toBe(1);
  return text.replaceAll(/,\d+\)/g, ',PID)');
}

describe('runmaker prints', () => {
  it('what it does and what its jobs print, each line with a tag', async () => {
    const bench = new Workbench('. echo a; sleep 0.1s; echo A\n');
    const { status, stdout, stderr } = await runmaker([bench.runs]);
    expect(withPid(stdout)).toBe(
      [
        "executing `echo a; sleep 0.1s; echo A'",
        `status (${HOST},PID): forked "echo a; sleep 0.1s; echo A"`,
        `stdout (${HOST},PID): a`,
        `stdout (${HOST},PID): A`,
        `status (${HOST},PID): exit 0 "echo a; sleep 0.1s; echo A"`,
        '',
      ].join('\n'),
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('stderr of jobs on its own stdout', async () => {
    const bench = new Workbench('. echo oops >&2; exit 3\n');
    const { status, stdout, stderr } = await runmaker([bench.runs]);
    expect(withPid(stdout)).toBe(
      [
        "executing `echo oops >&2; exit 3'",
        `status (${HOST},PID): forked "echo oops >&2; exit 3"`,
        `stderr (${HOST},PID): oops`,
        `status (${HOST},PID): exit 3 "echo oops >&2; exit 3"`,
        '',
      ].join('\n'),
    );
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringMatching(/^runmaker: .*: 1 job failed\nsee .*\n$/) });
  });

  it('the number of the signal that killed a job, negated', async () => {
    const bench = new Workbench('. kill -9 $$\n');
    const { stdout, status } = await runmaker([bench.runs]);
    expect(stdout).toContain(`exit -9 "kill -9 $$"\n`);
    expect(status).toBe(1);
    expect(bench.states).toBe('!');
  });

  it('the process id of the job itself', async () => {
    const bench = new Workbench('. echo $$\n');
    const { stdout } = await runmaker([bench.runs]);
    const [, tag, printed] = /stdout \([^,]+,(\d+)\): (\d+)/.exec(stdout) ?? [];
    expect(tag).toBe(printed);
  });

  it('a final newline where the last line of a job has none', async () => {
    const bench = new Workbench('. printf "a\\nb"\n');
    const { stdout } = await runmaker([bench.runs]);
    expect(withPid(stdout)).toContain(`stdout (${HOST},PID): a\nstdout (${HOST},PID): b\nstatus (${HOST},PID): exit 0`);
  });

  it('bytes unchanged, text or not', async () => {
    const bench = new Workbench(Buffer.from('. printf "\\377\\376\\n"; echo \xe4\n', 'latin1'));
    const { bytes } = await runmaker([bench.runs]);
    expect(bytes.includes(Buffer.from('): \xff\xfe\n', 'latin1'))).toBe(true);
    expect(bytes.includes(Buffer.from('): \xe4\n', 'latin1'))).toBe(true);
    expect(bytes.includes(Buffer.from('executing `printf "\\377\\376\\n"; echo \xe4\'\n', 'latin1'))).toBe(true);
  });

  it('output as it arrives, not when the job ends', async () => {
    const bench = new Workbench('. echo early; while [ ! -e go ]; do sleep 0.02; done\n');
    const runner = startProgram('runmaker', [bench.runs], { cwd: bench.folder });
    await runner.says('): early\n');
    expect(bench.states).toBe('r');
    writeFileSync(bench.path('go'), '');
    expect((await runner.ended).status).toBe(0);
  });

  it('whole lines of several jobs, never interleaved', async () => {
    const bench = new Workbench(
      `. for i in $(seq 300); do printf aaaa; printf "aaaa\\n"; done\n. for i in $(seq 300); do printf bbbb; printf "bbbb\\n"; done\n`,
    );
    const { stdout } = await runmaker(['-j2', bench.runs]);
    const output = stdout.split('\n').filter(line => line.startsWith('stdout'));
    expect(output.length).toBe(600);
    for (const line of output) expect(line).toMatch(/^stdout \([^)]+\): (aaaaaaaa|bbbbbbbb)$/);
  });

  it('long lines of output whole up to 64 KiB', async () => {
    const bench = new Workbench('. head -c 60000 /dev/zero | tr "\\0" x; echo\n');
    const { stdout } = await runmaker([bench.runs]);
    expect(stdout).toMatch(/^stdout \([^)]+\): x{60000}$/m);
  });

  it('no colours into a pipe, unless requested', async () => {
    const plain = await runmaker([new Workbench('. echo a; echo b >&2\n').runs]);
    expect(plain.stdout).not.toContain('\x1b');
    const coloured = await runmaker(['--color', 'always', new Workbench('. echo a; echo b >&2\n').runs]);
    const shown = coloured.stdout.replaceAll('\x1b', 'ESC');
    expect(shown).toMatch(/^ESC\[2mstatus .*ESC\[22m$/m);
    expect(shown).toMatch(/^ESC\[36mstdout \([^)]+\):ESC\[39m a$/m);
    expect(shown).toMatch(/ESC\[31mbESC\[39m$/m);
  });

  it('colours on request even where NO_COLOR is set', async () => {
    const { stdout } = await runmaker(['--color=always', new Workbench('. echo a\n').runs], { env: { NO_COLOR: '1' } });
    expect(stdout).toContain('\x1b[');
  });

  it('only the output of jobs with --quiet', async () => {
    const bench = new Workbench('. echo a\n. echo b >&2\n');
    const { stdout, stderr } = await runmaker(['--quiet', bench.runs]);
    expect(stdout.replaceAll(/,\d+\)/g, ',PID)')).toBe(`stdout (${HOST},PID): a\nstderr (${HOST},PID): b\n`);
    expect(stderr).toBe('');
  });
});
