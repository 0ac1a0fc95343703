/*
 * claiming/: the way of one job from `.` to its final state. The claimer picks a line, take-line.ts locks it and writes `r`, FileClaim
 * stands for it until it is finished; held-line.ts and find-line.ts keep hold of the line while editors move it.
 */
import { setTimeout } from 'node:timers/promises';
import { jitter } from '../../../async/backoff.js';
import { isWanted, type Pick, pick } from '../../../job/readiness.js';
import type { ClaimRequest, ClaimResult } from '../../queue.js';
import type { LineIndex } from '../reading/line-index.js';
import { refreshStatesAround } from '../reading/refresh-states.js';

import { SETTLED } from '../reading/unfinished-line.js';
import type { RunsFile } from '../runs-file.js';
import { ClaimNotices, type TrustOptions } from './claim-notices.js';
import { RetryTimer } from './retry-timer.js';
import { take } from './take-line.js';

/** So many lines locked at the same time are not locked one by one: another process has a lock on the whole file. */
const MOST_BUSY = 8;
/** Rounds over lines that others hold locked before saying that there is nothing to do but wait. */
const BUSY_ROUNDS = 20;
/** After these it is worth another try, in ms: locks are given up without any sign that could be waited for. */
const BUSY_PAUSE = 1000;
/** Lines that were found to have moved, one after the other, before there is a pause: the file is being edited. */
const PATIENT_MOVES = 3;
/** How many ready lines to leave to the other host at most after one was lost to it, and for how many claims of our own. */
const LONGEST_JUMP = 32;

/** Claims jobs for one process: picks a line, tries to take it, and finds out why it could not be had. */
export class Claimer {
  /** How it fared against the others so far. */
  readonly tally = { won: 0, lost: 0, busy: 0 };
  /** When a claim that came to nothing may succeed without any change to the file. */
  readonly reminder = new RetryTimer();
  /** One for each asker, for as long as the asker lives. */
  private readonly advisors = new WeakMap<object, ClaimNotices>();
  /** Ready lines that are not tried now. */
  private readonly passed = new Set<number>();
  /** For how many more claims these are left to another host. */
  private left = 0;
  /** On a local disk, where a look is cheap: others claim here, too, and what was known a moment ago is out of date by now. */
  private crowded: boolean;

  constructor(
    private readonly runs: RunsFile,
    private readonly trust: TrustOptions,
  ) {
    // Runners that are started together are together at the first line, too.
    this.crowded = !runs.driver.staleLooks;
  }

  /** Whether locks have ever worked on this file: if not, it is of no use to wait for them to work again. */
  get locksWork(): boolean {
    return this.tally.won + this.tally.lost + this.tally.busy > 0;
  }

  async next(request: ClaimRequest): Promise<ClaimResult> {
    const { runs, passed } = this;
    const { view } = runs;
    if (this.left === 0) passed.clear();
    if (view.wasSeen) await view.lookWhenBusy();
    let busy = 0;
    let rounds = 0;
    let moves = 0;
    if (this.crowded) this.crowded = await this.catchUp(await view.index());
    for (;;) {
      request.signal?.throwIfAborted();
      const index = await view.index();
      if ((await runs.staleSaves.putRight(runs)) > 0 || (await runs.staleSaves.settle(runs, request.signal))) continue;
      const { version, growing } = view;
      this.advisorOf(request.asker ?? this).advise(view, index, growing, request);
      const choice = pick(index, request, growing > 0 ? new Set(passed).add(growing) : passed);
      if (busy >= MOST_BUSY || (passed.size > 0 && choice.kind !== 'ready')) {
        if (busy > 0 && ++rounds > BUSY_ROUNDS) {
          this.reminder.set(BUSY_PAUSE);
          return { kind: 'waiting', for: 'others' };
        }
        if (busy > 0) await setTimeout(jitter());
        passed.clear();
        busy = 0;
      } else if (choice.kind !== 'ready') {
        const news = await view.lookInTurn(request.signal);
        // Somebody else's look may have shown what this one does not any more.
        if (news || view.version !== version) continue;
        // It may become any job: whoever leaves now would leave it behind.
        const mayGrow = growing > 0 && isWanted(index.stateAt(growing), growing, request);
        if (mayGrow && view.growsFor > SETTLED) {
          this.reminder.set(view.growsFor);
          return { kind: 'waiting', for: 'others' };
        }
        if (!view.mayBeHalfSaved && !mayGrow) return choice;
        await setTimeout(view.pause(), undefined, request.signal ? { signal: request.signal } : {});
      } else {
        const taken = await take(runs, index, choice.line);
        switch (taken.kind) {
          case 'claimed':
            this.tally.won++;
            if (this.left > 0) this.left--;
            return taken;
          case 'busy':
            this.tally.busy++;
            busy++;
            passed.add(choice.line);
            break;
          case 'lost':
            this.tally.lost++;
            if (runs.driver.staleLooks) this.jump(index, request);
            else this.crowded = true;
            break;
          case 'moved':
            view.doubt();
            await view.look();
            if (++moves > PATIENT_MOVES) await setTimeout(jitter());
        }
      }
    }
  }

  private advisorOf(asker: object): ClaimNotices {
    const advisor = this.advisors.get(asker) ?? new ClaimNotices(this.runs.path, this.trust);
    this.advisors.set(asker, advisor);
    return advisor;
  }

  /**
   * Reads the states around the first new line again, which takes less time than to try a line that somebody has taken since.
   * Says whether somebody has. Nothing is relied upon: whoever takes a line reads it again under its lock.
   */
  private async catchUp(index: LineIndex): Promise<boolean> {
    const line = index.firstNew;
    if (line > index.lineCount) return false;
    const file = await this.runs.driver.open(this.runs.path, 'look');
    try {
      if (await this.runs.view.isLookingAt(file)) await refreshStatesAround(file, index, line);
    } finally {
      await file.close();
    }
    return index.firstNew !== line;
  }

  /**
   * Over a network a claim takes long enough for two hosts to meet at line after line, and half of their tries to be in
   * vain. Whoever loses one leaves the other a few more, by chance, and goes on behind them for a while.
   */
  private jump(index: LineIndex, request: ClaimRequest): void {
    const { passed } = this;
    passed.clear();
    this.left = LONGEST_JUMP;
    for (let lines = Math.floor(Math.random() * LONGEST_JUMP); lines > 0; lines--) {
      const next: Pick = pick(index, request, passed);
      if (next.kind !== 'ready') break;
      passed.add(next.line);
    }
  }
}
