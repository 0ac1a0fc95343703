import { expect, it } from 'vitest';
import { commandDigest } from '../../../../src/job/command-digest.js';
import { ClaimRecovery, type Recovered } from '../../../../src/server/tcp/sessions/claim-recovery.js';
import { openRuns } from '../../../support/queues.js';
import { runsFile } from '../../../support/temporary.js';

/** A claim as a client names it. */
const wanted = (id: number, command: string, number: number, offset: number, ending?: 'd') => ({
  ...{ id, number, offset, print: commandDigest(Buffer.from(command)) },
  ...(ending && { ending }),
});

/** The results of recovery, in short: the line of a claim that is held. */
async function recovered(content: string, claims: ReturnType<typeof wanted>[]): Promise<Record<number, number | string>> {
  const recovery = await ClaimRecovery.find(await openRuns(runsFile(content)));
  const all: Record<number, number | string> = {};
  const note = ({ id }: { id: number }, what: Recovered): void => {
    all[id] = what.kind === 'held' ? Number(what.claim.job.id) : what.kind;
  };
  await recovery.recover(claims, note, () => undefined);
  return all;
}

it('claims of returning clients are found where they were, and where an editor has moved them', async () => {
  const content = '# new\nr a\nr b\nr a\nd c\n! d\n';
  const claims = [
    ...[wanted(1, 'a', 4, 14), wanted(2, 'a', 1, 0), wanted(3, 'b', 2, 4)],
    ...[wanted(4, 'c', 5, 18, 'd'), wanted(5, 'd', 6, 22, 'd'), wanted(6, 'e', 7, 26)],
  ];
  expect(await recovered(content, claims)).toEqual({ 1: 4, 2: 2, 3: 3, 4: 'ended', 5: 'lost', 6: 'lost' });
});

it('claims of lines with the same command are each matched once, the nearest first', async () => {
  const claims = [wanted(1, 'a', 9, 80), wanted(2, 'a', 1, 90), wanted(3, 'a', 5, 85)];
  expect(await recovered('r a\nr b\nr a\n', claims)).toEqual({ 1: 3, 2: 1, 3: 'lost' });
});

it('a search is aborted when its client has disconnected', async () => {
  const recovery = await ClaimRecovery.find(await openRuns(runsFile('. a\n')));
  const leave = (): void => {
    throw new Error('gone');
  };
  await expect(recovery.recover([wanted(1, 'b', 1, 0)], () => undefined, leave)).rejects.toThrow('gone');
});
