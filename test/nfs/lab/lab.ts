import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { bootFiles } from './boot-files.js';
import { Machine } from './machine.js';
import { whatIsMissing } from './requirements.js';
import { tool } from './tool.js';

/** The hosts that mount what the server exports. */
export const CLIENTS = ['alice', 'bob'] as const;
export type Client = (typeof CLIENTS)[number];

/** The versions of NFS by which the clients mount the same files, each at its own mount point. */
export const VERSIONS = ['3', '4.2'] as const;
export type Version = (typeof VERSIONS)[number];

/** Settings of a lab before boot. Seconds. */
export interface LabOptions {
  /** How long an NFSv4 client may stay silent before it loses its locks. */
  readonly lease?: number;
  /** How long clients may reclaim their locks after the server has restarted. */
  readonly grace?: number;
  /** After this the machines are shut down in any case. */
  readonly lifetime?: number;
}

const DISK_BYTES = '256M';
/** The exported folder, on the server. */
const EXPORTED = '/srv';

/** An NFS server and two clients, connected only by unix datagram sockets. */
export class Lab {
  private constructor(
    private readonly folder: string,
    readonly server: Machine,
    readonly clients: Readonly<Record<Client, Machine>>,
  ) {}

  get alice(): Machine {
    return this.clients.alice;
  }

  get bob(): Machine {
    return this.clients.bob;
  }

  /** Boots the three machines, and mounts the server's files on both clients by each version. */
  static async start({ lease = 10, grace = 10, lifetime = 900 }: LabOptions = {}): Promise<Lab> {
    const missing = whatIsMissing();
    if (missing !== undefined) throw new Error(`the NFS lab cannot be started: ${missing}`);
    const boot = await bootFiles();
    // A short path: the names of unix sockets have at most 107 bytes.
    const folder = mkdtempSync(join(tmpdir(), 'runmaker-nfs-'));
    const record = join(folder, 'record');
    mkdirSync(record);
    const plan = (name: string, hardware: readonly string[]) => ({
      name,
      folder: join(folder, name),
      record,
      boot,
      hardware,
      environment: { LAB_LEASE: String(lease), LAB_GRACE: String(grace) },
      lifetime,
    });
    const server = new Machine(plan('server', [...serverLinks(folder), ...disk(join(folder, 'disk'))]));
    const [alice, bob] = CLIENTS.map((name, at) => new Machine(plan(name, clientLink(folder, name, at)))) as [Machine, Machine];
    const lab = new Lab(folder, server, { alice, bob });
    try {
      await Promise.all([server, alice, bob].map(machine => machine.boot()));
      for (const version of VERSIONS) await lab.mount(version, version);
      return lab;
    } catch (error) {
      await lab.stop();
      throw error;
    }
  }

  /** Switches all machines off and removes them. */
  async stop(): Promise<void> {
    await Promise.all([this.server, this.alice, this.bob].map(machine => machine.powerOff()));
    if (process.env.RUNMAKER_NFS_KEEP === undefined) rmSync(this.folder, { recursive: true, force: true });
    else process.stdout.write(`the lab's files are in ${this.folder}\n`);
  }

  /** Mounts the server's files on both clients, at a place under /nfs. */
  async mount(place: string, version: Version, options = ''): Promise<void> {
    await Promise.all(
      CLIENTS.map(client => this.clients[client].do(`bash /guest/mount.sh ${place} ${version} ${options}`, { within: 100 })),
    );
  }

  /** Drops all traffic to and from a client from now on. The client itself sees nothing of that. */
  async cut(client: Client): Promise<void> {
    await this.server.tell('set_link', { name: client, up: false });
  }

  /** Restores all traffic. The client reconnects at once; TCP by itself would retry after a minute or so. */
  async mend(client: Client): Promise<void> {
    await this.server.tell('set_link', { name: client, up: true });
    await this.clients[client].do('ss --kill dst server');
  }

  /**
   * Cuts the server's power and boots it again.
   * @param notify whether NFSv3 clients are notified, so that they reclaim their locks; otherwise they lose them unknowingly
   */
  async restartServer({ notify }: { notify: boolean }): Promise<void> {
    await this.server.powerOff();
    await this.server.boot({ LAB_NOTIFY: notify ? 'yes' : 'no' });
  }

  /** Writes a file on the server's disk, where clients have not looked yet. Returns its path on the clients, below the given mount point. */
  async put(place: string, name: string, content: string): Promise<string> {
    writeFileSync(join(this.server.exchange, name), content);
    await this.server.do(`cp /exchange/${name} ${EXPORTED}/${name} && chmod 644 ${EXPORTED}/${name} && sync`);
    return `/nfs/${place}/${name}`;
  }

  /** A file as it is on the server's disk, which is authoritative. */
  async get(path: string): Promise<string> {
    return await this.server.do(`cat ${EXPORTED}/${basename(path)}`);
  }

  /** The folder outside NFS that all guests see as /record. */
  get recordRoot(): string {
    return join(this.folder, 'record');
  }
}

const macOf = (at: number): string => `52:54:00:4e:46:${at.toString(16).padStart(2, '0')}`;

function wire(folder: string, id: string, from: string, to: string): string {
  const end = (side: string, name: string) => `${side}.type=unix,${side}.path=${join(folder, name)}`;
  return ['dgram', `id=${id}`, end('local', `${from}-${to}`), end('remote', `${to}-${from}`)].join();
}

/** The server's card and the wires of both clients meet in a hub, which can cut each wire by name. */
function serverLinks(folder: string): string[] {
  const wires = CLIENTS.flatMap(client => [
    ...['-netdev', wire(folder, client, 'server', client)],
    ...['-netdev', `hubport,id=hub-${client},hubid=0,netdev=${client}`],
  ]);
  return [...wires, '-netdev', 'hubport,id=card,hubid=0', '-device', `virtio-net-pci,netdev=card,mac=${macOf(0)}`];
}

function clientLink(folder: string, client: Client, at: number): string[] {
  return ['-netdev', wire(folder, 'card', client, 'server'), '-device', `virtio-net-pci,netdev=card,mac=${macOf(at + 1)}`];
}

/** Writes go to this host's memory: they survive a power-off of the guest, and take no time. */
function disk(path: string): string[] {
  tool('mkfs.ext4', ['-q', path, DISK_BYTES]);
  return ['-drive', `file=${path},format=raw,if=virtio,cache=unsafe`];
}
