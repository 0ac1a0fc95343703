/** As many as may come back late at once; each takes about 100 bytes. */
const MOST = 100_000;

/**
 * The claims that the server itself has taken away because their clients were gone for too long. The line alone cannot tell: it
 * may end for somebody else just as its former runner says that it did. Beyond `most` the oldest are forgotten.
 */
export class Revocations {
  private readonly keys = new Set<string>();

  constructor(private readonly most = MOST) {}

  add(client: string, claim: number): void {
    this.keys.add(keyOf(client, claim));
    const [oldest] = this.keys;
    if (this.keys.size > this.most && oldest !== undefined) this.keys.delete(oldest);
  }

  has(client: string, claim: number): boolean {
    return this.keys.has(keyOf(client, claim));
  }
}

function keyOf(client: string, claim: number): string {
  return `${client} ${claim}`;
}
