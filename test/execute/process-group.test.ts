import { afterEach, describe, expect, it, vi } from 'vitest';
import { ProcessGroup } from '../../src/execute/shell/process-group.js';

/** Makes the system refuse each signal. */
function refuse(code: string): void {
  vi.spyOn(process, 'kill').mockImplementation(() => {
    throw Object.assign(new Error(`kill ${code}`), { code });
  });
}

describe('a process group', () => {
  afterEach(() => void vi.restoreAllMocks());

  it.each(['ESRCH', 'EPERM'])('that cannot be signalled (%s) is not an error', code => {
    refuse(code);
    expect(() => new ProcessGroup(1_000_000).kill('SIGTERM')).not.toThrow();
  });

  it('passes other errors on', () => {
    refuse('EINVAL');
    expect(() => new ProcessGroup(1_000_000).kill('SIGTERM')).toThrow('EINVAL');
  });
});
