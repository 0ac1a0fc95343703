import { createHash } from 'node:crypto';

/** A Lua script and the name under which Redis keeps it. */
export interface Script {
  readonly source: string;
  readonly sha: string;
}

/** Makes a script of parts that follow each other, indentation and comments left out: it is sent whole once a server. */
export function script(...parts: readonly string[]): Script {
  const lines = parts.join('\n').split('\n');
  const source = lines.map(line => line.replace(/(?:^|\s)--.*$/, '').trim()).filter(line => line !== '');
  const text = source.join('\n');
  return { source: text, sha: createHash('sha1').update(text).digest('hex') };
}
