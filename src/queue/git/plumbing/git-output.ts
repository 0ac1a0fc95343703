import { StringDecoder } from 'node:string_decoder';

/** Characters of git's output to keep: the last ones, where the reason stands. */
const KEPT = 65_536;

/** git's messages, without its progress. */
export class GitOutput {
  private readonly decoder = new StringDecoder('utf8');
  private whole = '';
  private begun = '';

  take(bytes: Buffer): void {
    const lines = (this.begun + this.decoder.write(bytes)).split(/(?<=[\r\n])(?=[^\r\n])/);
    this.begun = (lines.pop() as string).slice(-KEPT);
    // The next output overwrites progress, whose lines end with CR only. Those of ssh end with both.
    this.whole = (this.whole + lines.filter(line => line.includes('\n')).join('')).slice(-KEPT);
  }

  get text(): string {
    return this.whole + this.begun;
  }
}
