import { type Asker, isWanted, tooBig } from '../../job/readiness.js';
import type { ClaimRequest, QueueNotice } from '../queue.js';
import type { LineIndex } from './line-index.js';
import type { FileView } from './view.js';

/** Tells an asker what it should know about the file, each thing once however often the file is read. */
export class Advisor {
  private readonly told = new Set<string>();
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
    if (view.writableByAll && !this.trustAny) this.tellOnce(tell, { kind: 'writable', name: this.name });
    for (const notice of noticesOf(index, asker, growing)) this.tellOnce(tell, notice);
  }

  private tellOnce(tell: (notice: QueueNotice) => void, notice: QueueNotice): void {
    const what = JSON.stringify(notice);
    if (this.told.has(what)) return;
    this.told.add(what);
    tell(notice);
  }
}

/** What an asker should know about lines that it would otherwise run, all but one: that they cannot be, and why. */
export function* noticesOf(index: LineIndex, asker: Asker, except = 0): Generator<QueueNotice> {
  for (const [line, { column, message }] of index.problems) {
    if (line !== except && isWanted(index.stateAt(line), line, asker)) yield { kind: 'unusable', line, column, message };
  }
  if (asker.capacity === undefined) return;
  for (const line of tooBig(index, asker)) {
    const needs = index.directives.get(line)?.needs;
    if (needs && line !== except) yield { kind: 'tooBig', line, needs };
  }
}
