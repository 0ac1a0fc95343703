/** The channel for a change that a client waits for. */
export function channelOf(queue: string): string {
  return `${root(queue)}:news`;
}

/** The keys of a queue, in every script's order. They share a hash tag, so that a cluster keeps them on one node. */
export function keysOf(queue: string, client: string): string[] {
  const parts = ['states', 'text', 'ends', 'marks', 'stamps', 'claims', 'handles', 'leases', `reply:${client}`];
  return [root(queue), ...parts.map(part => `${root(queue)}:${part}`)];
}

function root(queue: string): string {
  return `runmaker:{${queue}}`;
}
