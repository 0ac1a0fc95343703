import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { eventually } from '../eventually.js';
import { SEARCH_PATH } from '../tags.js';

/** The image that tests run: busybox, and nothing else. */
export const IMAGE = 'busybox:test';

const environment = { ...process.env, PATH: SEARCH_PATH };

/** A private Docker Engine: in a folder, without network, for the tests of one file. */
export class Docker {
  readonly folder = mkdtempSync(path.join(os.tmpdir(), 'runmaker-docker-'));
  readonly socket = path.join(this.folder, 'docker.sock');
  readonly host = `unix://${this.socket}`;
  private child: ChildProcess | undefined;

  /** @param options of dockerd, besides those that isolate it */
  private constructor(private readonly options: readonly string[]) {
    writeFileSync(path.join(this.folder, 'daemon.json'), '{}');
  }

  /** Starts one, and loads the image. */
  static async start(options: readonly string[] = []): Promise<Docker> {
    const docker = new Docker(options);
    await docker.up();
    await docker.importImage();
    return docker;
  }

  /** Loads the image, also repeatedly. */
  async importImage(): Promise<void> {
    await this.call(
      'POST',
      `/images/create?fromSrc=-&repo=busybox&tag=test&changes=${encodeURIComponent('ENV PATH=/bin')}`,
      busyboxImage(this.folder),
    );
  }

  /** Starts the engine, or restarts it. */
  async up(): Promise<void> {
    const log = openSync(path.join(this.folder, 'log'), 'a');
    const own = ['daemon.json', 'data', 'exec', 'pid'].map(name => path.join(this.folder, name)) as [string, string, string, string];
    // The pid files of a killed engine and its containerd, which dies with it, would pass for a running one.
    for (const file of [own[3], path.join(own[2], 'containerd/containerd.pid')]) rmSync(file, { force: true });
    this.child = spawn(
      'dockerd',
      ['--config-file', own[0], '--data-root', own[1], '--exec-root', own[2], '--pidfile', own[3], '--host', this.host]
        .concat('--iptables=false', '--ip6tables=false', '--ip-forward=false', '--ip-masq=false', '--bridge=none')
        .concat('--exec-opt', 'native.cgroupdriver=cgroupfs', this.options),
      { stdio: ['ignore', log, log], env: environment },
    );
    await eventually('the engine answers', () => this.call('GET', '/_ping'), 30_000);
  }

  /** Stops the engine, and settles when it has exited. */
  async down(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise(resolve => child.once('exit', resolve));
    child.kill(signal);
    const late = setTimeout(() => child.kill('SIGKILL'), 20_000);
    await ended;
    clearTimeout(late);
  }

  /** Stops the engine for good, and leaves nothing behind. */
  async stop(): Promise<void> {
    await this.down();
    // The remains of a killed engine: the shims of its containers, its containerd, its mounts.
    for (const pid of processesOf(this.folder)) tryKill(pid);
    await eventually('all of the engine has ended', () => processesOf(this.folder).length === 0, 10_000);
    const mounts = readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .map(line => line.split(' ')[1] ?? '');
    for (const mount of mounts.filter(one => one.startsWith(this.folder)).reverse()) spawnSync('umount', ['-l', mount]);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  /** All containers, running or not: as `docker ps -a` shows them. */
  async containers(): Promise<
    { readonly Id: string; readonly State: string; readonly Command: string; readonly Labels: Record<string, string> }[]
  > {
    return JSON.parse(await this.call('GET', '/containers/json?all=1'));
  }

  /** A call of the engine's API. Rejects when the engine refuses it. */
  call(method: string, url: string, body?: Buffer | object): Promise<string> {
    const bytes = body === undefined || Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
    const type = Buffer.isBuffer(body) ? 'application/x-tar' : 'application/json';
    return new Promise((resolve, reject) => {
      const headers = bytes ? { 'content-type': type, 'content-length': bytes.length } : {};
      const asking = request({ socketPath: this.socket, method, path: url, headers }, async response => {
        let text = '';
        for await (const chunk of response) text += chunk;
        if ((response.statusCode ?? 0) < 400) resolve(text);
        else reject(new Error(text));
      });
      asking.once('error', reject);
      asking.end(bytes);
    });
  }
}

/** A file system with busybox under all of its names, as a tar archive. */
export function busyboxImage(folder: string): Buffer {
  const root = path.join(folder, 'image');
  for (const name of ['bin', 'tmp', 'etc', 'proc', 'sys', 'dev', 'root']) mkdirSync(path.join(root, name), { recursive: true });
  cpSync(execFileSync('sh', ['-c', 'command -v busybox'], { env: environment, encoding: 'utf8' }).trim(), path.join(root, 'bin/busybox'));
  for (const name of execFileSync('busybox', ['--list'], { env: environment, encoding: 'utf8' }).trim().split('\n'))
    if (name !== 'busybox') symlinkSync('busybox', path.join(root, 'bin', name));
  writeFileSync(path.join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  const tar = execFileSync('tar', ['-C', root, '-c', '.'], { maxBuffer: 64 * 1024 * 1024 });
  rmSync(root, { recursive: true });
  return tar;
}

/** Processes whose command line contains this folder. */
function processesOf(folder: string): number[] {
  return execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' })
    .split('\n')
    .filter(line => line.includes(folder))
    .map(line => Number.parseInt(line, 10));
}

function tryKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has exited.
  }
}
