import { describe, expect, it } from 'vitest';
import { Workbench } from '../support/bench.js';
import { type Ended, fixture, HOST, type Program, programWords, run } from '../support/programs.js';

function onTerminal(program: Program, args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  return run('python3', [fixture('terminal.py'), ...programWords(program), ...args], {
    env: { TERM: 'xterm', NO_COLOR: undefined, ...env },
  });
}

/** The text left on a terminal: without lines that were erased again, and without colours. */
function readable(text: string): string[] {
  const esc = '\x1b';
  return text
    .replaceAll('\r\n', '\n')
    .split('\n')
    .map(line => line.split('\r').at(-1) ?? '')
    .map(line => line.split(`${esc}[K`).at(-1) ?? '')
    .map(line =>
      line
        .split(esc)
        .map((part, at) => (at === 0 ? part : part.replace(/^\[[0-9;?]*[a-zA-Z]/, '')))
        .join(''),
    )
    .filter(line => line !== '');
}

describe('on a terminal, runmaker', () => {
  it('shows the progress of the jobs on the last line, and leaves no trace of it in their output', async () => {
    const bench = new Workbench('. echo a; sleep 0.4\n. echo b; sleep 0.4\n. false\n');
    const { stdout, status } = await onTerminal('runmaker', ['-j2', bench.runs]);
    expect(status).toBe(1);
    expect(stdout).toMatch(/\d of 3 done.*\d running/);
    const left = readable(stdout).filter(line => !/^(runmaker: .* 1 job failed|see runset .*)$/.test(line));
    for (const line of left) expect(line).toMatch(/^(executing `.*'|(status|stdout|stderr) \([^)]+\): .*)$/);
    expect(
      left
        .filter(line => line.startsWith(`stdout (${HOST},`))
        .map(line => line.slice(-1))
        .sort(),
    ).toEqual(['a', 'b']);
    expect(left.length).toBe(11);
  });

  it('shows no progress with --no-progress', async () => {
    const bench = new Workbench('. echo a; sleep 0.4\n');
    const { stdout } = await onTerminal('runmaker', ['--no-progress', bench.runs]);
    expect(stdout).not.toMatch(/of 1 done/);
  });

  it('exits when one of its output files cannot be opened', async () => {
    const bench = new Workbench('. echo a\n');
    const { stdout, status } = await onTerminal('runmaker', ['--results', bench.runs, bench.runs]);
    expect(status).toBe(2);
    expect(stdout).toContain('runmaker: ');
    expect(bench.content).toBe('. echo a\n');
  });

  it('prints in colour, unless NO_COLOR or --color says otherwise', async () => {
    const coloured = (await onTerminal('runmaker', ['--no-progress', new Workbench('. echo a\n').runs])).stdout;
    expect(coloured).toContain('\x1b[');
    for (const [args, env] of [
      [[], { NO_COLOR: '1' }],
      [['--color=never'], {}],
    ] as const) {
      const { stdout } = await onTerminal('runmaker', ['--no-progress', ...args, new Workbench('. echo a\n').runs], env);
      expect(stdout).toContain('): a');
      expect(stdout).not.toContain('\x1b[');
    }
  });
});

describe('on a terminal, runwait --progress', () => {
  it('shows a live bar and ends with it', async () => {
    const bench = new Workbench('d true\nd true\n! true\n- true\n');
    const { stdout, status } = await onTerminal('runwait', ['--progress', bench.runs]);
    expect(status).toBe(0);
    expect(stdout).not.toContain('progress:');
    expect(stdout).toMatch(/\[.*\]|3 of 4|3\/4/);
  });
});

describe('commands with control characters', () => {
  const HIDDEN = '. echo harmless \x1b[2K\recho also; false\n. echo \u202e\n';

  it('are escaped on a terminal by --list, --dry-run and the lines of a run', async () => {
    const bench = new Workbench(HIDDEN);
    const outputs = [
      await onTerminal('runset', ['--list', bench.runs]),
      await onTerminal('runmaker', ['--dry-run', bench.runs]),
      await onTerminal('runmaker', ['--no-progress', '--color=never', bench.runs]),
    ];
    for (const { stdout } of outputs) {
      expect(stdout).toContain('echo harmless \\x1b[2K\\x0decho also; false');
      expect(stdout).toContain('echo \\u202e');
    }
  });

  it('are listed byte for byte into a pipe, and escaped in JSON', async () => {
    const bench = new Workbench(`${HIDDEN}. a\u009b\n`);
    expect((await run(process.execPath, [...programWords('runset').slice(1), '--list', bench.runs])).stdout).toContain('\x1b[2K\r');
    const { stdout } = await run(process.execPath, [...programWords('runset').slice(1), '--list', '--json', bench.runs]);
    expect(stdout).toContain('"command":"echo \\u202e"');
    expect(stdout).toContain('"command":"a\\u009b"');
  });

  it('are escaped in messages', async () => {
    const bench = new Workbench('. a #: after=\x1b[2Kb\n');
    const { stdout } = await onTerminal('runmaker', [bench.runs]);
    expect(stdout).toContain('no job is named \\x1b[2Kb');
  });
});
