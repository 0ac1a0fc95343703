import type { IncomingMessage } from 'node:http';
import type { EngineAddress } from './address.js';
import { bytesOf, type Call, Connection, PROMPT } from './connection.js';
import { EngineRefusal } from './failure.js';
import type { ContainerSpec, Created, EngineInfo, Inspected, Listed, PullProgress } from './replies.js';

/** The newest API version that this client is known to understand. */
const NEWEST = '1.47';

/** The part of a log to read. */
export interface LogRange {
  /** Continue with new output until the container ends. */
  readonly follow: boolean;
  /** Seconds since 1970, by the engine's clock. */
  readonly since?: number | undefined;
}

/** The calls of the Docker Engine API that jobs need; Podman supports them, too. All throw EngineRefusal and EngineAway. */
export class Engine {
  private readonly connection: Connection;
  private version: Promise<string> | undefined;

  constructor(address: EngineAddress) {
    this.connection = new Connection(address);
  }

  /** The user's form of its address. */
  get name(): string {
    return this.connection.address.name;
  }

  /** Settles when it accepts connections. */
  async ping(): Promise<void> {
    (await this.connection.open('GET', '/_ping', { within: 10_000, fresh: true })).resume();
  }

  info(): Promise<EngineInfo> {
    return this.call('GET', '/info');
  }

  create(name: string, spec: ContainerSpec): Promise<Created> {
    return this.call('POST', '/containers/create', { query: { name }, body: spec, within: 120_000 });
  }

  /** Both outputs in frames, from now on. Must be called before the container starts. */
  async attach(id: string, signal: AbortSignal): Promise<IncomingMessage> {
    return await this.open('POST', `/containers/${id}/attach`, {
      query: { stream: true, stdout: true, stderr: true },
      signal,
      within: PROMPT,
    });
  }

  /** Both outputs in frames, from the engine's log. */
  async logs(id: string, { follow, since }: LogRange, signal: AbortSignal): Promise<IncomingMessage> {
    return await this.open('GET', `/containers/${id}/logs`, { query: { stdout: true, stderr: true, follow, since }, signal });
  }

  /** Starts a container; has no effect on a started one. */
  async start(id: string): Promise<void> {
    await this.call('POST', `/containers/${id}/start`, { within: 120_000 });
  }

  /** Settles with the exit code when the container has ended; never if the engine is killed meanwhile. */
  async wait(id: string, signal: AbortSignal): Promise<number> {
    const { StatusCode } = await this.call<{ StatusCode: number }>('POST', `/containers/${id}/wait`, { signal, within: undefined });
    return StatusCode;
  }

  inspect(id: string): Promise<Inspected> {
    return this.call('GET', `/containers/${id}/json`);
  }

  list(labels: readonly string[]): Promise<readonly Listed[]> {
    return this.call('GET', '/containers/json', { query: { all: true, filters: JSON.stringify({ label: labels }) } });
  }

  /** Sends a signal. Has no effect on a container that does not run. */
  async kill(id: string, signal: NodeJS.Signals): Promise<void> {
    await this.unless([404, 409], this.call('POST', `/containers/${id}/kill`, { query: { signal } }));
  }

  /** Ends a running container, and removes it with its anonymous volumes. Has no effect if it does not exist or is being removed. */
  async remove(id: string): Promise<void> {
    await this.unless([404, 409], this.call('DELETE', `/containers/${id}`, { query: { force: true, v: true }, within: 60_000 }));
  }

  /** Pulls an image and reports the progress. */
  async *pull(image: string, signal: AbortSignal): AsyncGenerator<PullProgress> {
    const response = await this.open('POST', '/images/create', { query: imageQuery(image), signal });
    let text = '';
    for await (const bytes of bytesOf(response)) {
      const lines = (text + bytes.toString('utf8')).split('\n');
      text = lines.pop() as string;
      for (const line of lines) if (line.trim() !== '') yield JSON.parse(line) as PullProgress;
    }
    if (text.trim() !== '') yield JSON.parse(text) as PullProgress;
  }

  close(): void {
    this.connection.close();
  }

  private async call<T>(method: string, path: string, call: Call = {}): Promise<T> {
    return await this.connection.call(method, `/v${await this.apiVersion()}${path}`, call);
  }

  private async open(method: string, path: string, call: Call): Promise<IncomingMessage> {
    return await this.connection.open(method, `/v${await this.apiVersion()}${path}`, call);
  }

  /** The newest version that both sides know: engines refuse versions that are too old or unknown to them. */
  private apiVersion(): Promise<string> {
    this.version ??= this.connection.open('GET', '/_ping', { within: 10_000 }).then(response => {
      response.resume();
      const theirs = response.headers['api-version'];
      return typeof theirs === 'string' && isOlder(theirs, NEWEST) ? theirs : NEWEST;
    });
    this.version.catch(() => {
      this.version = undefined;
    });
    return this.version;
  }

  private async unless(statuses: readonly number[], call: Promise<unknown>): Promise<void> {
    try {
      await call;
    } catch (error) {
      if (!(error instanceof EngineRefusal) || !statuses.includes(error.status)) throw error;
    }
  }
}

function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map(text => text.split('.').map(Number)) as [number[], number[]];
  return (a[0] ?? 0) < (b[0] ?? 0) || (a[0] === b[0] && (a[1] ?? 0) < (b[1] ?? 0));
}

/** Without a tag the engine would pull all tags. */
function imageQuery(image: string): { fromImage: string; tag?: string } {
  if (image.includes('@')) return { fromImage: image };
  const [, name = image, tag = 'latest'] = /^(.*?)(?::([^:/]+))?$/.exec(image) ?? [];
  return { fromImage: name, tag };
}
