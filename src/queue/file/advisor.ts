import { tooBig } from '../../job/readiness.js';
import type { ClaimRequest } from '../queue.js';
import type { LineIndex } from './line-index.js';

/** Tells an asker what it should know about the file, each thing once however often the file is read. */
export class Advisor {
  private readonly told = new Set<string>();
  private generation = -1;

  /** @param generation of the index: nothing is looked at twice */
  advise(generation: number, index: LineIndex, { tell, ...asker }: ClaimRequest): void {
    if (tell === undefined || generation === this.generation) return;
    this.generation = generation;
    for (const [line, { column, message }] of index.problems) {
      if (this.isNews(`${line} ${message}`)) tell({ kind: 'unusable', line, column, message });
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
