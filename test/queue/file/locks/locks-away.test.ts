import { describe, expect, it, onTestFinished } from 'vitest';
import { FileQueue } from '../../../../src/queue/file/file-queue.js';
import { recordDriver } from '../../../../src/queue/file/locks/record.js';
import { HookedDriver, systemError } from '../../../support/hooked-locks.js';
import { claim, jobsOf } from '../../../support/queues.js';
import { runsFile } from '../../../support/temporary.js';

/** A runs file on a server, and a switch that takes the service away that grants its locks. */
function openOnServer(content: string) {
  const service = { isAway: false };
  const driver = new HookedDriver(recordDriver('network'), ({ call }) => {
    if (service.isAway && call === 'tryLock') throw systemError('ENOLCK');
  });
  const queue = new FileQueue(runsFile(content), driver, { patience: 300 });
  onTestFinished(() => queue.close());
  return { queue, service };
}

const AWAY = { message: expect.stringContaining('locks worked before'), hint: expect.stringContaining('start again when it is back') };

describe('when locks are not granted any more', () => {
  it('nobody is told to do without, which would have jobs run twice, but to wait for the server', async () => {
    const { queue, service } = openOnServer('. a\n. b\n');
    const taken = await claim(queue);
    service.isAway = true;
    await expect(queue.claim({})).rejects.toMatchObject(AWAY);
    await expect(jobsOf(queue)).rejects.toMatchObject(AWAY);
    await expect(taken.finish({ state: 'd' })).rejects.toMatchObject(AWAY);
  });

  it('and never were, another way to lock is named', async () => {
    const { queue, service } = openOnServer('. a\n');
    service.isAway = true;
    await expect(queue.claim({})).rejects.toMatchObject({ hint: expect.stringContaining('--locks directory') });
  });
});
