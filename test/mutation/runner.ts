import { appendFileSync, readFileSync } from 'node:fs';
import type { RunnerTestCase as Test } from 'vitest';
import { TestRunner, vi } from 'vitest';

/** The callbacks of onTestFinished. */
type Hooked = Test & { onFinished?: ((context: Test['context']) => unknown)[] };

/** A time limit for any mutant in a test, in ms. */
const LIMIT = 5000;
/** A test with more work than this takes too long to be repeated for each mutant. */
const MOST_PASSED = 1_000_000;
const { setTimeout, clearTimeout } = globalThis;

/** Which mutant is active, which were reached, and how many switches were passed: the count stops a mutant that loops. */
const state = { active: '', reached: new Set<string>(), passed: 0, most: Number.POSITIVE_INFINITY };

function mutant(id: string): boolean {
  if (state.active === '') state.reached.add(id);
  turn();
  return state.active === id;
}

/** Each turn of a loop counts as well: a loop that a mutant makes endless may pass no switch. */
function turn(): void {
  if (++state.passed > state.most && state.active !== '') throw new Error(`${state.active} loops`);
}

Object.assign(globalThis, { __mutant: Object.assign(mutant, { turn }) });

/**
 * Runs each test once unchanged, once more to see that it can be repeated, and then once with each mutant that it has reached.
 * The first test that fails with a mutant kills it.
 */
export default class MutationRunner extends TestRunner {
  private readonly killed = new Set<string>();
  private readonly log = process.env.MUTATION_LOG as string;

  async runTask(test: Test): Promise<void> {
    state.active = '';
    state.reached.clear();
    state.passed = 0;
    await TestRunner.getTestFn(test)();
    const reached = [...state.reached];
    const { passed } = state;
    if (reached.length === 0 || passed > MOST_PASSED) return;
    await this.clear(test);
    if (!(await this.passes(test))) return this.note({ test: test.name, unrepeatable: true });
    this.note({ reached });
    state.most = passed * 5 + 10_000;
    this.readKilled();
    for (const mutant of reached) {
      if (this.killed.has(mutant)) continue;
      state.active = mutant;
      state.passed = 0;
      const survived = await this.passes(test);
      state.active = '';
      if (survived) continue;
      this.killed.add(mutant);
      this.note({ killed: mutant });
    }
    state.most = Number.POSITIVE_INFINITY;
  }

  private async passes(test: Test): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>(resolve => {
      timer = setTimeout(() => resolve(false), LIMIT);
    });
    const ended = (async () => {
      await TestRunner.getTestFn(test)();
      return true;
    })().catch(() => false);
    const passed = await Promise.race([ended, late]);
    clearTimeout(timer);
    await this.clear(test);
    return passed;
  }

  /** Runs the clean-up of a test run, so that the next one begins without its traces. */
  private async clear(test: Test): Promise<void> {
    const { onFinished: left = [] } = test as Hooked;
    delete (test as Hooked).onFinished;
    for (const hook of left.reverse()) await Promise.race([Promise.resolve(hook(test.context)).catch(() => undefined), pause(LIMIT)]);
    vi.restoreAllMocks();
  }

  private note(line: object): void {
    appendFileSync(this.log, `${JSON.stringify(line)}\n`);
  }

  /** Other processes run other test files. */
  private readKilled(): void {
    for (const line of readFileSync(this.log, 'utf8').split('\n')) {
      const { killed } = line === '' ? {} : (JSON.parse(line) as { killed?: string });
      if (killed !== undefined) this.killed.add(killed);
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => void setTimeout(resolve, ms));
}
