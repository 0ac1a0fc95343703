import { amount } from '../../../job/amount.js';
import { selectionFromWire } from '../../../wire/job-form.js';
import type { Answer, FromClient } from '../../../wire/messages.js';
import type { Change, Session } from '../sessions/session.js';
import { AppendBuffer } from './append-buffer.js';
import type { JobLists } from './job-lists.js';
import type { RequestContext } from './request-context.js';

type Of<T extends FromClient['type']> = Extract<FromClient, { type: T }>;
type ChangeRequest = Of<'set' | 'append' | 'reclaim'>;

/** Makes the changes that a client asks for, each once. */
export class ChangeRequests {
  private readonly appends: AppendBuffer;

  constructor(
    private readonly session: Session,
    private readonly lists: JobLists,
    private readonly context: RequestContext,
  ) {
    this.appends = new AppendBuffer(context.appendBudget);
  }

  async answer(request: ChangeRequest): Promise<Answer> {
    const { id } = request;
    try {
      return await this.session.changes.once(
        id,
        () => this.begin(request),
        change => this.answerWith(id, change),
      );
    } finally {
      // A repeated request comes with all its parts.
      this.appends.drop(id);
    }
  }

  notePart({ id, bytes }: Of<'part'>): void {
    this.appends.add(id, bytes);
  }

  close(): void {
    this.appends.clear();
  }

  private begin(request: ChangeRequest): Promise<Change> {
    const making = this.make(request);
    // Runners ask again and again for orphans to be reclaimed: only those that were found are news.
    const isNews = making.then(
      change => change.kind !== 'reclaimed' || change.jobs.length > 0,
      () => true,
    );
    void isNews.then(is => is && this.context.changes.note());
    return making;
  }

  private async make(request: ChangeRequest): Promise<Change> {
    const { queue, log } = this.context;
    const { name } = this.session;
    switch (request.type) {
      case 'append': {
        await this.appends.use(request.id, request.commands, commands => queue.append(commands, { state: request.state }));
        log.detail(() => `${name} has appended ${amount(request.commands, 'job')}`);
        return { kind: 'appended' };
      }
      case 'set': {
        const result = await queue.set(selectionFromWire(request.selection), request.state, { force: request.force });
        log.detail(() => `${name} has set ${amount(result.changed, 'job')} to "${request.state}"`);
        return { kind: 'set', result };
      }
      case 'reclaim': {
        const jobs = await queue.reclaim();
        log.detail(() => `${name} has reclaimed ${amount(jobs.length, 'job')}`);
        return { kind: 'reclaimed', jobs };
      }
    }
  }

  private async answerWith(id: number, change: Change): Promise<Answer> {
    switch (change.kind) {
      case 'appended':
        return { type: 'appended', id };
      case 'reclaimed':
        return await this.lists.begin(id, [change.jobs]);
      case 'set': {
        const { matched, changed, running } = change.result;
        if (running.length > 0) this.lists.keep(id, [running]);
        return { type: 'set', id, matched, changed, more: running.length > 0 };
      }
    }
  }
}
