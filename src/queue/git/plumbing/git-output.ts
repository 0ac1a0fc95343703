import { StringDecoder } from 'node:string_decoder';

/** So much of what git says is kept, in characters: the last of it, where the reason stands. */
const KEPT = 65_536;

/** What git says while it works, without its progress. */
export class GitOutput {
  private readonly decoder = new StringDecoder('utf8');
  private whole = '';
  private begun = '';

  take(bytes: Buffer): void {
    const lines = (this.begun + this.decoder.write(bytes)).split(/(?<=[\r\n])(?=[^\r\n])/);
    this.begun = (lines.pop() as string).slice(-KEPT);
    // Progress is written over by what comes next: its lines have no other end. Those of ssh end with both.
    this.whole = (this.whole + lines.filter(line => line.includes('\n')).join('')).slice(-KEPT);
  }

  get text(): string {
    return this.whole + this.begun;
  }
}
