import { RunmakerError } from '../../errors.js';

/** The last known identity of a queue, and its number of changes. */
export class Sightings {
  /** Identifies this creation of the queue; undefined until seen. */
  generation: string | undefined;
  /** Grows with each change. */
  seq = -1;
  /** Grows with each change noticed. */
  count = 0;

  /** @param tell receives messages for the user · @param lines how many lines are known */
  constructor(
    private readonly name: string,
    private readonly tell: (message: string, hint: string) => void,
    private readonly lines: () => number,
  ) {}

  /**
   * Notes Redis's current answer, '' for a missing queue.
   * @throws RunmakerError `queue` when it is another queue than before
   */
  note(generation: string, seq: number): void {
    const before = this.generation;
    if (before !== undefined && generation !== before) {
      this.generation = generation === '' ? undefined : generation;
      this.noteSeq(seq);
      throw new RunmakerError('queue', `${this.name}: Redis has lost the queue: ${this.loss(generation)}`, {
        hint: 'it was restarted without appendonly, or flushed: set "appendonly yes", and append the jobs again',
      });
    }
    if (generation !== '') this.generation = generation;
    if (before !== undefined && seq < this.seq) {
      this.tell(
        `${this.name}: Redis came back without changes that it had confirmed, at least ${this.seq - seq}`,
        'jobs that were claimed or ended meanwhile may be run again; with "appendonly yes" Redis keeps what it has confirmed',
      );
    }
    this.noteSeq(seq);
  }

  noteSeq(seq: number): void {
    if (seq === this.seq) return;
    this.seq = seq;
    this.count++;
  }

  private loss(generation: string): string {
    const lines = this.lines();
    const what = lines > 0 ? `its ${lines} lines are gone` : 'it is gone';
    return generation === '' ? what : `${what}, and another one is in its place`;
  }
}
