import type { FromClient } from '../../wire/messages.js';

/** Line numbers in one message. */
const BATCH = 100_000;

/** What a server was told of the lines that were tried: a runner's list grows by one line a job, and is not sent whole each time. */
export class TriedJobs {
  private told = new Set<number>();

  /** What has to be said so that the server knows these lines, and no others. */
  update(tried: ReadonlySet<string>): FromClient[] {
    const lines = [...tried].map(Number);
    let fresh = lines.filter(line => !this.told.has(line));
    const anew = this.told.size + fresh.length !== tried.size;
    if (anew) {
      this.told = new Set();
      fresh = lines;
    }
    for (const line of fresh) this.told.add(line);
    return messages(fresh, anew);
  }

  /** What a server has to be told that knows nothing, or should forget what it knew. */
  all(): FromClient[] {
    return messages([...this.told], true);
  }
}

function messages(lines: readonly number[], anew: boolean): FromClient[] {
  const told: FromClient[] = anew ? [{ type: 'tried', lines: [], anew }] : [];
  for (let at = 0; at < lines.length; at += BATCH) told.push({ type: 'tried', lines: lines.slice(at, at + BATCH) });
  return told;
}
