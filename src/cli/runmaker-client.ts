import { isServed } from './options/access.js';
import type { Output } from './program/output.js';
import { runmaker } from './runmaker.js';

/** `runmaker-client`: `runmaker` for a queue on a server, named by the server's host. Returns the exit status. */
export function runmakerClient(argv: readonly string[], output: Output): Promise<number> {
  return runmaker(argv, output, {
    name: 'runmaker-client',
    description: 'Claim jobs of a runmaker-server and run them.',
    argument: ['<server>', 'host or host:port of the server'],
    queueOf: server => (isServed(server) ? server : `tcp://${server}`),
  });
}
