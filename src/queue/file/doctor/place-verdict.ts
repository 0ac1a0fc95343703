import type { LockDriverName } from '../../queue.js';
import type { Finding } from './finding.js';

/** What a runs file is called, and where it lies. */
export interface Place {
  /** How many names it has. */
  readonly links: number;
  /** Whether it is mounted by itself at this name. */
  readonly isMounted: boolean;
  readonly folder: string;
  /** The mode of the folder, see stat(2). */
  readonly folderMode: number;
}

/** S_IWOTH and S_ISVTX of stat(2). */
const WRITABLE_BY_ALL = 0o002;
const STICKY = 0o1000;

/** What the names of a file and the rights of its folder mean for the hosts that share it. */
export function judgePlace({ links, isMounted, folder, folderMode }: Place, locks: LockDriverName): Finding {
  const judged = (verdict: Finding['verdict'], detail: string): Finding => ({ what: 'place', verdict, detail });
  if (locks === 'directory' && isMounted)
    return judged('bad', 'mounted at a name of its own: runners that use another name use another lock');
  if (locks === 'directory' && links > 1)
    return judged('bad', `has ${links} names (hard links): runners that use another one use another lock`);
  if ((folderMode & WRITABLE_BY_ALL) !== 0 && (folderMode & STICKY) === 0) {
    return judged('unsure', `every user of this host can put another file in its place: chmod o-w ${folder}`);
  }
  if (links > 1)
    return judged('unsure', `has ${links} names (hard links): an editor that replaces the file leaves the others with the old one`);
  if (isMounted) return judged('unsure', 'mounted at a name of its own: editors cannot replace it there, and leave it behind elsewhere');
  return judged('good', 'has one name, in a folder that only its owner and group can write');
}
