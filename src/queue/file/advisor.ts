import { isWanted, tooBig } from '../../job/readiness.js';
import type { ClaimRequest } from '../queue.js';
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
    if (view.writableByAll && !this.trustAny && this.isNews('writable')) tell({ kind: 'writable', name: this.name });
    for (const [line, { column, message }] of index.problems) {
      if (isWanted(index.stateAt(line), line, asker) && this.isNews(`${line} ${message}`))
        tell({ kind: 'unusable', line, column, message });
    }
    if (asker.capacity === undefined) return;
    for (const line of tooBig(index, asker)) {
      const needs = index.directives.get(line)?.needs;
      if (needs && this.isNews(`${line} ${JSON.stringify(needs)}`)) tell({ kind: 'tooBig', line, needs });
    }
  }

  private isNews(what: string): boolean {
    const news = !this.told.has(what);
    this.told.add(what);
    return news;
  }
}
