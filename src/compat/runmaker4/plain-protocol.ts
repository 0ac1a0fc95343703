/**
 * The protocol of runmaker4's server and client: plain text, one request a connection.
 *
 *     GET <token>                    → <job number> <command>     and the server waits for a word of the client
 *                                    → -1                         and an empty command when there is no job
 *     SET <token> <number> <state>   → ACK
 *     anything else                  → INVALID_CMD, or INVALID_TOKEN
 *
 * Job numbers are counted over jobs, from 1. Each side sends its text in one piece and without a line feed; the clients compare answers
 * with `==`, so that a line feed would make them repeat their request for ever. White space at the end of what comes is stripped, and a
 * token that was read from a file may come with its line feed.
 */

/** What comes back when a request was understood and done, and what the client says when it has its job. */
export const ACK = 'ACK';
export const INVALID_CMD = 'INVALID_CMD';
export const INVALID_TOKEN = 'INVALID_TOKEN';

/** The clients read so many bytes of an answer, and take that for all of it. */
export const MOST_READ = 2048;

/** The states that the protocol knows. */
export type LegacyState = 'r' | 'd' | 'e' | '!';

export type LegacyRequest =
  | { readonly kind: 'get'; readonly token: string }
  | { readonly kind: 'set'; readonly token: string; readonly number: number; readonly state: LegacyState };

const SET = /^SET (\S+)(?:\r?\n)? (\d{1,15}) ([rde!])$/;
const GET = /^GET (\S+)$/;

/** Reads a request. Undefined when it is none. */
export function parseLegacyRequest(text: string): LegacyRequest | undefined {
  const stripped = text.replace(/[\s\0]+$/, '');
  const [, token, number, state] = SET.exec(stripped) ?? [];
  if (token !== undefined) return { kind: 'set', token, number: Number(number), state: state as LegacyState };
  const [, getter] = GET.exec(stripped) ?? [];
  return getter === undefined ? undefined : { kind: 'get', token: getter };
}

/**
 * Whether what came so far is a whole request, so that nothing more needs to be waited for. A token that is not the right one may be the
 * first part of it.
 */
export function isCompleteRequest(text: string, isToken: (token: string) => boolean): boolean {
  const request = parseLegacyRequest(text);
  if (request?.kind === 'set' || (request?.kind === 'get' && isToken(request.token))) return true;
  return text.endsWith('\n') && !/^SET \S+\r?\n$/.test(text);
}

export function printLegacyRequest(request: LegacyRequest): string {
  return request.kind === 'get' ? `GET ${request.token}` : `SET ${request.token} ${request.number} ${request.state}`;
}

/** The answer to a GET; the command is passed on byte for byte. */
export function printLegacyJob(job: { readonly number: number; readonly command: Buffer } | undefined): Buffer {
  return job === undefined ? Buffer.from('-1 ') : Buffer.concat([Buffer.from(`${job.number} `), job.command]);
}

export type LegacyAnswer =
  | { readonly kind: 'job'; readonly number: number; readonly command: Buffer }
  | { readonly kind: 'none' }
  | { readonly kind: 'other'; readonly text: string };

/** Reads the answer to a GET. */
export function parseLegacyJob(answer: Buffer): LegacyAnswer {
  const [, digits] = /^(-?\d{1,15})(?: |$)/.exec(answer.subarray(0, 32).toString('latin1')) ?? [];
  if (digits === undefined) return { kind: 'other', text: answer.subarray(0, 80).toString().trim() };
  const number = Number(digits);
  if (number < 1) return { kind: 'none' };
  return { kind: 'job', number, command: Buffer.from(answer.subarray(digits.length + 1)) };
}

/** Whether an answer is whole whatever its length: those that are the same each time. Given what came of it. */
export function isWholeWord(answer: Buffer): boolean {
  return /^(?:-1 ?|ACK|INVALID_(?:CMD|TOKEN))\r?\n?$/.test(answer.subarray(0, 32).toString('latin1'));
}
