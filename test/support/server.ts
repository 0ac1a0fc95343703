import { readFileSync } from 'node:fs';
import { onTestFinished } from 'vitest';
import { type Background, startInBackground } from './background.js';
import type { Workbench } from './bench.js';
import { eventually } from './eventually.js';

/** A runmaker-server as a separate process. Its outputs go to `server.out` and `server.err` of the bench. */
export interface ServerProcess {
  readonly process: Background;
  readonly port: number;
  readonly url: string;
  readonly token: string;
}

/** Starts one on the bench's runs file, and waits until it serves. Its token is kept in the bench's folder. */
export async function startServer(bench: Workbench, args: readonly string[] = [], port = 0): Promise<ServerProcess> {
  const outputs = { stdout: bench.path('server.out'), stderr: bench.path('server.err') };
  const before = bench.lines('server.out').length;
  const process = startInBackground(
    'runmaker-server',
    ['--host', '127.0.0.1', '-p', String(port), '-t', bench.path('token'), ...args, bench.runs],
    { cwd: bench.folder, ...outputs },
  );
  const served = await eventually('the server serves', () => {
    if (!process.isAlive) throw new Error(bench.read('server.err'));
    return /serving .* on 127\.0\.0\.1:(\d+)/.exec(bench.lines('server.out').slice(before).join('\n'));
  });
  const listening = Number(served[1]);
  return { process, port: listening, url: `tcp://127.0.0.1:${listening}`, token: readFileSync(bench.path('token'), 'utf8').trim() };
}

/** A runmaker on a served queue. Its outputs go to `NAME.out` and `NAME.err`. */
export function startClient(bench: Workbench, name: string, url: string, args: readonly string[] = []): Background {
  const outputs = { stdout: bench.path(`${name}.out`), stderr: bench.path(`${name}.err`) };
  const client = startInBackground('runmaker', ['--tokenfile', bench.path('token'), ...args, url], { cwd: bench.folder, ...outputs });
  onTestFinished(() => client.signal('SIGKILL'));
  return client;
}
