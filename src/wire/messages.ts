/**
 * src/wire/: the protocol of servers and clients, version 1. A message is a JSON object on a line; `type` says which.
 *
 * The client sends `hello`, the server `welcome`. From then on the client sends requests, and the server answers each of them once, with
 * the request's `id`, in any order. Ids grow by one with each request, for as long as the client lives: the id of a `claim` that was
 * answered with a job names the claim, and outlives the connection. In between the server sends `ping`, the client `pong`.
 *
 * Requests that were not answered when a connection is lost are repeated over the next one, with the same id. The server carries out
 * nothing twice under one id.
 */
import * as v from 'valibot';
import { MOST_TEXT } from './bytes.js';

export const PROTOCOL_VERSION = 1;

/** The longest line that a client may send, in bytes: long things are sent in parts. */
export const LONGEST_FROM_CLIENT = 4 * 1024 * 1024;
/** The longest line that a server may send: a job's command has 16 MiB at most, a third more in base64, and there is a little around it. */
export const LONGEST_FROM_SERVER = 24 * 1024 * 1024;

/** Jobs that a client may have at a time: it must be able to list all of them when it comes back. */
export const MOST_CLAIMS = 10_000;
/** Claims that it may list then, including some that are just ending. */
const MOST_NAMED = 2 * MOST_CLAIMS;

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const amount = v.pipe(v.number(), v.finite(), v.minValue(0));
const state = v.pipe(v.string(), v.length(1));
const finalState = v.picklist(['d', '!', 'e']);
/** Base64, judged by its length: a regular expression would overflow the stack on megabytes. */
const base64 = v.pipe(
  v.string(),
  v.check(text => text.length % 4 === 0, 'not base64'),
);
/** Bytes: as text where they are short and valid UTF-8, else in base64. */
const bytes = v.union([v.pipe(v.string(), v.maxLength(MOST_TEXT)), v.object({ base64 })]);
/** Amounts by resource; the default is 0. */
const needs = v.record(v.string(), amount);
const job = v.object({
  number: count,
  ordinal: count,
  offset: count,
  state,
  command: bytes,
  holder: v.optional(v.picklist(['present', 'absent'])),
});
const selection = v.object({
  /** A line, or a range; null: open end. */
  lines: v.optional(v.array(v.union([count, v.tuple([v.nullable(count), v.nullable(count)])]))),
  offsets: v.optional(v.array(count)),
  states: v.optional(v.array(v.string())),
  /** The client applies regular expressions, since some never end. */
  match: v.optional(v.never()),
  /** See `commandDigest`. */
  commands: v.optional(v.array(v.string())),
});
const notice = v.variant('kind', [
  v.object({ kind: v.literal('unusable'), line: count, column: count, message: v.string() }),
  v.object({ kind: v.literal('tooBig'), line: count, needs }),
  v.object({ kind: v.literal('news'), message: v.string(), hint: v.string() }),
]);
const finishResult = v.variant('kind', [
  v.object({ kind: v.literal('recorded') }),
  v.object({ kind: v.literal('refused'), reason: v.string() }),
]);

/** A claim that the client believes to have. */
const openClaim = v.object({
  id: count,
  number: count,
  offset: count,
  /** See `commandDigest`: a server that was started again recognises the claim by the command. */
  print: v.string(),
  /** The state that a server was asked to write, if there was no answer. */
  ending: v.optional(v.union([finalState, v.literal('.')])),
  /** What came with the answer to the claim. */
  fence: v.optional(count),
});

/** What a client is ready to run, as in `ClaimRequest`. The jobs that it has tried before are sent once, with `tried`. */
const asker = {
  retry: v.optional(v.boolean()),
  free: v.optional(needs),
  capacity: v.optional(needs),
  /** Whether the client wants notices. */
  tell: v.optional(v.boolean()),
};

const fromClient = {
  hello: v.object({
    type: v.literal('hello'),
    version: v.number(),
    /** 128 random bits, in hexadecimal: identifies this client over all its connections. */
    client: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)),
    /** The name of the client's host, for the log. */
    host: v.pipe(v.string(), v.maxLength(255)),
    claims: v.pipe(v.array(openClaim), v.maxLength(MOST_NAMED)),
  }),
  pong: v.object({ type: v.literal('pong') }),
  /** The client leaves, and gives up its claims. */
  bye: v.object({ type: v.literal('bye') }),
  claim: v.object({ type: v.literal('claim'), id: count, ...asker }),
  /** Line numbers for `retry` to pass over, in addition to those that were sent before; `anew`: instead of them. */
  tried: v.object({ type: v.literal('tried'), lines: v.array(count), anew: v.optional(v.boolean()) }),
  /**
   * The end of a claim: its final state, or `.` to put the job back; `unrun`: as in `ReleaseOptions`.
   */
  end: v.object({
    type: v.literal('end'),
    id: count,
    claim: count,
    state: v.union([finalState, v.literal('.')]),
    unrun: v.optional(v.boolean()),
  }),
  counts: v.object({ type: v.literal('counts'), id: count }),
  jobs: v.object({ type: v.literal('jobs'), id: count, selection }),
  plan: v.object({ type: v.literal('plan'), id: count, ...asker }),
  set: v.object({ type: v.literal('set'), id: count, selection, state: v.string(), force: v.boolean() }),
  reclaim: v.object({ type: v.literal('reclaim'), id: count }),
  /** The next jobs of an answer that had `more`. */
  more: v.object({ type: v.literal('more'), id: count, of: count }),
  /** The client wants no more of these. */
  enough: v.object({ type: v.literal('enough'), of: count }),
  /** A part of the commands that `append` of the same id is to append, each with a line feed at its end. */
  part: v.object({ type: v.literal('part'), id: count, bytes }),
  append: v.object({ type: v.literal('append'), id: count, state: v.string(), commands: count }),
  /** Answered as soon as the position is not `seen` any more. */
  watch: v.object({ type: v.literal('watch'), id: count, seen: count }),
};

