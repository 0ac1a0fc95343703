import { formatSize } from '../../job/size.js';
import type { Exit } from '../executor.js';
import type { Inspected } from './engine/replies.js';

/** An engine that is stopped ends its containers so long, in ms, before it is away, at most. */
const STOPPING = 20_000;

/** Exit codes of a container that a signal has ended: 128 and the signal. */
const SIGNALLED = { from: 129, to: 192 };
/** TERM and KILL, as an engine that stops sends them, and what it notes when it does not know. */
const UNKNOWN = 255;
const ENDED_BY_ENGINE = new Set([137, 143, UNKNOWN]);
/** What a shell, and the init process in the container, report for a program that cannot be executed, or is not there. */
const NOT_EXECUTED = new Set([126, 127]);

/** As the two init processes put it that engines bring along: tini (Docker), catatonit (Podman). */
const NOT_FOUND = /^(?:\[FATAL tini \(\d+\)\] exec (.*) failed: (.*)|ERROR \(catatonit:\d+\): failed to exec (pid1): (.*))\n?$/;

/** What is known of a container's end besides its state. */
export interface Circumstances {
  /** All that it has printed to stderr, when that is little. */
  readonly stderr: string;
  /** Whether the engine was away at any time from this one on, in ms since 1970, and this runner has sent the container no signal. */
  wasEngineAway(since: number): boolean;
  /** Whether an earlier runner has started it: what became of the engine meanwhile is not known. */
  readonly isTakenOver: boolean;
}

/** How a container's end counts. */
export function exitOf({ State: state, HostConfig }: Inspected, { stderr, wasEngineAway, isTakenOver }: Circumstances): Exit {
  const code = state.ExitCode;
  if (code === 0) return { kind: 'exited', code };
  // The kernel may have killed one process of many, and the job gone on: only its failure is put down to that.
  if (state.OOMKilled) {
    const limit = HostConfig?.Memory ? `, ${formatSize(HostConfig.Memory)}` : '';
    return { kind: 'killed', reason: `out of memory: it needed more than its limit${limit} (exit status ${code})` };
  }
  if (ENDED_BY_ENGINE.has(code) && wasEngineAway(Date.parse(state.FinishedAt) - STOPPING)) {
    return { kind: 'lost', reason: `the container engine was stopped, and ended it or missed its end (exit status ${code})` };
  }
  if (code === UNKNOWN && isTakenOver) {
    return { kind: 'lost', reason: `its exit status, ${code}, is also what an engine reports that was away when the container ended` };
  }
  if (NOT_EXECUTED.has(code)) {
    const [, program, reason, other, otherReason] = NOT_FOUND.exec(stderr) ?? [];
    const what = reason ?? otherReason;
    if (what !== undefined) return { kind: 'lost', reason: `the container could not run ${program ?? other}: ${what}` };
  }
  if (code >= SIGNALLED.from && code <= SIGNALLED.to) return { kind: 'signalled', signal: code - 128 };
  return { kind: 'exited', code };
}
