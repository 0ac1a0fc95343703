import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { commandDigest } from '../../job/command-digest.js';
import type { Survivor, Task } from '../executor.js';
import type { Listed } from './engine/replies.js';

/** The labels by which a later runner knows whose a container is. */
const LABEL = {
  queue: 'runmaker.queue',
  job: 'runmaker.job',
  print: 'runmaker.command',
  attempt: 'runmaker.attempt',
  claim: 'runmaker.claim',
  runner: 'runmaker.runner',
} as const;

/** @param claim names this start of the job and no other */
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

/** What no other start of a job is called, here or elsewhere. */
export function newClaimName(): string {
  return randomUUID();
}

/** By which an engine lists the containers of a queue, or of one of its jobs. */
export function labelsOf(known: { readonly queue: string; readonly job?: string; readonly print?: string }): string[] {
  return Object.entries(known).map(([key, value]) => `${LABEL[key as keyof typeof LABEL]}=${value}`);
}

/** Whether the runner that has started a container was a process of this host, and is no more. */
export function isRunnerDead({ Labels }: Listed): boolean {
  const [host, pid, start] = (Labels[LABEL.runner] ?? '').split(',');
  return host === os.hostname() && start !== undefined && start !== startOf(Number(pid));
}

/** What a container's labels say of its job; undefined for a container that only looks like one of ours. */
export function jobOf({ Labels }: Listed): Pick<Survivor, 'job' | 'print'> | undefined {
  const [job, print] = [Labels[LABEL.job], Labels[LABEL.print]];
  return job === undefined || print === undefined ? undefined : { job, print };
}

/** When a process was started, in the kernel's ticks: with its id that names it, also after the id was given out again. Empty when it is not there. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // Its name, in parentheses, may hold anything. The start is the 22nd field.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
