import { describe, expect, it, vi } from 'vitest';
import { Once } from '../../src/async/once.js';

describe('a one-time event', () => {
  it('calls its listeners only the first time', () => {
    const once = new Once();
    const act = vi.fn();
    once.listen(act);
    expect(act).not.toHaveBeenCalled();
    once.happen();
    once.happen();
    expect(act).toHaveBeenCalledOnce();
    expect(once.happened).toBe(true);
  });

  it('calls a late listener at once', () => {
    const once = new Once();
    once.happen();
    const act = vi.fn();
    once.listen(act);
    expect(act).toHaveBeenCalledOnce();
  });

  it('does not call a listener that has cancelled', () => {
    const once = new Once();
    const [kept, cancelled] = [vi.fn(), vi.fn()];
    once.listen(kept);
    once.listen(cancelled)();
    once.happen();
    expect(kept).toHaveBeenCalledOnce();
    expect(cancelled).not.toHaveBeenCalled();
  });
});
