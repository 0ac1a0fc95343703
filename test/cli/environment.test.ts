import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Workbench } from '../support/bench.js';
import { fixture, HOST, runmaker, startProgram } from '../support/programs.js';

describe('a job sees', () => {
  it('its job number, queue, host and attempt', async () => {
    const bench = new Workbench('# a comment\n. env | grep ^RUNMAKER_ | sort > env\n');
    await runmaker(['runs.txt'], { cwd: bench.folder });
    expect(bench.lines('env')).toEqual([
      'RUNMAKER_ATTEMPT=1',
      `RUNMAKER_HOST=${HOST}`,
      'RUNMAKER_JOB=2',
      `RUNMAKER_QUEUE=${bench.runs}`,
      'RUNMAKER_SLOT=1',
    ]);
  });

  it('the slot in which it runs: 1 … jobs, each used by one job at a time', async () => {
    const bench = new Workbench(
      `${`. echo $RUNMAKER_SLOT >> slots; ${fixture('await-file.sh')} go\n`.repeat(3)}. echo $RUNMAKER_SLOT >> last\n`,
    );
    const runner = startProgram('runmaker', ['-j3', bench.runs], { cwd: bench.folder });
    expect((await bench.has('slots', 3)).sort()).toEqual(['1', '2', '3']);
    writeFileSync(bench.path('go'), '');
    expect((await runner.ended).status).toBe(0);
    expect(['1', '2', '3']).toContain(bench.lines('last')[0]);
  });

  it('the environment of the runner', async () => {
    const bench = new Workbench('. echo "$GREETING"\n');
    expect((await runmaker([bench.runs], { env: { GREETING: 'good morning' } })).stdout).toMatch(/: good morning$/m);
  });

  it('its own GPUs, if it requests any', async () => {
    const job =
      'echo $RUNMAKER_JOB:$CUDA_VISIBLE_DEVICES >> gpus; i=0; until [ $(wc -l < gpus) -ge 2 ] || [ $i -gt 500 ]; do i=$((i+1)); sleep 0.02; done';
    const bench = new Workbench(`. ${job} #: gpus=1\n. ${job} #: gpus=2\n`);
    await runmaker(['-j2', bench.runs], { cwd: bench.folder, env: { CUDA_VISIBLE_DEVICES: '3,5,7' } });
    expect(bench.lines('gpus').sort()).toEqual(['1:3', '2:5,7']);
  });

  it('the GPUs of the runner, if it requests none', async () => {
    const bench = new Workbench('. echo "<$CUDA_VISIBLE_DEVICES>"\n');
    const { stdout } = await runmaker([bench.runs], { env: { CUDA_VISIBLE_DEVICES: '3,5' } });
    expect(stdout).toMatch(/: <3,5>$/m);
  });
});
