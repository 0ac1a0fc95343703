import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFileSync, chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

/** The configuration of a test's Slurm. */
export interface SlurmSetup {
  readonly nodes?: number;
  /** Of each node. */
  readonly cpus?: number;
  /** Further lines of slurm.conf. */
  readonly more?: string;
}

/** A private Slurm: a controller and several virtual nodes on this host, all in one folder. */
export class Slurm {
  readonly folder = mkdtempSync(join(tmpdir(), 'runmaker-slurm-'));
  /** The environment that its users need. */
  readonly env = { SLURM_CONF: join(this.folder, 'slurm.conf') };
  private readonly daemons: ChildProcess[] = [];
  private controller: ChildProcess | undefined;
  private readonly nodes: number;

  private constructor({ nodes = 2, cpus = 4, more = '' }: SlurmSetup) {
    this.nodes = nodes;
    for (const name of ['munge', 'state', 'log', ...this.names.map(node => `spool.${node}`)]) mkdirSync(join(this.folder, name));
    chmodSync(this.folder, 0o755);
    chmodSync(join(this.folder, 'munge'), 0o755);
    writeFileSync(join(this.folder, 'munge', 'key'), randomBytes(128), { mode: 0o600 });
    writeFileSync(this.env.SLURM_CONF, this.configuration(cpus, more));
  }

  /** Starts one, and waits until its nodes are idle. */
  static async start(setup: SlurmSetup = {}): Promise<Slurm> {
    const slurm = new Slurm(setup);
    const munge = join(slurm.folder, 'munge');
    const files = ['key', 'socket', 'pid', 'log', 'seed'].map(name => `--${name}${name === 'socket' ? '' : '-file'}=${join(munge, name)}`);
    slurm.daemons.push(slurm.run('munged', ['--foreground', '--force', ...files]));
    await until('munged is up', () => existsSync(join(munge, 'socket')));
    slurm.startController(true);
    for (const node of slurm.names) slurm.daemons.push(slurm.run('slurmd', ['-D', '-N', node]));
    await until('the nodes are idle', () => new RegExp(`^idle ${slurm.nodes}$`, 'm').test(slurm.call('sinfo', ['-h', '-o', '%T %D'])));
    return slurm;
  }

  get names(): string[] {
    return Array.from({ length: this.nodes }, (_, at) => `n${at + 1}`);
  }

  /** The output of one of Slurm's commands. */
  call(program: string, args: readonly string[]): string {
    return spawnSync(program, args, { env: { ...process.env, ...this.env }, encoding: 'utf8', timeout: 20_000 }).stdout ?? '';
  }

  /** Restarts the controller, with the jobs that it had. */
  startController(clean = false): void {
    this.controller = this.run('slurmctld', ['-D', ...(clean ? ['-c'] : [])]);
  }

  /** Kills the controller, like a crash. */
  async stopController(): Promise<void> {
    await ended(this.controller, 'SIGKILL');
  }

  async stop(): Promise<void> {
    this.call('scancel', ['--user=root']);
    await setTimeout(500);
    for (const daemon of [this.controller, ...this.daemons.reverse()]) await ended(daemon, 'SIGTERM');
    rmSync(this.folder, { recursive: true, force: true });
  }

  private run(program: string, args: readonly string[]): ChildProcess {
    const child = spawn(program, args, { env: { ...process.env, ...this.env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const log = join(this.folder, 'log', `${program}.out`);
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes: Buffer) => appendFileSync(log, bytes));
    return child;
  }

  private configuration(cpus: number, more: string): string {
    const { folder } = this;
    const [host] = hostname().split('.') as [string];
    // Other test runs may use this host at the same time.
    const port = 20_000 + (process.pid % 20_000);
    const nodes = this.names.map(
      (name, at) =>
        `NodeName=${name} NodeHostname=${host} NodeAddr=127.0.0.1 Port=${port + 1 + at} CPUs=${cpus} RealMemory=4096 State=UNKNOWN`,
    );
    return `ClusterName=test
SlurmctldHost=${host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=${folder}/munge/socket
CryptoType=crypto/munge
SlurmctldPort=${port}
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool.%n
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd.%n.pid
SlurmctldLogFile=${folder}/log/slurmctld.log
SlurmdLogFile=${folder}/log/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_min_interval=1000
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
MinJobAge=300
KillWait=2
SlurmdParameters=config_overrides
GresTypes=gpu
${more}
${nodes.join('\n')}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP DefMemPerCPU=100
`;
  }
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (const end = performance.now() + 30_000; !holds(); await setTimeout(100)) {
    if (performance.now() > end) throw new Error(`${what} not within 30 s`);
  }
}

async function ended(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise(resolve => child.once('exit', resolve));
  child.kill(signal);
  await Promise.race([gone, setTimeout(5000).then(() => child.kill('SIGKILL'))]);
}
