import { gpuTypeOf } from '../job/gpu-type.js';
import { formatSize } from '../job/size.js';
import type { QueueNotice } from './queue.js';

/** A notice as a message, with what can be done about it. */
export function describeNotice(notice: QueueNotice): { readonly message: string; readonly hint: string } {
  switch (notice.kind) {
    case 'unusable':
      return {
        message: `line ${notice.line}, column ${notice.column}: ${notice.message}`,
        hint: 'the line is left alone until it is mended',
      };
    case 'news':
      return notice;
    case 'writable':
      return {
        message: `${notice.name} can be written by everybody on this host, who can so run commands as whoever runs its jobs`,
        hint: `chmod o-w ${notice.name}, or pass --trust-any`,
      };
    case 'tooBig': {
      const asked = Object.entries(notice.needs)
        .filter(([, amount = 0]) => amount > 0)
        .map(([name, amount = 0]) => needText(name, amount));
      return {
        message: `line ${notice.line} needs ${asked.join(' ')}, more than this host has`,
        hint: 'it is left to other hosts; --cpus, --mem and --gpus say what this one may give',
      };
    }
  }
}

/** As in the line: `mem=4G`, `gpus=2`, `gpu=a100`. */
function needText(name: string, amount: number): string {
  const type = gpuTypeOf(name);
  return type === undefined ? `${name}=${name === 'mem' ? formatSize(amount) : amount}` : `gpu=${type}`;
}
