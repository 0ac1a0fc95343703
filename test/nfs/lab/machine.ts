import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SEARCH_PATH } from '../../support/tags.js';
import { Agent, type Command, type Ended } from './agent.js';
import { type BootFiles, GUEST_FOLDER } from './boot-files.js';
import { tellQemu } from './monitor.js';

/** The settings in which a guest differs from the others. */
export interface MachinePlan {
  readonly name: string;
  /** Its state: sockets, console, and the folder for commands and results. Survives a power-off. */
  readonly folder: string;
  /** A folder outside NFS that all guests see, at /record. */
  readonly record: string;
  readonly boot: BootFiles;
  /** QEMU's options for its network card and disk. */
  readonly hardware: readonly string[];
  /** For the guest's scripts, beside LAB_HOST. */
  readonly environment: Readonly<Record<string, string>>;
  /** Seconds after which the machine is shut down in any case. */
  readonly lifetime: number;
}

const MEGABYTES = 640;
/** Emulation of three machines on two busy cores is slow. */
const BOOT_PATIENCE = 120_000;

/**
 * Without no_timer_check the kernel counts timer ticks in a loop of fixed length, finds too few if the emulator had to wait for a
 * CPU meanwhile, and panics: "IO-APIC + timer doesn't work".
 */
const KERNEL_PARAMETERS = 'console=ttyS0 quiet panic=-1 no_timer_check random.trust_cpu=on mitigations=off';

/** A virtual machine: an NFS server or client that can be switched off without warning. */
export class Machine {
  readonly name: string;
  /** The folder that is /exchange in the guest. */
  readonly exchange: string;
  private process: ChildProcess | undefined;
  private agent: Agent | undefined;
  private bootedBefore = false;

  constructor(private readonly plan: MachinePlan) {
    this.name = plan.name;
    this.exchange = join(plan.folder, 'exchange');
    mkdirSync(this.exchange, { recursive: true });
  }

  get isOn(): boolean {
    return this.process !== undefined;
  }

  /** Switches it on, and waits until it accepts commands. @param more environment variables, for this boot */
  async boot(more: Readonly<Record<string, string>> = {}): Promise<void> {
    if (this.process) throw new Error(`${this.name} is on`);
    const { folder } = this.plan;
    for (const file of ['pid', 'agent', 'monitor']) rmSync(join(folder, file), { force: true });
    const log = openSync(join(folder, 'qemu.log'), 'a');
    const limit = ['--signal=KILL', String(this.plan.lifetime), 'qemu-system-x86_64'];
    const started = spawn('timeout', [...limit, ...this.options(more)], {
      stdio: ['ignore', log, log],
      env: { ...process.env, PATH: SEARCH_PATH },
    });
    closeSync(log);
    this.process = started;
    started.once('exit', () => {
      this.process = undefined;
    });
    this.bootedBefore = true;
    this.agent = new Agent(this.name, join(folder, 'agent'), this.exchange);
    try {
      await Promise.race([this.agent.isUp(BOOT_PATIENCE), exitOf(started)]);
      if (!this.isOn) throw new Error('QEMU has ended');
    } catch (cause) {
      const last = ['qemu.log', 'console', 'exchange/boot.log'].map(file => tail(join(folder, file))).join('\n');
      await this.powerOff();
      throw new Error(`${this.name} did not come up\n${last}`, { cause });
    }
  }

  /** Cuts the power: the machine stops immediately, without notice to others. */
  async powerOff(): Promise<void> {
    const { process: running } = this;
    if (running === undefined) return;
    const gone = exitOf(running);
    // The id of QEMU itself; the started process is the timeout around it, which ends with it.
    process.kill(Number(readFileSync(join(this.plan.folder, 'pid'), 'utf8')), 'SIGKILL');
    await gone;
    this.agent?.close();
  }

  /** Starts a shell command, with a time limit of `within` seconds. */
  start(command: string, { within = 60 }: { within?: number } = {}): Command {
    if (this.agent === undefined) throw new Error(`${this.name} is off`);
    return this.agent.start(command, within);
  }

  /** Runs a shell command to its end. */
  run(command: string, options: { within?: number } = {}): Promise<Ended> {
    return this.start(command, options).ended;
  }

  /** Runs a shell command that must succeed, and returns its output. */
  async do(command: string, options: { within?: number } = {}): Promise<string> {
    const { status, stdout, stderr } = await this.run(command, options);
    if (status !== 0) throw new Error(`${this.name}: ${command}: exit ${status}\n${stdout}${stderr}`);
    return stdout;
  }

  /** Makes QEMU act on the machine from outside. */
  async tell(command: string, args: Readonly<Record<string, unknown>>): Promise<void> {
    await tellQemu(join(this.plan.folder, 'monitor'), command, args);
  }

  private options(more: Readonly<Record<string, string>>): string[] {
    const { folder, record, boot, hardware } = this.plan;
    const environment = { LAB_HOST: this.name, LAB_FIRST_BOOT: this.bootedBefore ? 'no' : 'yes', ...this.plan.environment, ...more };
    const settings = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    const socket = (name: string) => `path=${join(folder, name)},server=on,wait=off`;
    return [
      // Without the newer vector instructions, which are expensive to emulate.
      ...['-accel', 'tcg,thread=multi,tb-size=256', '-cpu', 'Nehalem,+rdrand', '-machine', 'pc', '-m', `${MEGABYTES}`, '-smp', '1'],
      ...['-display', 'none', '-nodefaults', '-no-reboot', '-pidfile', join(folder, 'pid')],
      ...['-serial', `file:${join(folder, 'console')}`, '-qmp', `unix:${join(folder, 'monitor')},server=on,wait=off`],
      ...['-kernel', boot.kernel, '-initrd', boot.initramfs],
      ...['-append', [KERNEL_PARAMETERS, ...settings].join(' ')],
      ...['-chardev', `socket,id=agent,${socket('agent')}`, '-device', 'virtio-serial-pci', '-device', 'virtserialport,chardev=agent'],
      ...share('host', '/', 'readonly=on'),
      ...share('packages', boot.packages, 'readonly=on'),
      ...share('guest', GUEST_FOLDER, 'readonly=on'),
      ...share('exchange', this.exchange),
      ...share('record', record),
      ...hardware,
    ];
  }
}

function share(tag: string, path: string, ...more: string[]): string[] {
  const options = [`local,id=${tag}`, `path=${path}`, 'security_model=none', 'multidevs=remap', ...more];
  return ['-fsdev', options.join(), '-device', `virtio-9p-pci,fsdev=${tag},mount_tag=${tag}`];
}

async function exitOf(running: ChildProcess): Promise<void> {
  if (running.exitCode === null && running.signalCode === null) await once(running, 'exit');
}

function tail(path: string): string {
  try {
    return `--- ${path}\n${readFileSync(path, 'utf8').split('\n').slice(-15).join('\n')}`;
  } catch {
    return '';
  }
}
