import { isUtf8 } from 'node:buffer';

/** A command in JSON: text, or base64 if it is not UTF-8. */
export type CommandJson = { readonly command: string } | { readonly base64: string };

export function commandJson(command: Buffer): CommandJson {
  return isUtf8(command) ? { command: command.toString() } : { base64: command.toString('base64') };
}
