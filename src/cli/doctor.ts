import { RunmakerError } from '../errors.js';
import type { Finding } from '../queue/file/doctor/finding.js';
import type { LockDriverName } from '../queue/queue.js';
import { isServed } from './options/access.js';
import type { Output } from './program/output.js';
import { EXIT } from './program/program.js';

/** Options of `--doctor`. */
interface DoctorOptions {
  readonly locks?: LockDriverName | undefined;
  readonly peer?: boolean | undefined;
}

/** `runset --doctor`: prints a checklist of what makes a file safe to share. Returns the exit status. */
export async function doctor(path: string, { locks = 'record', peer = false }: DoctorOptions, output: Output): Promise<number> {
  if (isServed(path)) throw new RunmakerError('usage', '--doctor looks at files', { hint: 'run it on the host of the server' });
  const { examine } = await import('../queue/file/doctor/examine.js');
  const { overall } = await import('../queue/file/doctor/overall.js');
  const findings: Finding[] = [];
  for await (const finding of examine({ path, locks, peer })) {
    findings.push(finding);
    // Goes on after the reader has gone: the verdict is also the exit status.
    await output.print(Buffer.from(`${MARKS[finding.verdict]} ${finding.what.padEnd(15)}${finding.detail}\n`));
  }
  const verdict = overall(findings);
  await output.print(Buffer.from(`${VERDICTS[verdict]}\n`));
  return { good: EXIT.ok, unsure: EXIT.failed, bad: EXIT.queue }[verdict];
}

const MARKS = { good: 'ok  ', unsure: '?   ', bad: 'BAD ' } as const;
const VERDICTS = {
  good: 'safe to share',
  unsure: 'nothing is wrong that can be seen from here; that is no proof: see the lines with a question mark',
  bad: 'not safe: jobs could be run twice',
} as const;
