import { constants, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { errnoName } from '../../../errors.js';

/** A place whose claims were revoked, and the fence at which they were. */
export interface Revocation {
  readonly place: string;
  readonly fence: number;
}

/** Late results of clients that were away for longer than this are no longer told apart, in ms. */
const KEPT = 30 * 24 * 3600 * 1000;
/** No more than these, the newest, are kept; each takes about 80 bytes. */
const MOST = 100_000;
const OWNER_ONLY = 0o600;
// Not through a link that another user may have put there.
const APPENDING = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;

/**
 * Keeps revocations over restarts of a server, in a file beside the runs file: a line each, `<fence> <byte offset> <digest of the
 * command>`. The fence is also the time, in ms since 1970.
 */
export class RevocationsFile {
  constructor(
    readonly path: string,
    private readonly now: () => number = Date.now,
  ) {}

  /** Those of the last 30 days. Older ones, and lines that are not whole, are removed from the file. */
  read(): Revocation[] {
    let text: string;
    try {
      text = readFileSync(this.path, 'utf8');
    } catch (error) {
      if (errnoName(error) === 'ENOENT') return [];
      throw error;
    }
    const all = text
      .split('\n')
      .map(parse)
      .filter(entry => entry !== undefined);
    const kept = all.filter(({ fence }) => this.now() - fence < KEPT).slice(-MOST);
    const rest = kept.map(print).join('');
    if (rest === '') rmSync(this.path);
    else if (rest !== text) writeFileSync(this.path, rest);
    return kept;
  }

  /** Settles when they are on the disk. */
  async append(revocations: readonly Revocation[]): Promise<void> {
    const file = await open(this.path, APPENDING, OWNER_ONLY);
    try {
      await file.appendFile(revocations.map(print).join(''));
      await file.datasync();
    } finally {
      await file.close();
    }
  }
}

function print({ place, fence }: Revocation): string {
  return `${fence} ${place}\n`;
}

/** Undefined for a line that is not whole: the host may have lost power. */
function parse(line: string): Revocation | undefined {
  const [, fence, place] = /^(\d{1,15}) (\d+ [\w+/]{43}=)$/.exec(line) ?? [];
  return place === undefined ? undefined : { place, fence: Number(fence) };
}
