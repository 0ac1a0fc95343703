/**
 * The older program's protocol (runmaker4): plain text, one request a connection.
 *
 *     GET <token>                    → <job number> <command>     and the server waits for the client's word
 *                                    → -1                         and an empty command when there is no job
 *     SET <token> <number> <state>   → ACK
 *     anything else                  → INVALID_CMD, or INVALID_TOKEN
 *
 * Job numbers are counted over jobs, from 1. Each line ends in a line feed; older clients are not known to send one, and are
 * understood without. A job that comes without is believed only when nothing follows it for a while: half a command may do harm. The end
 * of the connection is no sign, since the server is to wait for the client's word before it ends it.
 */

/** What comes back when a request was understood and done, and what the client says when it has its job. */
export const ACK = 'ACK';
export const INVALID_CMD = 'INVALID_CMD';
export const INVALID_TOKEN = 'INVALID_TOKEN';

/** The states that the protocol knows. */
export type LegacyState = 'r' | 'd' | 'e' | '!';

export type LegacyRequest =
  | { readonly kind: 'get'; readonly token: string }
  | { readonly kind: 'set'; readonly token: string; readonly number: number; readonly state: LegacyState };

const SET = /^SET (\S+) (\d{1,15}) ([rde!])$/;
const GET = /^GET (\S+)$/;

/** Reads a request, given without its line feed. Undefined when it is none. */
export function parseLegacyRequest(line: string): LegacyRequest | undefined {
  const text = line.replace(/[\r\0 ]+$/, '');
  const [, token, number, state] = SET.exec(text) ?? [];
  if (token !== undefined) return { kind: 'set', token, number: Number(number), state: state as LegacyState };
  const [, getter] = GET.exec(text) ?? [];
  return getter === undefined ? undefined : { kind: 'get', token: getter };
}

export function printLegacyRequest(request: LegacyRequest): string {
  return request.kind === 'get' ? `GET ${request.token}\n` : `SET ${request.token} ${request.number} ${request.state}\n`;
}

/** Whether an answer is whole though no line feed came: those that are the same each time need none. Given what came of it. */
export function isWholeWord(line: Buffer): boolean {
  return /^(?:-1 ?|ACK|INVALID_(?:CMD|TOKEN))\r?$/.test(line.subarray(0, 32).toString('latin1'));
}

/** The answer to a GET; the command is handed on byte for byte. */
export function printLegacyJob(job: { readonly number: number; readonly command: Buffer } | undefined): Buffer {
  return job === undefined ? Buffer.from('-1 \n') : Buffer.concat([Buffer.from(`${job.number} `), job.command, Buffer.from('\n')]);
}

export type LegacyAnswer =
  | { readonly kind: 'job'; readonly number: number; readonly command: Buffer }
  | { readonly kind: 'none' }
  | { readonly kind: 'other'; readonly text: string };

/** Reads the answer to a GET, given without its line feed. */
export function parseLegacyJob(line: Buffer): LegacyAnswer {
  const [, digits] = /^(-?\d{1,15})(?: |$)/.exec(line.subarray(0, 32).toString('latin1')) ?? [];
  if (digits === undefined) return { kind: 'other', text: line.subarray(0, 80).toString().trim() };
  const number = Number(digits);
  if (number < 1) return { kind: 'none' };
  return { kind: 'job', number, command: Buffer.from(line.subarray(digits.length + 1)) };
}
