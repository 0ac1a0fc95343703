import { RunmakerError } from '../errors.js';

/** The port on which a server listens by default. */
export const DEFAULT_PORT = 9998;

/** Bytes of a socket's path: sun_path has 108 with the NUL at its end (unix(7)). The system may cut longer ones. */
const LONGEST_PATH = 107;

/** The address of a server. */
export type Address =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  /** A socket in the filesystem. */
  | { readonly kind: 'unix'; readonly path: string };

/** `alice`, `alice:9998`, `[::1]:9998`. */
const HOST_AND_PORT = /^(?:\[([0-9a-f:.%a-z]+)\]|([^:[\]/?#@\s]+))(?::(\d+))?$/i;

/**
 * Reads the address of a server: `alice`, `alice:9998`, `[::1]:9998`, `unix:/path`; an IPv6 address needs no brackets when no port
 * follows it.
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

/** The name of the queue of a server that was named as `alice:9998` or `tcp:alice`; undefined for anything else. */
export function nameForServer(text: string): string | undefined {
  const [, after] = /^tcp:\/?([^/\s]+)$/i.exec(text) ?? [];
  const place = after ?? /^(?:\[[0-9a-f:.%a-z]+\]|[\w.-]+):\d{1,5}$/i.exec(text)?.[0];
  return place === undefined ? undefined : `tcp://${place}`;
}

function checkedPath(path: string): string {
  const bytes = Buffer.byteLength(path);
  if (bytes <= LONGEST_PATH) return path;
  throw new RunmakerError('usage', `unix:${path}: the path of a socket may have ${LONGEST_PATH} bytes, and this one has ${bytes}`, {
    hint: 'choose a shorter one, for example below /run or /tmp, or name it relative to its directory',
  });
}

/** Host and port, or the path, in the form that `parseAddress` reads. */
export function printAddress(address: Address): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
}
