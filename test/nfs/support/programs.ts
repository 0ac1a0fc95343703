import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../../../bin/', import.meta.url));

/** Shell commands that run the built programs in a guest, with this host's node: guests see the same files at the same paths. */
const program =
  (name: string) =>
  (args: string): string =>
    `'${process.execPath}' '${BIN}${name}.js' ${args}`;

export const runmaker = program('runmaker');
export const runset = program('runset');
export const runwait = program('runwait');
