/** What Slurm runs: one script for all elements of an array, and a file with a line of shell for each. Pure. */

/** What one element of an array runs. */
export interface Element {
  /** Byte for byte. */
  readonly command: Buffer;
  readonly environment: Readonly<Record<string, string>>;
  readonly directory: string;
  readonly shell: string;
}

/** Files in an array's folder. Those of an element begin with its index. */
export const FILES = { lines: 'jobs', script: 'job.sh', facts: 'array.json', id: 'id' } as const;

/**
 * The element's line of shell, without its end: it sets the variables, changes to the folder, and becomes the job's shell. It contains no
 * line feed, and all bytes of the command.
 */
export function lineOf({ command, environment, directory, shell }: Element): Buffer {
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${quoted(bytesOf(value))}`);
  const setting = variables.length > 0 ? `export ${variables.join(' ')}; ` : '';
  const line = `${setting}cd ${quoted(bytesOf(directory))} && exec ${quoted(bytesOf(shell))} -c ${quoted(command.toString('latin1'))}`;
  return Buffer.from(line, 'latin1');
}

/**
 * The script of an array. An element runs once, even if submitted twice: only the first to create its folder runs. Its exit status is
 * renamed into place when its job has ended, so that a reader finds all of it or nothing.
 * @param folder of the array, visible to all nodes under this path
 */
export function scriptFor(folder: string): string {
  return `#!/bin/sh
nl='
'
dir=${quoted(folder)}
i=$SLURM_ARRAY_TASK_ID
mkdir "$dir/$i.begun$SLURM_RESTART_COUNT" 2> /dev/null || exit 0
printf '%s\\n' "\${SLURMD_NODENAME:-$(hostname)}" > "$dir/$i.begun$SLURM_RESTART_COUNT/node"
line=$(LC_ALL=C sed -n "\${i}p" "$dir/${FILES.lines}")
end() {
  printf '%s\\n' "$1" > "$dir/$i.exit.new" && mv "$dir/$i.exit.new" "$dir/$i.exit"
  exit "$1"
}
# The job's shell gets the signal too, and says how it took it.
trap : TERM INT HUP USR1 USR2
(trap - TERM INT HUP USR1 USR2; eval "$line") < /dev/null &
job=$!
wait "$job"
code=$?
while kill -0 "$job" 2> /dev/null; do
  wait "$job"
  code=$?
done
end "$code"
`;
}

/** Text as bytes, one character per byte, because it is joined with commands in any encoding. */
function bytesOf(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** In single quotes, for a shell where the variable `nl` holds a line feed: the line must not end. */
function quoted(bytes: string): string {
  return `'${bytes.replaceAll("'", "'\\''").replaceAll('\n', '\'"$nl"\'')}'`;
}
