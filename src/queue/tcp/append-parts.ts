import { toWire } from '../../wire/bytes.js';
import type { FromClient } from '../../wire/messages.js';

/** Bytes in one message. */
const PART = 1024 * 1024;
const LINE_FEED = Buffer.from('\n');

/**
 * Commands as a server expects them: in parts, cut anywhere, with a line feed after each command. The ids are filled in with the request.
 */
export function appendParts(commands: readonly Buffer[]): FromClient[] {
  const bytes = Buffer.concat(commands.flatMap(command => [command, LINE_FEED]));
  const parts: FromClient[] = [];
  for (let at = 0; at < bytes.length; at += PART) parts.push({ type: 'part', id: 0, bytes: toWire(bytes.subarray(at, at + PART)) });
  return parts;
}
