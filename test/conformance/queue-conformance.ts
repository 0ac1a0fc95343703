import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { asLine } from '../../src/job/job.js';
import type { Capabilities, ClaimRequest, Queue, QueueNotice } from '../../src/queue/queue.js';
import { isOpenAfter } from '../support/eventually.js';
import { claim, claimEverything, finishEverything, holdersOf, jobsOf, planOf, reclaimAtOnce } from '../support/queues.js';

/** A queue of one kind, created for a test. */
export interface QueueUnderTest {
  /** Opens another handle to this queue, as a runner on another host would. */
  open(): Promise<Queue>;
  /** The queue in the form of a runs file. */
  content(): Promise<string>;
  /** Closes all handles and removes the queue. */
  close(): Promise<void>;
}

/** Creates a queue from the text of a runs file. */
export type MakeQueue = (content: string) => Promise<QueueUnderTest>;

/** How long a handle may take to notice a change by another, in ms: two seconds over a network. */
const SOON = 5000;
/** Time limits of the tests, in ms. */
const TEST_LIMIT = 30_000;
const CLAIM_LIMIT = 20_000;

/**
 * What every queue must do, however it stores its jobs. A queue is complete when it passes.
 * @param capabilities of this kind of queue, which decide what else it must do
 * @param slowness factor by which it may be slower than a file
 */
