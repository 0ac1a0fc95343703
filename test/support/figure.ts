/** Prints a figure that a test has measured, so that the output shows more than a pass. */
export function figure(...lines: readonly string[]): void {
  process.stdout.write(`${lines.map((line, at) => `${at === 0 ? '  → ' : '    '}${line}\n`).join('')}`);
}
