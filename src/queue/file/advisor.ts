import { type Asker, isWanted, tooBig } from '../../job/readiness.js';
import type { ClaimRequest, QueueNotice } from '../queue.js';
import type { LineIndex } from './line-index.js';
import type { FileView } from './view.js';

/** Tells an asker what it should know about the file, each thing once however often the file is read. */
export class Advisor {
  private readonly told = new Set<string>();
  private version = -1;

  constructor(
    private readonly name: string,
    private readonly trustAny: boolean,
  ) {}

  /** Looks at each version of the file once: lines that are done, or held, are of no concern until they are set back. */
  advise(view: FileView, index: LineIndex, { tell, ...asker }: ClaimRequest): void {
    if (tell === undefined || view.version === this.version) return;
    this.version = view.version;
    if (view.writableByAll && !this.trustAny) this.tellOnce(tell, { kind: 'writable', name: this.name });
    for (const notice of noticesOf(index, asker)) this.tellOnce(tell, notice);
  }

  private tellOnce(tell: (notice: QueueNotice) => void, notice: QueueNotice): void {
    const what = JSON.stringify(notice);
    if (this.told.has(what)) return;
    this.told.add(what);
    tell(notice);
  }
}

/** What an asker should know about lines that it would otherwise run: that they cannot be, and why. */
export function* noticesOf(index: LineIndex, asker: Asker): Generator<QueueNotice> {
  for (const [line, { column, message }] of index.problems) {
    if (isWanted(index.stateAt(line), line, asker)) yield { kind: 'unusable', line, column, message };
  }
  if (asker.capacity === undefined) return;
  for (const line of tooBig(index, asker)) {
    const needs = index.directives.get(line)?.needs;
    if (needs) yield { kind: 'tooBig', line, needs };
  }
}
