import { readFileSync, readlinkSync } from 'node:fs';
import { hostName } from '../../../system/host.js';

/**
 * Distinguishes a process from every other, on every host and across restarts: host, boot, PID namespace (containers have their own),
 * process id, and start time.
 */
const PROCESS = [
  hostName().replace(/[^A-Za-z0-9_-]/g, '_') || 'host',
  bootId(),
  countedBy(),
  process.pid,
  startOf(process.pid) ?? Math.floor(Date.now() / 1000),
].join('-');

let handles = 0;

/** A unique name for one handle to a queue, fit to be part of a ref's name. */
export function newRunnerName(): string {
  handles++;
  return `${PROCESS}-${handles}`;
}

/** Whether the process in a runner's name has certainly ended: it ran on this host, where this process would see it. */
export function isGone(name: string): boolean {
  return fateOf(name) === 'gone';
}

/** What this process can tell about the process in a runner's name. */
export function fateOf(name: string): 'alive' | 'gone' | 'unknown' {
  const [, host, boot, space, pid, start] = /^(.+)-([0-9a-z]+)-(\d+)-(\d+)-(\d+)-\d+$/.exec(name) ?? [];
  const [, ownHost, ownBoot, ownSpace] = /^(.+)-([0-9a-z]+)-(\d+)-\d+-\d+$/.exec(PROCESS) ?? [];
  if (host === undefined || host !== ownHost) return 'unknown';
  if (boot !== ownBoot) return 'gone';
  if (space !== ownSpace) return 'unknown';
  return startOf(Number(pid)) === Number(start) ? 'alive' : 'gone';
}

/** The number of this process's PID namespace; 0 if unknown. */
function countedBy(): string {
  try {
    return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0';
  } catch {
    return '0';
  }
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').slice(0, 8);
  } catch {
    return 'unknown';
  }
}

/** Start time of a process, in clock ticks since boot (field 22 of /proc/<pid>/stat); undefined if it does not exist. */
function startOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
  } catch {
    return undefined;
  }
}
