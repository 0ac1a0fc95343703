import { connectSoon, onLines } from './line-socket.js';

const PATIENCE = 10_000;

interface Answer {
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
}

/** Makes QEMU act on a running machine, over its machine protocol (QMP): a greeting, then a line of JSON each way. */
export async function tellQemu(socketPath: string, command: string, args: Readonly<Record<string, unknown>>): Promise<void> {
  const socket = await connectSoon(socketPath, PATIENCE);
  try {
    await new Promise<void>((resolve, reject) => {
      socket.setTimeout(PATIENCE, () => reject(new Error(`QEMU does not answer to ${command}`)));
      socket.once('error', reject);
      let answers = 0;
      onLines(socket, line => {
        const answer = JSON.parse(line) as Answer;
        if (answer.error) reject(new Error(`${command}: ${answer.error.desc}`));
        else if (answer.return !== undefined && ++answers === 2) resolve();
      });
      for (const order of [{ execute: 'qmp_capabilities' }, { execute: command, arguments: args }])
        socket.write(`${JSON.stringify(order)}\n`);
    });
  } finally {
    socket.destroy();
  }
}
