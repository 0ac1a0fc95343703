import http, { type IncomingMessage, type RequestOptions } from 'node:http';
import https from 'node:https';
import type { EngineAddress } from './address.js';
import { EngineAway, EngineRefusal } from './failure.js';

/** For calls that the engine answers at once; in ms. */
export const PROMPT = 30_000;
/** Between probes of a silent connection to another host, in ms. */
const PROBE = 30_000;

export interface Call {
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  /** Time until the answer must begin, in ms; unlimited when absent. */
  readonly within?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** On a connection of its own: a stopping engine accepts no new ones, but still serves those it has. */
  readonly fresh?: boolean | undefined;
}

/** HTTP to one engine, over reused connections. */
export class Connection {
  private readonly agent: http.Agent | https.Agent;

  constructor(readonly address: EngineAddress) {
    const options = { keepAlive: true, keepAliveMsecs: PROBE };
    this.agent = address.secure ? new https.Agent(options) : new http.Agent(options);
  }

  /**
   * Sends a request, and settles when the answer begins.
   * @throws EngineRefusal when the engine refuses · @throws EngineAway when it does not answer
   */
  async open(method: string, path: string, call: Call = {}): Promise<IncomingMessage> {
    const response = await this.send(method, path, call);
    const status = response.statusCode ?? 0;
    if (status < 400) return response;
    throw new EngineRefusal(status, messageOf(await textOf(response), status));
  }

  /** Sends a request and reads the answer, which is JSON or empty. Throws what `open` throws. */
  async call<T>(method: string, path: string, call: Call = {}): Promise<T> {
    const text = await textOf(await this.open(method, path, { within: PROMPT, ...call }));
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  close(): void {
    this.agent.destroy();
  }

  private send(method: string, path: string, { query = {}, body, within, signal, fresh }: Call): Promise<IncomingMessage> {
    const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const headers = payload && { 'content-type': 'application/json', 'content-length': payload.length };
    const options: RequestOptions = {
      ...this.address.options,
      method,
      path: path + queryText(query),
      ...(headers && { headers }),
      agent: fresh ? false : this.agent,
    };
    return new Promise((resolve, reject) => {
      const request = (this.address.secure ? https : http).request(options);
      const timer =
        within === undefined ? undefined : setTimeout(() => request.destroy(new Error(`no answer within ${within} ms`)), within);
      const abort = (): void => void request.destroy(new Error('called off'));
      const fail = (error: unknown): void => {
        clearTimeout(timer);
        reject(new EngineAway(error));
      };
      if (signal?.aborted) abort();
      signal?.addEventListener('abort', abort, { once: true });
      request.once('response', response => {
        clearTimeout(timer);
        resolve(response);
      });
      // A connection may also break after the answer has begun: then reading the answer fails.
      request.on('error', fail);
      request.once('close', () => {
        signal?.removeEventListener('abort', abort);
        fail(new Error('the connection was closed'));
      });
      request.end(payload);
    });
  }
}

/** The bytes of an answer. @throws EngineAway when it breaks off */
export async function* bytesOf(response: IncomingMessage): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of response) yield chunk as Buffer;
  } catch (error) {
    throw new EngineAway(error);
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of bytesOf(response)) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

function queryText(query: NonNullable<Call['query']>): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return given.length === 0 ? '' : `?${new URLSearchParams(given.map(([key, value]): [string, string] => [key, String(value)]))}`;
}

function messageOf(text: string, status: number): string {
  try {
    const { message, cause } = JSON.parse(text) as { message?: string; cause?: string };
    return (message || cause || text).trim();
  } catch {
    return text.trim() || `HTTP status ${status}`;
  }
}
