/** Prints what a test has measured, so that a reader of its output can judge more than that it has passed. */
export function figure(...lines: readonly string[]): void {
  process.stdout.write(`${lines.map((line, at) => `${at === 0 ? '  → ' : '    '}${line}\n`).join('')}`);
}
