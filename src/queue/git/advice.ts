import type { JobTable } from '../../job/job-table.js';
import { isWanted, tooBig } from '../../job/readiness.js';
import type { ClaimRequest } from '../queue.js';

/** Tells an asker what it should know about the jobs, each thing once however often they are read. */
export class Advice {
  private readonly told = new Set<string>();

  give(table: JobTable, { tell, ...asker }: ClaimRequest): void {
    if (tell === undefined) return;
    for (const [line, { column, message }] of table.problems) {
      if (isWanted(table.stateAt(line), line, asker) && this.isNews(`${line} ${message}`))
        tell({ kind: 'unusable', line, column, message });
    }
    if (asker.capacity === undefined) return;
    for (const line of tooBig(table, asker)) {
      const needs = table.directives.get(line)?.needs;
      if (needs && this.isNews(`${line} ${JSON.stringify(needs)}`)) tell({ kind: 'tooBig', line, needs });
    }
  }

  private isNews(what: string): boolean {
    const news = !this.told.has(what);
    this.told.add(what);
    return news;
  }
}
