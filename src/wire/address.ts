import { RunmakerError } from '../errors.js';

/** Where a server listens when nobody says where. */
export const DEFAULT_PORT = 9998;

/** Bytes of a socket's path: sun_path has 108 with the NUL behind it (unix(7)). What is longer the system may cut. */
const LONGEST_PATH = 107;

/** Where a server is found. */
export type Address =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  /** A socket in the filesystem. */
  | { readonly kind: 'unix'; readonly path: string };

/** `alice`, `alice:9998`, `[::1]:9998`. */
const HOST_AND_PORT = /^(?:\[([0-9a-f:.%a-z]+)\]|([^:[\]/?#@\s]+))(?::(\d+))?$/i;

/**
 * Reads what names a server: `alice`, `alice:9998`, `[::1]:9998`, `unix:/path`; an IPv6 address may stand without brackets when no
 * port follows it.
 *
 * @throws RunmakerError `usage`, quoting the text
 */
export function parseAddress(text: string, defaultPort = DEFAULT_PORT): Address {
  const unix = /^unix:(?:\/\/(?=\/))?(.+)$/is.exec(text)?.[1];
  if (unix !== undefined) return { kind: 'unix', path: checkedPath(unix) };
  if (/^[0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.]*(?:%\w+)?$/i.test(text)) return { kind: 'tcp', host: text, port: defaultPort };
  const [, bracketed, name, digits] = HOST_AND_PORT.exec(text) ?? [];
  const host = bracketed ?? name;
  const port = digits === undefined ? defaultPort : Number(digits);
  if (host === undefined || port < 1 || port > 65_535) {
    throw new RunmakerError('usage', `${JSON.stringify(text)} does not name a server`, {
      hint: 'write host, host:port, [IPv6 address]:port or unix:/path',
    });
  }
  return { kind: 'tcp', host, port };
}

/** What names a server, `alice:9998` or `tcp:alice`, as the name of a queue; undefined for anything else. */
export function nameForServer(text: string): string | undefined {
  const [, after] = /^tcp:\/?([^/\s]+)$/i.exec(text) ?? [];
  const place = after ?? /^(?:\[[0-9a-f:.%a-z]+\]|[\w.-]+):\d{1,5}$/i.exec(text)?.[0];
  return place === undefined ? undefined : `tcp://${place}`;
}

function checkedPath(path: string): string {
  const bytes = Buffer.byteLength(path);
  if (bytes <= LONGEST_PATH) return path;
  throw new RunmakerError('usage', `unix:${path}: the path of a socket may have ${LONGEST_PATH} bytes, and this one has ${bytes}`, {
    hint: 'choose a shorter one, such as one below /run or /tmp, or name it from the directory that it is in',
  });
}

/** Host and port, or the path, as `parseAddress` reads them. */
export function printAddress(address: Address): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
}
