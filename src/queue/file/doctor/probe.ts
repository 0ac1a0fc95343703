/* A process of its own that tries the lock which the doctor holds: `node probe.js DRIVER PATH` prints `granted` or `refused`. */
import { TRIAL_BYTE } from '../../../system/reserved-bytes.js';
import type { LockDriverName } from '../../queue.js';
import { openDriver } from '../locks/open-driver.js';

const [name, path] = process.argv.slice(2) as [LockDriverName, string];
const driver = await openDriver(name, path);
const file = await driver.open(path, 'change');
process.stdout.write((await file.tryLock('exclusive', TRIAL_BYTE, 1)) ? 'granted' : 'refused');
await file.close();
await driver.close?.();
