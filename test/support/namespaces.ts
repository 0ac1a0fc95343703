import { execFileSync } from 'node:child_process';
import { onTestFinished } from 'vitest';

/** The reason printed for skipped tests. */
export const NEEDS_NAMESPACES = 'left out: only root, with iproute2, can make the network namespaces that this needs';

let able: boolean | undefined;

/** Whether this process may create network namespaces. */
export function canMakeNamespaces(): boolean {
  able ??= tryOne();
  return able;
}

/** A server's host and two others, each connected to it by its own cable. Removed after the test. */
export class Network {
  private readonly prefix = `rm${process.pid}${counter++}`;
  readonly hosts = ['a', 'b'] as const;

  constructor() {
    onTestFinished(() => this.remove());
    ip('netns', 'add', this.name('server'));
    ip('-n', this.name('server'), 'link', 'set', 'lo', 'up');
    this.hosts.forEach((host, at) => {
      const [here, there] = [this.name(host), `${this.prefix}${host}`];
      ip('netns', 'add', here);
      ip('-n', here, 'link', 'add', 'cable', 'type', 'veth', 'peer', 'name', there, 'netns', this.name('server'));
      ip('-n', here, 'address', 'add', `10.213.${at}.2/24`, 'dev', 'cable');
      ip('-n', this.name('server'), 'address', 'add', `10.213.${at}.1/24`, 'dev', there);
      ip('-n', here, 'link', 'set', 'cable', 'up');
      ip('-n', this.name('server'), 'link', 'set', there, 'up');
    });
  }

  /** The words that start a program on a host. */
  on(host: 'server' | 'a' | 'b'): [program: string, ...args: string[]] {
    return ['ip', 'netns', 'exec', this.name(host)];
  }

  /** The server's address as a host sees it. */
  serverFor(host: 'a' | 'b'): string {
    return `10.213.${this.hosts.indexOf(host)}.1`;
  }

  /** Pulls a host's cable, or puts it back. */
  cable(host: 'a' | 'b', state: 'up' | 'down'): void {
    ip('-n', this.name('server'), 'link', 'set', `${this.prefix}${host}`, state);
  }

  private name(host: string): string {
    return `${this.prefix}-${host}`;
  }

  private remove(): void {
    for (const host of ['server', ...this.hosts]) {
      try {
        ip('netns', 'delete', this.name(host));
      } catch {
        // It was never made.
      }
    }
  }
}

let counter = 0;

function ip(...args: string[]): void {
  execFileSync('ip', args, { timeout: 10_000, stdio: ['ignore', 'ignore', 'pipe'] });
}

function tryOne(): boolean {
  const name = `rm${process.pid}try`;
  try {
    ip('netns', 'add', name);
    ip('netns', 'delete', name);
    return true;
  } catch {
    return false;
  }
}
