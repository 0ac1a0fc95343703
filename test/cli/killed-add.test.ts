import { appendFileSync, readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Workbench } from '../support/bench.js';
import { eventually } from '../support/eventually.js';
import { figure } from '../support/figure.js';
import { plainLines } from '../support/lines.js';
import { runset, startProgram } from '../support/programs.js';

const COUNT = 200_000;
const command = (at: number): string => `rm -r /data/project${at}/tmp`;

function commandsIn(path: string): string[] {
  return plainLines(readFileSync(path))
    .filter(line => line.state !== 0)
    .map(line => line.command.toString());
}

/** A runset that has begun to append many jobs, and its test bench. */
async function adding(): Promise<{ bench: Workbench; program: ReturnType<typeof startProgram> }> {
  const bench = new Workbench('. first\n');
  appendFileSync(bench.path('commands'), Array.from({ length: COUNT }, (_, at) => `${command(at)}\n`).join(''));
  const program = startProgram('runset', ['--add-from', 'commands', 'runs.txt'], { cwd: bench.folder });
  await eventually('it has begun to write', () => statSync(bench.runs).size > 1000);
  return { bench, program };
}

describe('an interrupted runset --add-from', () => {
  it('survives a closed terminal: it adds all jobs, then exits', async () => {
    const { bench, program } = await adding();
    program.child.kill('SIGHUP');
    expect(await program.ended).toMatchObject({ status: null, signal: 'SIGHUP' });
    expect(commandsIn(bench.runs)).toEqual(['first', ...Array.from({ length: COUNT }, (_, at) => command(at))]);
  });

  it('leaves no partial job when it is killed, and keeps lines that others append meanwhile', async () => {
    let cut = 0;
    for (let round = 0; round < 4; round++) {
      const { bench, program } = await adding();
      appendFileSync(bench.runs, '. theirs\n');
      program.child.kill('SIGKILL');
      await program.ended;
      appendFileSync(bench.runs, '. theirs\n');
      expect(await runset(['--add', 'later', 'runs.txt'], { cwd: bench.folder })).toMatchObject({ status: 0 });
      const commands = commandsIn(bench.runs);
      const added = commands.filter(text => !['first', 'theirs', 'later'].includes(text));
      expect(added.filter(text => !/^rm -r \/data\/project\d+\/tmp$/.test(text))).toEqual([]);
      expect(commands.filter(text => text === 'theirs')).toHaveLength(2);
      expect(commands.at(-1)).toBe('later');
      if (added.length < COUNT) cut++;
    }
    figure(`${cut} of 4 KILLs came before all jobs were added`);
    expect(cut).toBeGreaterThan(0);
  });
});
