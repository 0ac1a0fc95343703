import type { SlurmCommands } from './commands.js';
import type { Followers, SlurmExecution } from './slurm-execution.js';
import { type ElementState, exitFrom, isUnderWay } from './states.js';

/** Between two checks of the array folders, in ms: doubled from the first to the longest while nothing happens there. */
const LOOK = { first: 200, longest: 2000 };
/** How long, in ms, to wait for the exit status of an element that Slurm reports as ended: files of other hosts become visible late. */
const GRACE = 10_000;
/** How soon after a signal to query Slurm for its effect, in ms. */
const AFTER_KILL = 1500;
/** Signals requested within this many ms are sent together. */
const GATHER_KILLS = 100;
/** Queries take no more than this part of the time. */
const SHARE_OF_ASKING = 5;

/** squeue does not list elements cancelled while they waited, nor those that ended longer ago than MinJobAge. */
const VANISHED = 'Slurm knows it no longer and it has left no exit status: it was cancelled while it waited, or its node failed';

/** An element that Slurm reports as ended and that has left no exit status yet. */
interface Ended {
  readonly state: ElementState | undefined;
  readonly since: number;
}

/**
 * Detects how elements end: from their exit status files, which it checks often, and from squeue for elements that could leave none, which
 * it queries seldom, with one call for all.
 */
export class ElementWatcher implements Followers {
  private readonly open = new Set<SlurmExecution>();
  private readonly ended = new Map<SlurmExecution, Ended>();
  private readonly toSignal = new Set<SlurmExecution>();
  private readonly closing = new AbortController();
  private lookTimer: NodeJS.Timeout | undefined;
  private askTimer: NodeJS.Timeout | undefined;
  private killTimer: NodeJS.Timeout | undefined;
  private pause = LOOK.first;
  private askedLast = performance.now();
  private askingTook = 0;

  /** @param poll the least time between two calls of squeue, in ms */
  constructor(
    private readonly commands: SlurmCommands,
    private readonly poll: number,
  ) {}

  /** Number of elements followed. */
  get size(): number {
    return this.open.size;
  }

  add(execution: SlurmExecution): void {
    this.open.add(execution);
    this.pause = LOOK.first;
    if (this.open.size > 1 && this.lookTimer) return;
    this.scheduleLook();
    this.scheduleAsking(this.poll);
  }

  remove(execution: SlurmExecution): void {
    this.open.delete(execution);
    this.ended.delete(execution);
    if (this.open.size === 0) this.rest();
  }

  /** Sends the execution's signal, together with others. */
  kill(execution: SlurmExecution): void {
    this.toSignal.add(execution);
    this.killTimer ??= setTimeout(() => void this.sendSignals(), GATHER_KILLS);
  }

  close(): void {
    this.closing.abort();
    this.rest();
    clearTimeout(this.killTimer);
  }

  private rest(): void {
    clearTimeout(this.lookTimer);
    clearTimeout(this.askTimer);
    this.lookTimer = this.askTimer = undefined;
  }

  private scheduleLook(): void {
    clearTimeout(this.lookTimer);
    this.lookTimer = setTimeout(() => void this.look(), this.pause);
  }

  private async look(): Promise<void> {
    const found = await this.lookForExits().catch(() => false);
    this.pause = found ? LOOK.first : Math.min(2 * this.pause, LOOK.longest);
    if (this.open.size > 0 && !this.closing.signal.aborted) this.scheduleLook();
  }

  /** Whether an element has ended. */
  private async lookForExits(): Promise<boolean> {
    let found = false;
    for (const executions of this.byFolder(this.open).values()) {
      const { folder } = (executions[0] as SlurmExecution).place;
      const names = await folder.names();
      for (const execution of executions) {
        const { index } = execution.place;
        const code = names.has(`${index}.exit`) ? await folder.exitOf(index) : undefined;
        if (code !== undefined) {
          found = true;
          void execution.end({ kind: 'exited', code });
        } else if (names.has(`${index}.out`)) execution.follow();
      }
    }
    this.settleEnded();
    return found;
  }

  /** Elements that left no status in time have ended as Slurm says. */
  private settleEnded(): void {
    for (const [execution, { state, since }] of this.ended) {
      if (performance.now() - since < GRACE && execution.signalled === undefined) continue;
      const { signalled } = execution;
      if (signalled && (state === undefined || state.state === 'CANCELLED')) void execution.end({ kind: 'signalled', signal: signalled });
      else if (state === undefined) void execution.end({ kind: 'lost', reason: VANISHED });
      else void execution.end(exitFrom(state));
    }
  }

  private scheduleAsking(ms: number): void {
    clearTimeout(this.askTimer);
    const least = this.askedLast + SHARE_OF_ASKING * this.askingTook - performance.now();
    this.askTimer = setTimeout(() => void this.ask(), Math.max(ms, least));
  }

  private async ask(): Promise<void> {
    const asked = [...this.open];
    const names = [...new Set(asked.map(({ place }) => place.folder.name))];
    const began = performance.now();
    try {
      const states = await this.commands.states(names, this.closing.signal);
      this.askedLast = performance.now();
      this.askingTook = this.askedLast - began;
      this.compare(asked, states);
    } catch (error) {
      if (!this.closing.signal.aborted) throw error;
    }
    if (this.open.size === 0 || this.closing.signal.aborted) return;
    const urgent = [...this.open].some(({ signalled }) => signalled !== undefined);
    this.scheduleAsking(urgent ? AFTER_KILL : this.poll);
  }

  private compare(asked: readonly SlurmExecution[], states: readonly ElementState[]): void {
    const known = new Map(states.map(state => [state.element, state]));
    for (const execution of asked) {
      if (!this.open.has(execution)) continue;
      const state = known.get(execution.element);
      if (state && isUnderWay(state)) this.ended.delete(execution);
      else if (!this.ended.has(execution)) this.ended.set(execution, { state, since: performance.now() });
    }
  }

  private async sendSignals(): Promise<void> {
    this.killTimer = undefined;
    const wanted = [...this.toSignal];
    this.toSignal.clear();
    const hasBegun = new Set<SlurmExecution>();
    for (const executions of this.byFolder(wanted).values()) {
      const names = await (executions[0] as SlurmExecution).place.folder.names();
      for (const execution of executions) if (names.has(`${execution.place.index}.begun`)) hasBegun.add(execution);
    }
    const isGentle = (execution: SlurmExecution) => execution.signalled === 15 && hasBegun.has(execution);
    await this.commands.terminate(wanted.filter(isGentle).map(({ element }) => element));
    await this.commands.cancel(wanted.filter(execution => !isGentle(execution)).map(({ element }) => element));
    if (this.open.size > 0) this.scheduleAsking(AFTER_KILL);
  }

  private byFolder(wanted: Iterable<SlurmExecution>): Map<string, SlurmExecution[]> {
    const groups = new Map<string, SlurmExecution[]>();
    for (const execution of wanted) {
      const { path } = execution.place.folder;
      const group = groups.get(path);
      if (group) group.push(execution);
      else groups.set(path, [execution]);
    }
    return groups;
  }
}
