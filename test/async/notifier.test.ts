import { describe, expect, it, vi } from 'vitest';
import { Notifier } from '../../src/async/notifier.js';

const never = new AbortController().signal;

describe('a notifier', () => {
  it('wakes all waiters, once', async () => {
    const notifier = new Notifier();
    const woken = vi.fn();
    const all = [notifier.next().then(woken), notifier.next().then(woken), notifier.wait(never).then(woken)];
    notifier.notify();
    await Promise.all(all);
    expect(woken).toHaveBeenCalledTimes(3);
    void notifier.next().then(woken);
    await Promise.resolve();
    expect(woken).toHaveBeenCalledTimes(3);
  });

  it('drops a notification without waiters', async () => {
    const notifier = new Notifier();
    notifier.notify();
    const woken = vi.fn();
    void notifier.next().then(woken);
    void notifier.wait(never).then(woken);
    await new Promise(resolve => setImmediate(resolve));
    expect(woken).not.toHaveBeenCalled();
  });

  it('returns the same promise to all callers until it notifies', () => {
    const notifier = new Notifier();
    const before = notifier.next();
    expect(notifier.next()).toBe(before);
    notifier.notify();
    expect(notifier.next()).not.toBe(before);
  });

  it('forgets a wait that is aborted', async () => {
    const notifier = new Notifier();
    const stop = new AbortController();
    const waiting = notifier.wait(stop.signal);
    const other = notifier.wait(never);
    expect(notifier.size).toBe(2);
    stop.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    expect(notifier.size).toBe(1);
    notifier.notify();
    await other;
    expect(notifier.size).toBe(0);
  });

  it('rejects all waits when there is nothing left to wait for', async () => {
    const notifier = new Notifier();
    const waiting = [notifier.wait(never), notifier.wait(never)];
    notifier.fail(new Error('gone'));
    for (const wait of waiting) await expect(wait).rejects.toThrow('gone');
    expect(notifier.size).toBe(0);
  });
});
