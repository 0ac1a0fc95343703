import type { GitObject, Objects } from '../plumbing/objects.js';
import type { Remote } from '../plumbing/remote.js';

/** How many commits are walked one by one; git walks longer ways. */
const SHORT_WAY = 50;

/** The message and the parents of a commit. */
export interface CommitInfo {
  readonly name: string;
  readonly parents: readonly string[];
  readonly message: string;
  /** `Pat <pat@example.org>` */
  readonly committer: string;
}

export function readCommit({ name, content }: GitObject): CommitInfo {
  const text = content.toString('utf8');
  const end = text.indexOf('\n\n');
  const header = end < 0 ? text : text.slice(0, end);
  return {
    name,
    parents: [...header.matchAll(/^parent (\w+)$/gm)].map(([, parent]) => parent as string),
    message: end < 0 ? '' : text.slice(end + 2),
    committer: /^committer (.*>)/m.exec(header)?.[1] ?? '',
  };
}

/**
 * The commits that lead from one to a later one, the earliest first; none if it is not in the later one's history.
 * @param whole whether all are needed; otherwise only the last ones are read
 */
export async function commitsBetween(
  remote: Remote,
  objects: Objects,
  from: string,
  head: GitObject,
  whole: boolean,
): Promise<CommitInfo[]> {
  const way: CommitInfo[] = [];
  // Usually there are a few in a straight line: that shows without starting a process.
  for (let object: GitObject | undefined = head; object && way.length < SHORT_WAY; ) {
    const commit = readCommit(object);
    way.unshift(commit);
    if (commit.parents.length !== 1) break;
    const [parent = ''] = commit.parents;
    if (parent === from) return way;
    object = await objects.read(parent);
  }
  const commits: CommitInfo[] = [];
  const names = await remote.between(from, head.name);
  for (const name of whole ? names : names.slice(-SHORT_WAY)) {
    const object = await objects.read(name);
    if (object) commits.push(readCommit(object));
  }
  return commits;
}
