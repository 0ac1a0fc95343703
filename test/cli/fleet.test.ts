import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Workbench, waiting } from '../support/bench.js';
import { edit } from '../support/edit.js';
import { runmaker, runset, startProgram } from '../support/programs.js';

const numbers = (count: number): number[] => Array.from({ length: count }, (_, at) => at + 1);

describe('several runners on one file', () => {
  it('run 2,000 jobs, each exactly once, and all are done', { tags: ['slow'], timeout: 60_000 }, async () => {
    const count = 2000;
    const bench = new Workbench(
      numbers(count)
        .map(number => `. echo ${number} >> record\n`)
        .join(''),
    );
    const runners = [
      startProgram('runmaker', ['-j4', bench.runs], { cwd: bench.folder }),
      startProgram('runmaker', ['-j4', bench.runs], { cwd: bench.folder }),
    ];
    const ended = await Promise.all(runners.map(runner => runner.ended));
    for (const { status, stderr } of ended) expect({ status, stderr }).toEqual({ status: 0, stderr: '' });

    expect(
      bench
        .lines('record')
        .map(Number)
        .sort((a, b) => a - b),
    ).toEqual(numbers(count));
    expect(bench.states).toBe('d'.repeat(count));
    const executed = ended.map(({ stdout }) => stdout.match(/^executing /gm)?.length ?? 0);
    expect(executed.reduce((sum, one) => sum + one)).toBe(count);
    for (const share of executed) expect(share).toBeGreaterThan(0);
  });

  it('respect stages: nothing below a barrier starts before everything above has ended', async () => {
    const stage = (name: string): string => `. echo begin ${name} >> record; sleep 0.05; echo end ${name} >> record\n`.repeat(8);
    const bench = new Workbench(`${stage('1')}---\n${stage('2')}---\n${stage('3')}`);
    const ended = await Promise.all([1, 2, 3].map(() => runmaker(['-j2', bench.runs], { cwd: bench.folder })));
    for (const { status } of ended) expect(status).toBe(0);
    expect(bench.states).toBe('d'.repeat(24));
    const record = bench.lines('record');
    expect(record.length).toBe(48);
    for (const name of [2, 3]) expect(record.indexOf(`begin ${name}`)).toBeGreaterThan(record.lastIndexOf(`end ${name - 1}`));
  });

  it('run what is appended and reset meanwhile, and lose none of it', async () => {
    const bench = new Workbench(`${`. ${waiting('true', 'echo first >> record')}\n`.repeat(4)}! echo reset >> record\n`);
    const runners = [1, 2].map(() => startProgram('runmaker', ['-j2', bench.runs], { cwd: bench.folder }));
    await bench.has('pids', 4);
    await Promise.all([
      runset(['--set=.', '--state=!', bench.runs]),
      ...numbers(5).map(number => runset([bench.runs, '--add', `echo added ${number} >> record`])),
    ]);
    writeFileSync(bench.path('go'), '');
    for (const runner of runners) expect((await runner.ended).status).toBe(0);
    expect(bench.states).toBe('d'.repeat(10));
    expect(bench.lines('record').sort()).toEqual([...numbers(5).map(number => `added ${number}`), ...Array(4).fill('first'), 'reset']);
  });

  it('take over from a killed runner: its running jobs are orphans, the rest runs', async () => {
    const bench = new Workbench('. echo $$ >> pids; exec sleep 20\n. echo a >> record\n. echo b >> record\n');
    const first = startProgram('runmaker', [bench.runs], { cwd: bench.folder });
    const [job] = await bench.has('pids');
    first.signal('SIGKILL');
    await first.ended;
    const second = await runmaker([bench.runs], { cwd: bench.folder });
    expect(second.status).toBe(0);
    expect(bench.states).toBe('rdd');
    process.kill(Number(job), 'SIGKILL');
    await bench.areGone('pids');
  });

  it('report orphans while they work, once they are certain', { tags: ['long'] }, async () => {
    const bench = new Workbench('. echo $$ >> pids; exec sleep 20\n');
    const victim = startProgram('runmaker', [bench.runs], { cwd: bench.folder });
    const [job] = await bench.has('pids');
    const other = startProgram('runmaker', ['--watch', bench.runs], { cwd: bench.folder });
    await runset([bench.runs, '--add', 'echo one >> record']);
    await bench.has('record');
    victim.signal('SIGKILL');
    await victim.ended;
    process.kill(Number(job), 'SIGKILL');
    await bench.areGone('pids');
    await runset([bench.runs, '--add', 'echo two >> record']);
    await bench.has('record', 2);
    await other.says('line 1 is orphaned');
    other.signal('SIGTERM');
    await other.ended;
  });

  it.each(['replaced', 'rewritten'] as const)(
    'continue where an editor %s the file: results go to their lines, the rest runs as it stands',
    { tags: ['slow'] },
    async how => {
      const job = (name: string): string => `. ${waiting('true', `echo ${name} >> record`)}\n`;
      const bench = new Workbench(`${job('a')}${job('b')}${job('c')}${job('d')}. echo old >> record\n`);
      const runners = [1, 2].map(() => startProgram('runmaker', ['-j2', bench.runs], { cwd: bench.folder }));
      await bench.has('pids', 4);
      edit(
        bench.runs,
        text => `# added above\n. echo above >> record\n${text.replace('echo old', 'echo new')}. echo below >> record\n`,
        how,
      );
      writeFileSync(bench.path('go'), '');
      for (const runner of runners) expect(await runner.ended).toMatchObject({ status: 0, stderr: '' });
      expect(bench.states).toBe('d'.repeat(7));
      expect(bench.lines('record').sort()).toEqual(['a', 'above', 'b', 'below', 'c', 'd', 'new']);
    },
  );
});
