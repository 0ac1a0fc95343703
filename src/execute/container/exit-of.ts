import { formatSize } from '../../job/size.js';
import type { Exit } from '../executor.js';
import type { Inspected } from './engine/replies.js';

/** A stopping engine ends its containers at most this long, in ms, before it is away. */
const STOPPING = 20_000;

/** Exit codes of a container ended by a signal: 128 and the signal. */
const SIGNALLED = { from: 129, to: 192 };
/** TERM and KILL, as a stopping engine sends them, and the code that it records when it does not know. */
const UNKNOWN = 255;
const ENDED_BY_ENGINE = new Set([137, 143, UNKNOWN]);
/** Reported by a shell, and by the container's init process, for a program that cannot be executed or does not exist. */
const NOT_EXECUTED = new Set([126, 127]);

/** Messages of the engines' init processes: tini (Docker), catatonit (Podman). */
const NOT_FOUND = /^(?:\[FATAL tini \(\d+\)\] exec (.*) failed: (.*)|ERROR \(catatonit:\d+\): failed to exec (pid1): (.*))\n?$/;

/** What is known about a container's end besides its state. */
export interface Circumstances {
  /** All of its stderr, if that is little. */
  readonly stderr: string;
  /** Whether the engine was away at any time since, in ms since 1970, and this runner has sent the container no signal. */
  wasEngineAway(since: number): boolean;
  /** Whether an earlier runner started it: the engine's state meanwhile is unknown. */
  readonly isTakenOver: boolean;
}

/** How a container's end counts. */
export function exitOf({ State: state, HostConfig }: Inspected, { stderr, wasEngineAway, isTakenOver }: Circumstances): Exit {
  const code = state.ExitCode;
  if (code === 0) return { kind: 'exited', code };
  // The kernel may have killed one process of many while the job went on: only a failure is attributed to it.
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
