import type { FromClient } from '../../wire/messages.js';

/** Line numbers in one message. */
const BATCH = 100_000;

/** The server's knowledge of tried jobs: a runner's list grows by one with each job, so only new entries are sent. */
export class TriedJobs {
  private sent = new Set<number>();

  /** The messages after which the server knows exactly these jobs. */
  update(tried: ReadonlySet<string>): FromClient[] {
    const lines = [...tried].map(Number);
    let fresh = lines.filter(line => !this.sent.has(line));
    const anew = this.sent.size + fresh.length !== tried.size;
    if (anew) {
      this.sent = new Set();
      fresh = lines;
    }
    for (const line of fresh) this.sent.add(line);
    return messages(fresh, anew);
  }

  /** The messages for a server that knows nothing, or should forget what it knew. */
  all(): FromClient[] {
    return messages([...this.sent], true);
  }
}

function messages(lines: readonly number[], anew: boolean): FromClient[] {
  const all: FromClient[] = anew ? [{ type: 'tried', lines: [], anew }] : [];
  for (let at = 0; at < lines.length; at += BATCH) all.push({ type: 'tried', lines: lines.slice(at, at + BATCH) });
  return all;
}
