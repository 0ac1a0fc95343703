import { describeNotice } from '../../../queue/notices.js';
import type { QueueNotice } from '../../../queue/queue.js';
import type { ServerLog } from '../../log.js';

/** Writes notices about the file itself into the log, each once. */
export function ownerNotices(log: ServerLog): (notice: QueueNotice) => void {
  const written = new Set<string>();
  return notice => {
    const { message, hint } = describeNotice(notice);
    const text = `${message}; ${hint}`;
    if (!written.has(text)) log.warn(text);
    written.add(text);
  };
}
