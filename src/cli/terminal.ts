/** Columns of the terminal now; a common width where there is none. */
export function terminalWidth(): number {
  return process.stdout.columns ?? 80;
}
