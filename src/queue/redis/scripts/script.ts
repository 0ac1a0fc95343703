import { createHash } from 'node:crypto';

/** A Lua script and its name in Redis. */
export interface Script {
  readonly source: string;
  readonly sha: string;
}

/** Joins parts into a script, without indentation and comments: it is sent in full once per server. */
export function script(...parts: readonly string[]): Script {
  const lines = parts.join('\n').split('\n');
  const source = lines.map(line => line.replace(/(?:^|\s)--.*$/, '').trim()).filter(line => line !== '');
  const text = source.join('\n');
  return { source: text, sha: createHash('sha1').update(text).digest('hex') };
}
