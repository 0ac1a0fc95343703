import { RunmakerError } from '../../../errors.js';
import { Advice, noticesOf } from '../../advice.js';
import type { ClaimRequest, QueueNotice } from '../../queue.js';
import type { FileView } from '../reading/file-view.js';
import type { LineIndex } from '../reading/line-index.js';

/** What a file is trusted with. */
export interface TrustOptions {
  /** Nothing is said about a file that every user of the host may write. */
  readonly trustAny: boolean;
  /** Why it is not known whether locks keep other hosts out; undefined where they do. */
  readonly unproven: string | undefined;
}

/** Tells an asker what it should know about the file, each thing once however often the file is read. */
export class ClaimNotices {
  private readonly advice = new Advice();
  private version = -1;
  private growing = 0;

  constructor(
    private readonly name: string,
    private readonly trust: TrustOptions,
  ) {}

  /**
   * Looks at each version of the file once: lines that are done, or held, are of no concern until they are set back.
   * @param growing a line of which nobody knows yet what it will say; 0: none
   */
  advise(view: FileView, index: LineIndex, growing: number, { tell, ...asker }: ClaimRequest): void {
    if (tell === undefined || (view.version === this.version && growing === this.growing)) return;
    this.version = view.version;
    this.growing = growing;
    const { trustAny, unproven } = this.trust;
    if (unproven !== undefined) this.advice.give([describeUnproven(this.name, unproven)], tell);
    if (view.writableByAll && !trustAny) this.advice.give([{ kind: 'writable', name: this.name }], tell);
    this.advice.give(noticesOf(index, asker, growing), tell);
  }
}

function describeUnproven(name: string, detail: string): QueueNotice {
  return {
    kind: 'news',
    message: `${name} lies on a filesystem whose locks may not keep other hosts out: ${detail}`,
    hint: `run on two hosts: runset --doctor --peer ${name}; if this is the only host, or they exclude each other, pass --unsafe-locks`,
  };
}

/** Where locks may be granted to every host, a job that runs on another one looks like an orphan. */
export function refuseToReclaim(path: string, unproven: string): RunmakerError {
  return new RunmakerError('queue', `${path}: jobs are not reclaimed where it is not known whether locks reach other hosts: ${unproven}`, {
    hint: `run on two hosts: runset --doctor --peer ${path}; if both find that they exclude each other, pass --unsafe-locks`,
  });
}
