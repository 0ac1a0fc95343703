import { Advice, noticesOf } from '../../advice.js';
import type { ClaimRequest } from '../../queue.js';
import type { FileView } from '../reading/file-view.js';
import type { LineIndex } from '../reading/line-index.js';

/** Tells an asker what it should know about the file, each thing once however often the file is read. */
export class ClaimNotices {
  private readonly advice = new Advice();
  private version = -1;
  private growing = 0;

  constructor(
    private readonly name: string,
    private readonly trustAny: boolean,
  ) {}

  /**
   * Looks at each version of the file once: lines that are done, or held, are of no concern until they are set back.
   * @param growing a line of which nobody knows yet what it will say; 0: none
   */
  advise(view: FileView, index: LineIndex, growing: number, { tell, ...asker }: ClaimRequest): void {
    if (tell === undefined || (view.version === this.version && growing === this.growing)) return;
    this.version = view.version;
    this.growing = growing;
    if (view.writableByAll && !this.trustAny) this.advice.give([{ kind: 'writable', name: this.name }], tell);
    this.advice.give(noticesOf(index, asker, growing), tell);
  }
}