export function describeQueue(name: string, capabilities: Capabilities, makeQueue: MakeQueue, slowness = 1): void {
  const { presence } = capabilities;
  /** For tests that create many queues or claims: slow kinds run them in the longest tier. */
  const many = slowness > 1 ? { tags: ['long'] } : {};

  async function make(content: string): Promise<QueueUnderTest> {
    const made = await makeQueue(content);
    onTestFinished(() => made.close());
    return made;
  }

  async function open(content: string): Promise<Queue> {
    return await (await make(content)).open();
  }

  describe(`a queue (${name})`, { timeout: TEST_LIMIT * slowness }, () => {
    it('reports its capabilities', async () => {
      expect((await open('')).capabilities).toEqual(capabilities);
    });

    describe('claims', () => {
      it('are granted in line order', async () => {
        const queue = await open('. a\n. b\n. c\n');
        expect([await commandClaimed(queue), await commandClaimed(queue), await commandClaimed(queue)]).toEqual(['a', 'b', 'c']);
      });

      it('carry the job: its line, its index among the jobs, its command, its directives', async () => {
        const queue = await open('# a comment\n\nd over\n. echo a #: cpus=2 name=prep\n');
        const { job } = await claim(queue);
        expect(job).toMatchObject({ number: 4, ordinal: 2, offset: 20, directives: { needs: { cpus: 2 }, name: 'prep' } });
        expect(job.command.toString()).toBe('echo a #: cpus=2 name=prep');
      });

      it('appear in the queue as state r', async () => {
        const made = await make('. a\n. b\n');
        await claim(await made.open());
        expect(await made.content()).toBe('r a\n. b\n');
      });

      it('skip what is held, running, done, failed, or not a job', async () => {
        const queue = await open('# c\n/ c\n\n.\n.x\n- held\nx held\nr a\n? a\nd a\n! a\ne a\n. this one\n');
        expect((await claim(queue)).job.number).toBe(13);
        expect(await queue.claim({})).toEqual({ kind: 'exhausted' });
      });

      it('find nothing in an empty queue', async () => {
        const queue = await open('');
        expect(await queue.claim({})).toEqual({ kind: 'exhausted' });
      });

      it('find nothing once all jobs are claimed, also by other handles', async () => {
        const made = await make('. a\n. b\n');
        const [one, other] = [await made.open(), await made.open()];
        await claim(one);
        await claim(other);
        expect(await one.claim({})).toEqual({ kind: 'exhausted' });
        expect(await other.claim({})).toEqual({ kind: 'exhausted' });
      });

      it('never grant one job to two handles that ask at the same time', many, async () => {
        const count = 40;
        const made = await make('. a\n'.repeat(count));
        const handles = [await made.open(), await made.open(), await made.open(), await made.open()];
        const taken = await Promise.all(handles.map(handle => claimEverything(handle, CLAIM_LIMIT * slowness)));
        expect(
          taken
            .flat()
            .map(({ job }) => Number(job.id))
            .sort((a, b) => a - b),
        ).toEqual(Array.from({ length: count }, (_, at) => at + 1));
        expect(await made.content()).toBe('r a\n'.repeat(count));
      });

      it('never grant one job twice, however often a handle claims and looks meanwhile', many, async () => {
        const count = 100;
        const made = await make('. a\n'.repeat(count));
        const handles = [await made.open(), await made.open()];
        let looking = true;
        const looks = handles.map(async handle => {
          while (looking) {
            await handle.counts();
            await setTimeout(1);
          }
        });
        const askers = handles.flatMap(handle => [handle, handle, handle]);
        const taken = await Promise.all(askers.map(handle => claimEverything(handle))).finally(() => {
          looking = false;
        });
        await Promise.all(looks);
        const numbers = taken.flat().map(({ job }) => Number(job.id));
        expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, at) => at + 1));
      });

      it('are made one after the other when one handle asks several times at once', async () => {
        const queue = await open('. a\n. b\n. c\n');
        const results = await Promise.all([queue.claim({}), queue.claim({}), queue.claim({})]);
        const numbers = results.map(result => (result.kind === 'claimed' ? result.claim.job.number : result.kind));
        expect(numbers.sort()).toEqual([1, 2, 3]);
      });

      it('see jobs appended after the queue was exhausted', async () => {
        const made = await make('. a\n');
        const [one, other] = [await made.open(), await made.open()];
        await claim(one);
        expect(await one.claim({})).toEqual({ kind: 'exhausted' });
        await other.append([Buffer.from('b')]);
        expect(await commandClaimed(one)).toBe('b');
      });

      it('grant a job again once it has been reset', async () => {
        const made = await make('. a\n');
        const [one, other] = [await made.open(), await made.open()];
        await (await claim(one)).finish({ state: 'd' });
        await other.set({ states: ['d'] }, '.');
        expect((await claim(one)).job.number).toBe(1);
      });

      it('are refused when the request was aborted', async () => {
        const queue = await open('. a\n');
        await expect(queue.claim({ signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
      });

      it('go through any queue from its first new job to its last, whichever handle asks', many, async () => {
        await fc.assert(
          fc.asyncProperty(fc.array(fc.constantFrom(...'.?rd!e-x')), fc.infiniteStream(fc.boolean()), async (states, turns) => {
            const made = await makeQueue(states.map(state => `${state} a\n`).join(''));
            try {
              const handles = [await made.open(), await made.open()] as const;
              const expected = states.flatMap((state, at) => (state === '.' ? [at + 1] : []));
              for (const number of expected) {
                const [turn] = turns.take(1);
                expect((await claim(handles[turn ? 0 : 1])).job.number).toBe(number);
              }
              for (const handle of handles) expect((await handle.claim({})).kind).toBe('exhausted');
              expect(await made.content()).toBe(states.map(state => `${state === '.' ? 'r' : state} a\n`).join(''));
            } finally {
              await made.close();
            }
          }),
          { numRuns: 15 },
        );
      });
    });

    describe('the end of a claim', () => {
      it.each(['d', '!', 'e'] as const)('finish writes the final state %s', async state => {
        const made = await make('. a\n. b\n');
        const taken = await claim(await made.open());
        expect(await taken.finish({ state })).toEqual({ kind: 'recorded' });
        expect(await made.content()).toBe(`${state} a\n. b\n`);
      });

      it('release puts the job back for the next claim', async () => {
        const made = await make('. a\n. b\n');
        const [one, other] = [await made.open(), await made.open()];
        expect(await (await claim(one)).release()).toEqual({ kind: 'recorded' });
        expect(await made.content()).toBe('. a\n. b\n');
        expect((await claim(other)).job.number).toBe(1);
      });

      it.each(['!', 'e'])('release of a job that did not run restores %s if that was its state', async state => {
        const made = await make(`${state} a\n. b\n`);
        const [one, other] = [await made.open(), await made.open()];
        const retry: ClaimRequest = { retry: true };
        const [first, second] = [await claim(one, retry), await claim(one, retry)];
        expect(await first.release({ unrun: true })).toEqual({ kind: 'recorded' });
        expect(await second.release({ unrun: true })).toEqual({ kind: 'recorded' });
        expect(await made.content()).toBe(`${state} a\n. b\n`);
        expect((await claim(other, retry)).job.number).toBe(1);
      });

      it('release of a job that ran makes it new, whatever its earlier state', async () => {
        const made = await make('! a\n');
        expect(await (await claim(await made.open(), { retry: true })).release()).toEqual({ kind: 'recorded' });
        expect(await made.content()).toBe('. a\n');
      });

      it('claims end in any order', async () => {
        const made = await make('. a\n. b\n. c\n');
        const queue = await made.open();
        const [a, b, c] = [await claim(queue), await claim(queue), await claim(queue)];
        await c.finish({ state: 'd' });
        await a.finish({ state: '!' });
        await b.finish({ state: 'e' });
        expect(await made.content()).toBe('! a\ne b\nd c\n');
      });

      it.each(['.', 'd', '-', '!'])('is refused, and nothing is written, after the job was set to %s', { tags: ['slow'] }, async state => {
        const made = await make('. a\n');
        const [one, other] = [await made.open(), await made.open()];
        const taken = await claim(one);
        await other.set({}, state, { force: true });
        expect(await taken.finish({ state: 'e' })).toEqual({ kind: 'refused', reason: expect.stringMatching(/./) });
        expect(await made.content()).toBe(`${state} a\n`);
      });

      it('happens once: a second finish is refused and changes nothing', async () => {
        const made = await make('. a\n');
        const taken = await claim(await made.open());
        await taken.finish({ state: 'd' });
        expect(await taken.finish({ state: '!' })).toMatchObject({ kind: 'refused' });
        expect(await taken.release()).toMatchObject({ kind: 'refused' });
        expect(await made.content()).toBe('d a\n');
      });

      it('happens once, even if another handle has claimed the job by then', async () => {
        const made = await make('. a\n');
        const [one, other] = [await made.open(), await made.open()];
        const taken = await claim(one);
        await taken.finish({ state: '!' });
        await other.set({}, '.');
        const next = await claim(other);
        expect(await taken.finish({ state: 'e' })).toMatchObject({ kind: 'refused' });
        expect(await next.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
        expect(await made.content()).toBe('d a\n');
      });
    });

    describe('retry', () => {
      it('is required to claim failed jobs and errors', async () => {
        const queue = await open('! a\ne b\n. c\n');
        expect(await commandClaimed(queue)).toBe('c');
        expect(await queue.claim({})).toEqual({ kind: 'exhausted' });
      });

      it('also claims failed jobs and errors, in line order', async () => {
        const queue = await open('! a\ne b\n. c\n');
        const retry: ClaimRequest = { retry: true };
        expect([await commandClaimed(queue, retry), await commandClaimed(queue, retry), await commandClaimed(queue, retry)]).toEqual([
          'a',
          'b',
          'c',
        ]);
      });

      it('skips jobs that were already tried', async () => {
        const queue = await open('! a\ne b\n! c\n');
        const retry: ClaimRequest = { retry: true, tried: new Set(['1', '2']) };
        expect(await commandClaimed(queue, retry)).toBe('c');
        expect(await queue.claim({ ...retry, tried: new Set(['1', '2', '3']) })).toEqual({ kind: 'exhausted' });
      });

      it('claims a new job even if it was already tried, because it was reset', async () => {
        const queue = await open('. a\n');
        expect(await commandClaimed(queue, { retry: true, tried: new Set(['1']) })).toBe('a');
      });
    });

    describe('priority', () => {
      it('overrides line order; jobs of equal priority keep it', async () => {
        const queue = await open('. a\n. b #: priority=1\n. c #: priority=5\n. d #: priority=5\n. e #: priority=-1\n. f\n');
        const order = await claimEverything(queue);
        expect(order.map(({ job }) => job.number)).toEqual([3, 4, 2, 1, 6, 5]);
      });

      it('does not lift a job over a barrier', async () => {
        const queue = await open('. a\n---\n. b #: priority=9\n');
        expect((await claim(queue)).job.number).toBe(1);
        expect(await queue.claim({})).toEqual({ kind: 'waiting', for: 'others' });
      });
    });

    describe('after', () => {
      it('holds a job until the line it names is done', async () => {
        const queue = await open('. a #: after=2\n. b\n');
        const b = await claim(queue);
        expect(b.job.number).toBe(2);
        expect(await queue.claim({})).toEqual({ kind: 'waiting', for: 'others' });
        await b.finish({ state: 'd' });
        expect((await claim(queue)).job.number).toBe(1);
      });

      it('holds a job until all jobs with the name are done', async () => {
        const queue = await open('. last #: after=prep\n. one #: name=prep\n. two #: name=prep\n');
        const [one, two] = [await claim(queue), await claim(queue)];
        await one.finish({ state: 'd' });
        expect(await queue.claim({})).toEqual({ kind: 'waiting', for: 'others' });
        await two.finish({ state: 'd' });
        expect(await commandClaimed(queue)).toBe('last #: after=prep');
      });

      it('requires everything in its list', async () => {
        const queue = await open('. a\n. b #: name=b\n. last #: after=1,b\n');
        const [a, b] = [await claim(queue), await claim(queue)];
        await b.finish({ state: 'd' });
        expect(await queue.claim({})).toEqual({ kind: 'waiting', for: 'others' });
        await a.finish({ state: 'd' });
        expect((await claim(queue)).job.number).toBe(3);
      });

      it('notices that another handle has finished the dependency', async () => {
        const made = await make('. a\n. b #: after=1\n');
        const [one, other] = [await made.open(), await made.open()];
        const a = await claim(one);
        expect(await other.claim({})).toEqual({ kind: 'waiting', for: 'others' });
        await a.finish({ state: 'd' });
        expect((await claim(other)).job.number).toBe(2);
      });

      it.each(['!', 'e', '-'])('leaves nothing to wait for when the dependency is in state %s', async state => {
        const queue = await open(`${state} a\n. b #: after=1\n. c #: after=2\n`);
        expect(await queue.claim({})).toEqual({ kind: 'exhausted' });
      });
    });

    describe('barriers', () => {
      it('hold the jobs below until all jobs above are done', async () => {
        const queue = await open('. a\n. b\n---\n. c\n');
        const [a, b] = [await claim(queue), await claim(queue)];
        await a.finish({ state: 'd' });
        expect(await queue.claim({})).toEqual({ kind: 'waiting', for: 'others' });
        await b.finish({ state: 'd' });
        expect(await commandClaimed(queue)).toBe('c');
      });

      it('open one after the other', async () => {
        const queue = await open('. a\n---\n. b\n-----\n. c\n');
        expect((await finishEverything(queue)).map(({ number }) => number)).toEqual([1, 3, 5]);
      });

      it('hold nothing if no job is above them', async () => {
        const queue = await open('---\n. a\n');
        expect(await commandClaimed(queue)).toBe('a');
      });

      it.each(['!', 'e', '-'])('stay closed for good when a job above is in state %s', async state => {
        const queue = await open(`d a\n${state} b\n---\n. c\n`);
        expect(await queue.claim({})).toEqual({ kind: 'exhausted' });
      });

      it('open for all handles once any of them has finished the last job above', async () => {
        const made = await make('. a\n---\n. b\n');
        const [one, other] = [await made.open(), await made.open()];
        const a = await claim(one);
        expect(await other.claim({})).toEqual({ kind: 'waiting', for: 'others' });
        await a.finish({ state: 'd' });
        expect(await commandClaimed(other)).toBe('b');
      });
    });

    describe('room', () => {
      const capacity = { cpus: 4, mem: 4096, gpus: 1 };

      it('decides: the first job that fits is claimed', async () => {
        const queue = await open('. large #: cpus=3\n. small #: cpus=1\n. none\n');
        const free = { cpus: 1, mem: 4096, gpus: 1 };
        expect(await commandClaimed(queue, { free, capacity })).toBe('small #: cpus=1');
        expect(await commandClaimed(queue, { free: { ...free, cpus: 0 }, capacity })).toBe('none');
      });

      it.each(['cpus=2', 'mem=2K', 'gpus=1'])('is worth waiting for if a job with %s would fit with more of it free', async needs => {
        const queue = await open(`. a #: ${needs}\n`);
        expect(await queue.claim({ free: { cpus: 1, mem: 1024, gpus: 0 }, capacity })).toEqual({ kind: 'waiting', for: 'room' });
      });

      it.each(['cpus=5', 'mem=5K', 'gpus=2'])('is not worth waiting for if a job with %s can never fit', async needs => {
        const queue = await open(`. a #: ${needs}\n`);
        expect(await queue.claim({ free: capacity, capacity })).toEqual({ kind: 'exhausted' });
      });

      it('that can never suffice is reported once, with the line and its needs', async () => {
        const queue = await open('. a #: cpus=5 gpus=2\n. b\n. c\n');
        const notices: QueueNotice[] = [];
        const request: ClaimRequest = { free: capacity, capacity, tell: notice => notices.push(notice) };
        await (await claim(queue, request)).finish({ state: 'd' });
        await (await claim(queue, request)).finish({ state: 'd' });
        expect(await queue.claim(request)).toEqual({ kind: 'exhausted' });
        expect(notices).toEqual([{ kind: 'tooBig', line: 1, needs: { cpus: 5, gpus: 2 } }]);
      });
    });

    describe('an invalid line', () => {
      it.each([
        ['. a #: colour=red', 8],
        ['. a #: cpus=many', 13],
        ['. a #: after=99', undefined],
        ['. a #: after=nobody', undefined],
        ['. a #: after=1', undefined],
      ])('is reported once, and skipped: %s', async (line, column) => {
        const made = await make(`${line}\n. b\n. c\n`);
        const queue = await made.open();
        const notices: QueueNotice[] = [];
        const request: ClaimRequest = { tell: notice => notices.push(notice) };
        await (await claim(queue, request)).finish({ state: 'd' });
        await (await claim(queue, request)).finish({ state: 'd' });
        expect(await queue.claim(request)).toEqual({ kind: 'exhausted' });
        expect(notices).toEqual([{ kind: 'unusable', line: 1, column: column ?? expect.any(Number), message: expect.stringMatching(/./) }]);
        expect(await made.content()).toBe(`${line}\nd b\nd c\n`);
      });

      it('blocks its dependants, while the rest runs', async () => {
        const queue = await open('. a #: colour=red name=a\n. b #: after=1\n. c\n');
        expect((await finishEverything(queue)).map(({ number }) => number)).toEqual([3]);
      });
    });

    describe('a look at the jobs', () => {
      it('lists every job in order, and nothing else', async () => {
        const queue = await open('# c\n. a\n\n---\nd b\n! c\nx held\n');
        expect((await jobsOf(queue)).map(job => `${job.number}/${job.ordinal} ${job.state} ${job.command}`)).toEqual([
          '2/1 . a',
          '5/2 d b',
          '6/3 ! c',
          '7/4 x held',
        ]);
      });

      it('includes recent changes by other handles', async () => {
        const made = await make('. a\n. b\n');
        const [one, other] = [await made.open(), await made.open()];
        await jobsOf(one);
        const taken = await claim(other);
        expect((await jobsOf(one)).map(job => job.state)).toEqual(['r', '.']);
        await taken.finish({ state: '!' });
        expect((await jobsOf(one)).map(job => job.state)).toEqual(['!', '.']);
      });

      it('tells why a line is skipped', async () => {
        const [job] = await jobsOf(await open('. a #: colour=red\n'));
        expect(job?.problem).toEqual({ column: 8, message: expect.stringContaining('colour') });
      });

      it.each([
        ['line numbers', { lines: [{ from: 2, to: 3 }, { from: 6 }] }, [2, 3, 6]],
        ['states', { states: ['!', 'e'] }, [3, 4]],
        ['a regular expression', { match: '^train' }, [1, 3, 6]],
        ['all of these, which must agree', { lines: [{ to: 4 }], states: ['.', '!'], match: 'train' }, [1, 3]],
        ['nothing in particular', {}, [1, 2, 3, 4, 6]],
      ])('lists the jobs chosen by %s', async (_, selection, expected) => {
        const queue = await open('. train 1\n. test 1\n! train 2\ne test 2\n# train\nd train 3\n');
        expect((await jobsOf(queue, selection)).map(job => job.number)).toEqual(expected);
      });

      it('lists the job chosen by the offset that it carries', async () => {
        const queue = await open('. a\n. b\n# c\n. c\n');
        const offsets = (await jobsOf(queue)).map(job => asLine(job).offset);
        expect((await jobsOf(queue, { offsets: offsets.slice(1) })).map(job => job.number)).toEqual([2, 4]);
      });
    });

    describe('counts', () => {
      it('report how many jobs are in each state', async () => {
        const queue = await open('. a\n. b\n? c\nr d\nd e\n! f\ne g\n- h\nx i\n# no job\n');
        expect(await queue.counts()).toEqual({
          new: 2,
          claimed: 1,
          running: 1,
          done: 1,
          failed: 1,
          error: 1,
          held: 2,
          total: 9,
          blocked: 0,
        });
      });

      it('follow changes by other handles', async () => {
        const made = await make('. a\n. b\n');
        const [one, other] = [await made.open(), await made.open()];
        expect(await one.counts()).toMatchObject({ new: 2, running: 0, done: 0 });
        const taken = await claim(other);
        expect(await one.counts()).toMatchObject({ new: 1, running: 1, done: 0 });
        await taken.finish({ state: 'd' });
        expect(await one.counts()).toMatchObject({ new: 1, running: 0, done: 1 });
        await other.append([Buffer.from('c')]);
        expect(await one.counts()).toMatchObject({ new: 2, running: 0, done: 1, total: 3 });
      });

      it.each([
        ['below a barrier under a failed job', '! a\n---\n. b\n. c\n', 2],
        ['below a barrier under a held job', '- a\n---\n. b\n', 1],
        ['after a failed job, directly or by way of others', '! a\n. b #: after=1\n. c #: after=2\n. d\n', 2],
        ['whose line cannot be read', '. a #: colour=red\n. b\n', 1],
        ['that wait for a running job', 'r a\n---\n. b\n. c #: after=3\n', 0],
      ])('report how many new jobs are blocked: those %s', async (_, content, blocked) => {
        expect((await (await open(content)).counts()).blocked).toBe(blocked);
      });

      it('of any queue add up to its jobs, and match a look at them', many, async () => {
        await fc.assert(
          fc.asyncProperty(
            fc.array(fc.constantFrom('. a', '? a', 'r a', 'd a', '! a', 'e a', '- a', 'x a', '# a', '', '---')),
            async lines => {
              const made = await makeQueue(lines.map(line => `${line}\n`).join(''));
              try {
                const queue = await made.open();
                const { total, blocked, ...counts } = await queue.counts();
                const jobs = await jobsOf(queue);
                expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(total);
                expect(jobs.length).toBe(total);
                expect(jobs.filter(job => job.state === '.').length).toBe(counts.new);
                expect(blocked).toBeLessThanOrEqual(counts.new);
              } finally {
                await made.close();
              }
            },
          ),
          { numRuns: 25 },
        );
      });
    });

    describe('setting states', () => {
      it('sets the chosen jobs and counts them', async () => {
        const made = await make('d a\n! b\n! c\n. d\n');
        const queue = await made.open();
        expect(await queue.set({ states: ['!'] }, '.')).toEqual({ matched: 2, changed: 2, running: [] });
        expect(await made.content()).toBe('d a\n. b\n. c\n. d\n');
      });

      it('counts jobs already in that state as chosen, not as changed', async () => {
        const queue = await open('d a\n. b\n');
        expect(await queue.set({}, '.')).toEqual({ matched: 2, changed: 1, running: [] });
      });

      it('changes nothing when nothing is chosen', async () => {
        const made = await make('d a\n');
        const queue = await made.open();
        expect(await queue.set({ match: 'nothing like it' }, '.')).toEqual({ matched: 0, changed: 0, running: [] });
        expect(await made.content()).toBe('d a\n');
      });

      it('sets all jobs whose command matches a regular expression', async () => {
        const made = await make('d train 1\n! eval\nd train 2\n! train 1\n. train 3\n');
        const queue = await made.open();
        expect(await queue.set({ match: '^train [12]' }, '-')).toEqual({ matched: 3, changed: 3, running: [] });
        expect(await queue.set({ states: ['-'], match: '1$' }, '.')).toEqual({ matched: 2, changed: 2, running: [] });
        expect(await made.content()).toBe('. train 1\n! eval\n- train 2\n. train 1\n. train 3\n');
      });

      it('sets thousands of jobs at once', async () => {
        const made = await make(`${'d a\n# no job\n! b\n'.repeat(3000)}`);
        const queue = await made.open();
        expect(await queue.set({}, '.')).toEqual({ matched: 6000, changed: 6000, running: [] });
        expect(await made.content()).toBe('. a\n# no job\n. b\n'.repeat(3000));
      });

      it.each(['', '#', '/', ' ', '\n', 'ab', 'é', '\0'])('rejects %j, which is not a state', async state => {
        const made = await make('d a\n');
        const queue = await made.open();
        await expect(queue.set({}, state)).rejects.toMatchObject({ name: 'RunmakerError', code: 'usage' });
        await expect(queue.append([Buffer.from('b')], { state })).rejects.toMatchObject({ name: 'RunmakerError', code: 'usage' });
        expect(await made.content()).toBe('d a\n');
      });

      it('makes jobs claimable for other handles, or no longer claimable', async () => {
        const made = await make('d a\n. b\n');
        const [one, other] = [await made.open(), await made.open()];
        await one.counts();
        await other.set({ lines: [{ from: 1, to: 1 }] }, '.');
        await other.set({ lines: [{ from: 2, to: 2 }] }, '-');
        expect(await commandClaimed(one)).toBe('a');
        expect(await one.claim({})).toEqual({ kind: 'exhausted' });
      });

      it.runIf(presence)('skips a running job, and names it', async () => {
        const made = await make('. a\n. b\n');
        const [one, other] = [await made.open(), await made.open()];
        await claim(one);
        expect(await other.set({}, '-')).toMatchObject({ matched: 2, changed: 1, running: [{ number: 1 }] });
        expect(await made.content()).toBe('r a\n- b\n');
      });

      it.runIf(presence)('skips a running job among many others, too', async () => {
        const made = await make('. a\n'.repeat(50));
        const [one, other] = [await made.open(), await made.open()];
        await claim(one);
        expect(await other.set({}, 'd')).toMatchObject({ matched: 50, changed: 49, running: [{ number: 1 }] });
        expect(await made.content()).toBe(`r a\n${'d a\n'.repeat(49)}`);
      });

      it.runIf(presence)('sets a job in state r that no longer runs', { tags: ['slow'] }, async () => {
        const made = await make('r a\n? b\n');
        expect(await (await made.open()).set({}, '.')).toEqual({ matched: 2, changed: 2, running: [] });
        expect(await made.content()).toBe('. a\n. b\n');
      });

      it.skipIf(presence)('sets the chosen jobs, running or not, where presence is unknown', async () => {
        const made = await make('. a\n. b\n');
        const [one, other] = [await made.open(), await made.open()];
        await claim(one);
        expect(await other.set({}, '-')).toEqual({ matched: 2, changed: 2, running: [] });
        expect(await made.content()).toBe('- a\n- b\n');
      });

      it('sets a running job with force', async () => {
        const made = await make('. a\n. b\n');
        const [one, other] = [await made.open(), await made.open()];
        await claim(one);
        expect(await other.set({}, '-', { force: true })).toEqual({ matched: 2, changed: 2, running: [] });
        expect(await made.content()).toBe('- a\n- b\n');
      });
    });

    describe('appending', () => {
      it('adds jobs at the end, in order', async () => {
        const made = await make('d a\n');
        await (await made.open()).append([Buffer.from('b'), Buffer.from('c')]);
        expect(await made.content()).toBe('d a\n. b\n. c\n');
      });

      it('adds them in the requested state', async () => {
        const made = await make('');
        await (await made.open()).append([Buffer.from('a')], { state: '-' });
        expect(await made.content()).toBe('- a\n');
      });

      it('adds each caller’s jobs in the state requested, even if several call at once', async () => {
        const made = await make('');
        const queue = await made.open();
        await Promise.all((['-', '.', '!'] as const).map(state => queue.append([Buffer.from(`${state}`)], { state })));
        expect((await made.content()).split('\n').sort()).toEqual(['', '! !', '- -', '. .']);
      });

      it('completes a last line without a line end', async () => {
        const made = await make('. a');
        await (await made.open()).append([Buffer.from('b')]);
        expect(await made.content()).toBe('. a\n. b\n');
      });

      it('loses nothing when many handles append at once', async () => {
        const made = await make('. first\n');
        const handles = await Promise.all(Array.from({ length: 5 }, () => made.open()));
        const added = handles.flatMap((_, who) => Array.from({ length: 6 }, (_, at) => [`${who}-${at}-a`, `${who}-${at}-b`]));
        await Promise.all(added.map((commands, at) => handles[at % 5]?.append(commands.map(command => Buffer.from(command)))));
        const lines = (await made.content()).split('\n');
        expect(lines.slice().sort()).toEqual(['', '. first', ...added.flat().map(command => `. ${command}`)].sort());
        for (const [a, b] of added) expect(lines.indexOf(`. ${b}`)).toBe(lines.indexOf(`. ${a}`) + 1);
      });

      it('neither waits for running jobs nor disturbs them', async () => {
        const made = await make('. a\n');
        const queue = await made.open();
        const taken = await claim(queue);
        await (await made.open()).append([Buffer.from('b')]);
        expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
        expect(await made.content()).toBe('d a\n. b\n');
      });

      it('keeps a claim of the last line while completing its line end', { tags: ['slow'] }, async () => {
        const made = await make('. a');
        const queue = await made.open();
        const taken = await claim(queue);
        await (await made.open()).append([Buffer.from('b')]);
        expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
        expect(await made.content()).toBe('d a\n. b\n');
      });

      it.each(['a\nb', 'a\n', 'a\rb', 'a\r', ''])('rejects %j, and all given with it: a job is one line', async command => {
        const made = await make('. a\n');
        const queue = await made.open();
        await expect(queue.append([Buffer.from('good'), Buffer.from(command)])).rejects.toMatchObject({ code: 'usage' });
        expect(await made.content()).toBe('. a\n');
      });

      it('of nothing changes nothing', async () => {
        const made = await make('. a');
        await (await made.open()).append([]);
        expect(await made.content()).toBe('. a');
      });

      it('stores any command byte for byte', many, async () => {
        const command = fc
          .uint8Array({ minLength: 1, maxLength: 40 })
          .map(bytes => Buffer.from(bytes))
          // Invalid directives are kept as they are, and tested elsewhere.
          .filter(bytes => !bytes.includes('\n') && !bytes.includes('\r') && !bytes.includes(' #: '));
        const queue = await open('');
        await fc.assert(
          fc.asyncProperty(command, async bytes => {
            await queue.append([bytes]);
            const taken = await claim(queue);
            expect(taken.job.command).toEqual(bytes);
            await taken.finish({ state: 'd' });
          }),
          { numRuns: 30, examples: [[Buffer.from([0])], [Buffer.from([0xff, 0xfe])], [Buffer.from(' leading')], [Buffer.from('x\t')]] },
        );
      });
    });

    describe('presence', () => {
      it.runIf(presence)('shows whether jobs in state r are running', async () => {
        const made = await make('. a\nr b\n? c\nd d\n');
        const [one, other] = [await made.open(), await made.open()];
        const taken = await claim(one);
        expect(await holdersOf(other)).toEqual(['present', 'absent', 'absent', undefined]);
        await taken.finish({ state: 'd' });
        expect(await holdersOf(other)).toEqual([undefined, 'absent', 'absent', undefined]);
      });

      it.runIf(presence)('protects a job from being reclaimed; orphans are reset and named', async () => {
        const made = await make('. a\nr b\n? c\nd d\n');
        const [one, other] = [await made.open(), await made.open()];
        const taken = await claim(one);
        expect((await reclaimAtOnce(other)).map(job => job.number)).toEqual([2, 3]);
        expect(await made.content()).toBe('r a\n. b\n. c\nd d\n');
        await taken.finish({ state: 'd' });
        expect(await reclaimAtOnce(other)).toEqual([]);
        expect(await made.content()).toBe('d a\n. b\n. c\nd d\n');
      });

      it.runIf(presence)('decides the owner of a job: after a forced reset, the result of the earlier owner is refused', async () => {
        const made = await make('. a\n');
        const [one, other] = [await made.open(), await made.open()];
        const first = await claim(one);
        await other.set({}, '.', { force: true });
        const second = await claim(other);
        expect(await first.finish({ state: '!' })).toMatchObject({ kind: 'refused' });
        expect(await made.content()).toBe('r a\n');
        expect(await second.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
      });

      it.skipIf(presence)('is unknown here, and is not invented', async () => {
        const made = await make('. a\nr b\n');
        const [one, other] = [await made.open(), await made.open()];
        await claim(one);
        expect(await holdersOf(other)).toEqual([undefined, undefined]);
      });

      it.skipIf(presence)('is unknown here, so nothing is reclaimed: the hint says what to do instead', async () => {
        const made = await make('r a\n');
        const queue = await made.open();
        await expect(queue.reclaim()).rejects.toMatchObject({ code: 'queue', hint: expect.stringContaining('--set') });
        expect(await made.content()).toBe('r a\n');
      });

      it('ends with the claim: a job reset by force can be claimed again', { tags: ['slow'] }, async () => {
        const made = await make('. a\n');
        const [one, other] = [await made.open(), await made.open()];
        const first = await claim(one);
        await other.set({}, '.', { force: true });
        const second = await claim(other);
        expect(await second.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
        expect(await first.finish({ state: '!' })).toMatchObject({ kind: 'refused' });
        expect(await made.content()).toBe('d a\n');
      });
    });

    describe('the plan', () => {
      it('lists what would run, in that order, and changes nothing', async () => {
        const content = 'd a\n. b\n! c\n. d #: after=6\n. e #: priority=1\n. f #: name=f\n---\n. g\n';
        const made = await make(content);
        const queue = await made.open();
        expect((await planOf(queue)).map(job => job.number)).toEqual([5, 2, 6, 4]);
        expect(await made.content()).toBe(content);
      });

      it('continues past barriers, assuming that running and listed jobs succeed', async () => {
        const queue = await open('r a\n. b\n---\n. c\n---\n. d\n');
        expect((await planOf(queue)).map(job => job.number)).toEqual([2, 4, 6]);
      });

      it('with retry also lists failed jobs', async () => {
        const queue = await open('! a\ne b\n. c\n---\n. d\n');
        expect((await planOf(queue)).map(job => job.number)).toEqual([3]);
        expect((await planOf(queue, { retry: true })).map(job => job.number)).toEqual([1, 2, 3, 5]);
      });

      it('reports which jobs can never run, and why', async () => {
        const queue = await open('. a #: cpus=9\n. b #: after=9\nd c #: cpus=x\n. d\n');
        const notices: QueueNotice[] = [];
        const capacity = { cpus: 4, mem: 0, gpus: 0 };
        expect((await planOf(queue, { capacity, tell: notice => notices.push(notice) })).map(job => job.number)).toEqual([4]);
        expect(notices.map(notice => [notice.kind, 'line' in notice && notice.line])).toEqual([
          ['unusable', 2],
          ['tooBig', 1],
        ]);
      });

      it('omits jobs that could never fit, but not those that do not fit now', async () => {
        const queue = await open('. a #: cpus=9\n. b #: cpus=2\n');
        const request = { free: { cpus: 1, mem: 0, gpus: 0 }, capacity: { cpus: 4, mem: 0, gpus: 0 } };
        expect((await planOf(queue, request)).map(job => job.number)).toEqual([2]);
      });

      it('of any queue is the order in which one runner goes through it', many, async () => {
        const line = fc.tuple(
          fc.constantFrom('.', '.', '.', 'd', '-'),
          fc.constantFrom('', ' #: priority=2', ' #: priority=-1', ' #: after=1', ' #: after=3'),
        );
        await fc.assert(
          fc.asyncProperty(
            fc.array(fc.oneof({ weight: 6, arbitrary: line }, { weight: 1, arbitrary: fc.constant('---') }), { maxLength: 12 }),
            async lines => {
              const text = lines.map(entry => (typeof entry === 'string' ? `${entry}\n` : `${entry[0]} a${entry[1]}\n`)).join('');
              const made = await makeQueue(text);
              try {
                const queue = await made.open();
                const planned = (await planOf(queue)).map(job => job.number);
                const ran = (await finishEverything(queue)).map(job => job.number);
                expect(planned).toEqual(ran);
              } finally {
                await made.close();
              }
            },
          ),
          { numRuns: 25 },
        );
      });
    });

    describe('waiting for a change', () => {
      it.each<[string, (other: Queue) => Promise<unknown>]>([
        ['appended a job', other => other.append([Buffer.from('b')])],
        ['set a state', other => other.set({}, '-')],
        ['claimed a job', other => other.claim({})],
      ])('ends soon after another handle has %s', async (_, act) => {
        const made = await make('. a\n');
        const [one, other] = [await made.open(), await made.open()];
        await one.counts();
        const before = Date.now();
        const changed = one.changed(AbortSignal.timeout(SOON));
        await act(other);
        await changed;
        expect(Date.now() - before).toBeLessThan(SOON);
      });

      it('notices changes between the last look and the wait', async () => {
        const made = await make('. a\n');
        const [one, other] = [await made.open(), await made.open()];
        await one.counts();
        await other.set({}, '-');
        await expect(one.changed(AbortSignal.timeout(SOON))).resolves.toBeUndefined();
      });

      it('ends at once when it is aborted', async () => {
        const queue = await open('. a\n');
        const controller = new AbortController();
        const changed = queue.changed(controller.signal);
        const told = expect(changed).rejects.toMatchObject({ name: 'AbortError' });
        expect(await isOpenAfter(changed, 30)).toBe(true);
        controller.abort();
        await told;
      });

      it('does not begin if it was aborted before', async () => {
        const queue = await open('. a\n');
        await expect(queue.changed(AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' });
      });

      it('lets a claim that found nothing be retried successfully', async () => {
        const made = await make('. a\n. b #: after=1\n');
        const [one, other] = [await made.open(), await made.open()];
        const a = await claim(one);
        expect((await other.claim({})).kind).toBe('waiting');
        const signal = AbortSignal.timeout(SOON);
        const next = (async () => {
          for (;;) {
            await other.changed(signal);
            const result = await other.claim({});
            if (result.kind === 'claimed') return result.claim.job.number;
          }
        })();
        await a.finish({ state: 'd' });
        expect(await next).toBe(2);
      });
    });
  });
}

async function commandClaimed(queue: Queue, request: ClaimRequest = {}): Promise<string> {
  return (await claim(queue, request)).job.command.toString();
}