/** Queue.layout of the server's queue; without meaning after a restart of the server. */
const layout = v.optional(v.string());

const fromServer = {
  welcome: v.object({
    type: v.literal('welcome'),
    version: v.number(),
    presence: v.boolean(),
    /** Capabilities.presenceReturns of the server's queue. */
    presenceReturns: v.optional(amount),
    /**
     * Names what the server remembers of this client. Requests that were sent in the same session are answered as if the connection had
     * never been lost; the server knows nothing of those that were sent in another one.
     */
    session: v.string(),
    /** Claims that the client has lost. */
    lost: v.array(v.object({ id: count, reason: v.string() })),
    /** Claims whose `ending` had been written before the server was started again. */
    ended: v.array(count),
    seen: count,
    /** How often the server sends `ping`, in ms. */
    pulse: count,
  }),
  /** The server admits no client now, or not this one, and ends the connection. */
  refusal: v.object({ type: v.literal('refusal'), reason: v.string(), hint: v.optional(v.string()) }),
  ping: v.object({ type: v.literal('ping') }),
  /** Comes before the answer to the request of that id; news may also come after it. */
  notice: v.object({ type: v.literal('notice'), id: count, notice }),
  /** `fence`: grows with every claim that the server takes from a client; the client names it when it comes back. */
  claimed: v.object({ type: v.literal('claimed'), id: count, job, layout, fence: count }),
  waiting: v.object({ type: v.literal('waiting'), id: count, for: v.picklist(['room', 'others']), layout }),
  exhausted: v.object({ type: v.literal('exhausted'), id: count, layout }),
  ended: v.object({ type: v.literal('ended'), id: count, result: finishResult }),
  batch: v.object({ type: v.literal('batch'), id: count, jobs: v.array(job), more: v.boolean() }),
  /** `more`: jobs were left alone; `more` fetches them. */
  set: v.object({ type: v.literal('set'), id: count, matched: count, changed: count, more: v.boolean() }),
  counts: v.object({
    type: v.literal('counts'),
    id: count,
    counts: v.object({
      new: count,
      claimed: count,
      running: count,
      done: count,
      failed: count,
      error: count,
      held: count,
      total: count,
      blocked: count,
    }),
  }),
  appended: v.object({ type: v.literal('appended'), id: count }),
  news: v.object({ type: v.literal('news'), id: count, seen: count }),
  failed: v.object({
    type: v.literal('failed'),
    id: count,
    code: v.picklist(['usage', 'input', 'queue', 'start']),
    message: v.string(),
    hint: v.optional(v.string()),
  }),
};

export type FromClient = v.InferOutput<(typeof fromClient)[keyof typeof fromClient]>;
export type FromServer = v.InferOutput<(typeof fromServer)[keyof typeof fromServer]>;
export type Hello = Extract<FromClient, { type: 'hello' }>;
export type Welcome = Extract<FromServer, { type: 'welcome' }>;
export type OpenClaim = v.InferOutput<typeof openClaim>;
/** What the server answers, with the same id. */
export type Request = Extract<FromClient, { id: number }>;
/** What a server answers to a request. */
export type Answer = Exclude<Extract<FromServer, { id: number }>, { type: 'notice' }>;
export type WireJob = v.InferOutput<typeof job>;
export type WireSelection = v.InferOutput<typeof selection>;

/** A message cannot be understood. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

/** @throws ProtocolError */
export function readFromClient(line: Buffer): FromClient {
  return read(fromClient, line);
}

/** @throws ProtocolError */
export function readFromServer(line: Buffer): FromServer {
  return read(fromServer, line);
}

function read<S extends v.GenericSchema>(schemas: Readonly<Record<string, S>>, line: Buffer): v.InferOutput<S> {
  const value = parse(line);
  const type = typeof value === 'object' && value !== null && 'type' in value ? value.type : undefined;
  const schema = typeof type === 'string' && Object.hasOwn(schemas, type) ? schemas[type] : undefined;
  if (schema === undefined) throw new ProtocolError('a message of no known type');
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new ProtocolError(`${v.getDotPath(issue) ?? 'message'}: ${issue.message.slice(0, 200)}`);
}

function parse(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString());
  } catch (cause) {
    throw new ProtocolError('not JSON', { cause });
  }
}
