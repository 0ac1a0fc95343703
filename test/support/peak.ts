import { readFileSync } from 'node:fs';

const INTERVAL = 20;

/** Watches the peak memory of a process. */
export interface PeakWatch {
  /** The peak resident memory, in bytes, as of the last look. */
  readonly bytes: number;
  stop(): void;
}

/** Polls the kernel's high-water mark (VmHWM of proc_pid_status(5)) until the process has exited or `stop`. */
export function watchPeak(pid: number): PeakWatch {
  let bytes = 0;
  const look = (): void => {
    const seen = peakOf(pid);
    if (seen === undefined) clearInterval(timer);
    else bytes = seen;
  };
  const timer = setInterval(look, INTERVAL);
  look();
  return {
    get bytes() {
      return bytes;
    },
    stop: () => clearInterval(timer),
  };
}

/** Undefined when the process has exited. */
export function peakOf(pid: number): number | undefined {
  try {
    const kilobytes = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}

export function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}
