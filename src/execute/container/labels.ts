import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { commandDigest } from '../../job/command-digest.js';
import type { Survivor, Task } from '../executor.js';
import type { Listed } from './engine/replies.js';

/** Labels by which a later runner identifies a container's owner. */
const LABEL = {
  queue: 'runmaker.queue',
  job: 'runmaker.job',
  print: 'runmaker.command',
  attempt: 'runmaker.attempt',
  claim: 'runmaker.claim',
  runner: 'runmaker.runner',
} as const;

/** @param claim identifies this start of the job */
export function labelsFor(task: Task, claim: string): Record<string, string> {
  return {
    [LABEL.queue]: task.queue,
    [LABEL.job]: task.job.id,
    [LABEL.print]: commandDigest(task.job.command),
    [LABEL.attempt]: String(task.attempt),
    [LABEL.claim]: claim,
    [LABEL.runner]: `${os.hostname()},${process.pid},${startOf(process.pid)}`,
  };
}

/** A name unique to one start of a job, on all hosts. */
export function newClaimName(): string {
  return randomUUID();
}

/** Filters an engine's list for the containers of a queue, or of one of its jobs. */
export function labelsOf(known: { readonly queue: string; readonly job?: string; readonly print?: string }): string[] {
  return Object.entries(known).map(([key, value]) => `${LABEL[key as keyof typeof LABEL]}=${value}`);
}

/** Whether the runner that started a container was a process of this host, and has ended. */
export function isRunnerDead({ Labels }: Listed): boolean {
  const [host, pid, start] = (Labels[LABEL.runner] ?? '').split(',');
  return host === os.hostname() && start !== undefined && start !== startOf(Number(pid));
}

/** The job that a container's labels name; undefined for a container that only looks like a job's. */
export function jobOf({ Labels }: Listed): Pick<Survivor, 'job' | 'print'> | undefined {
  const [job, print] = [Labels[LABEL.job], Labels[LABEL.print]];
  return job === undefined || print === undefined ? undefined : { job, print };
}

/**
 * Start time of a process, in the kernel's ticks: with the process id it identifies the process, even if the id is reused. Empty if there
 * is no such process.
 */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // Its name, in parentheses, may contain anything. The start is the 22nd field.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
