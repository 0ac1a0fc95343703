// Bundles each program into one file: Node spends more time on finding and linking a hundred small modules than on running them.
// What a program may never come to need is a chunk of its own, loaded when it is needed.
import { defineConfig } from 'rolldown';

/** commander can start subcommands as programs of their own. Ours have none, and node:child_process takes 3 ms to load. */
const noSubcommands = {
  name: 'no-subcommands',
  resolveId: (source, importer) => (source === 'node:child_process' && importer?.includes('/commander/') ? '\0no-subcommands' : null),
  load: id => (id === '\0no-subcommands' ? 'export {};' : null),
};

const programs = {
  runmaker: 'src/cli/start/runmaker.ts',
  'runmaker-client': 'src/cli/start/runmaker-client.ts',
  'runmaker-server': 'src/cli/start/runmaker-server.ts',
  runset: 'src/cli/start/runset.ts',
  runwait: 'src/cli/start/runwait.ts',
  // Started by runset --doctor as a process of its own.
  probe: 'src/queue/file/doctor/probe.ts',
  // Started by queues in Redis as a thread of its own.
  'lease-thread': 'src/queue/redis/presence/lease-thread.js',
};

export default Object.entries(programs).map(([program, source]) =>
  defineConfig({
    input: { [program]: source },
    platform: 'node',
    external: ['koffi', 'fs-ext'],
    // Chunks may import what they need from the program's own file.
    preserveEntrySignatures: 'allow-extension',
    plugins: [noSubcommands],
    output: {
      dir: 'dist/programs',
      entryFileNames: '[name].js',
      chunkFileNames: `${program}-[name].js`,
      // Names stay as they are, for the stack traces of --debug.
      minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
    },
  }),
);
