import { setTimeout } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openQueue } from '../../../src/queue/open.js';
import type { Claim, Queue } from '../../../src/queue/queue.js';
import type { ServeOptions } from '../../../src/server/tcp/serve.js';
import { Workbench } from '../../support/bench.js';
import { eventually } from '../../support/eventually.js';
import { claim, holdersOf } from '../../support/queues.js';
import { Random } from '../../support/random.js';
import { Relay } from '../../support/relay.js';
import { KeptLog, serveHere, TOKEN } from '../../support/tcp-queue.js';

/** A served runs file, reached through a relay. */
class Served extends Workbench {
  readonly log = new KeptLog();
  relay!: Relay;
  /** The runs file as processes on the server's host see it. */
  local!: Queue;

  /** @param slow how long the server takes to claim a job, to write its end, and to append, in ms */
  static async make(content: string, options: Partial<ServeOptions> = {}, slow = 0): Promise<Served> {
    const served = new Served(content);
    const queue = await openQueue(served.runs);
    if (slow > 0) slowDown(queue, slow);
    served.local = await openQueue(served.runs);
    const service = await serveHere(queue, { log: served.log, ...options });
    onTestFinished(async () => {
      await service.close();
      await queue.close();
      await served.local.close();
    });
    if (service.address.kind !== 'tcp') throw new Error('not over TCP');
    served.relay = await Relay.open(service.address.port);
    return served;
  }

  async client(patience = 10_000): Promise<Queue> {
    const queue = await openQueue(this.relay.url, { token: TOKEN, patience });
    onTestFinished(() => queue.close());
    return queue;
  }

  async says(text: string): Promise<void> {
    await eventually(`the server says ${JSON.stringify(text)}`, () => this.log.lines.some(line => line.includes(text)));
  }
}

/** Everything is done at once, and its answer is delayed. */
function slowDown(queue: Queue, ms: number): void {
  const [claimAtOnce, appendAtOnce] = [queue.claim.bind(queue), queue.append.bind(queue)];
  queue.claim = async request => {
    const result = await claimAtOnce(request);
    await setTimeout(ms);
    if (result.kind !== 'claimed') return result;
    const finishAtOnce = result.claim.finish.bind(result.claim);
    result.claim.finish = async outcome => {
      const finished = await finishAtOnce(outcome);
      await setTimeout(ms);
      return finished;
    };
    return result;
  };
  queue.append = async (commands, options) => {
    await appendAtOnce(commands, options);
    await setTimeout(ms);
  };
}

/** A client that was cut off for longer than the grace period: its job can be claimed by others, and it does not know that yet. */
async function cutOffForLong(): Promise<{ served: Served; other: Queue; first: Claim }> {
  const served = await Served.make('. a\n', { grace: 300, reclaim: true });
  const [away, other] = [await served.client(), await openQueue(served.relay.url, { token: TOKEN })];
  onTestFinished(() => other.close());
  const first = await claim(away);
  served.relay.isClosed = true;
  served.relay.cut();
  await served.reaches('.');
  return { served, other, first };
}

describe('a client whose connection is lost', () => {
  it('keeps its claims: it reconnects by itself, and its results are written', async () => {
    const served = await Served.make('. a\n. b\n');
    const queue = await served.client();
    const [a, b] = [await claim(queue), await claim(queue)];
    served.relay.isClosed = true;
    served.relay.cut();
    await served.says('is away; its 2 jobs are kept');
    const finished = a.finish({ state: 'd' });
    await setTimeout(200);
    expect(served.content).toBe('r a\nr b\n');
    expect(await holdersOf(served.local)).toEqual(['present', 'present']);
    served.relay.isClosed = false;
    expect(await finished).toEqual({ kind: 'recorded' });
    expect(await b.finish({ state: '!' })).toEqual({ kind: 'recorded' });
    expect(served.content).toBe('d a\n! b\n');
  });

  it('repeats requests that were not answered', async () => {
    const served = await Served.make('. a\n. b\n');
    const queue = await served.client();
    served.relay.cut();
    const [counts, taken] = await Promise.all([queue.counts(), claim(queue)]);
    expect(counts.total).toBe(2);
    expect(taken.job.number).toBe(1);
    expect(served.states).toBe('r.');
  });

  it('does not mistake half of a list for the whole', async () => {
    const served = await Served.make('. a\n'.repeat(3000));
    const queue = await served.client();
    const list = queue.jobs()[Symbol.asyncIterator]();
    expect((await list.next()).value).toHaveLength(500);
    served.relay.cut();
    await served.says('is back');
    await expect(list.next()).rejects.toMatchObject({ code: 'queue', message: expect.stringContaining('in the middle of an answer') });
  });

  it('sends no more requests for a caller that was told to stop', async () => {
    const served = await Served.make('r a\n');
    const queue = await served.client(60_000);
    served.relay.isClosed = true;
    served.relay.cut();
    await served.says('is away');
    const stopping = new AbortController();
    const requests = [queue.claim({ signal: stopping.signal }), queue.reclaim({ signal: stopping.signal })];
    stopping.abort();
    for (const request of requests) await expect(request).rejects.toThrow('aborted');
    await expect(queue.reclaim({ signal: stopping.signal })).rejects.toThrow('aborted');
  });

  it('loses its claims when it stays away for longer than the grace period: the results are refused, and the lines are orphans', async () => {
    const served = await Served.make('. a\n. b\n', { grace: 300 });
    const queue = await served.client();
    const a = await claim(queue);
    served.relay.isClosed = true;
    served.relay.cut();
    await served.says('are orphans now');
    expect(served.content).toBe('r a\n. b\n');
    expect(await holdersOf(served.local)).toEqual(['absent', undefined]);
    served.relay.isClosed = false;
    expect(await a.finish({ state: 'd' })).toEqual({ kind: 'refused', reason: expect.stringMatching(/./) });
    expect(served.content).toBe('r a\n. b\n');
    expect((await claim(queue)).job.number).toBe(2);
  });

  it('with --reclaim loses its jobs to other runners, which run them', async () => {
    const { served, other, first } = await cutOffForLong();
    served.relay.isClosed = false;
    const second = await claim(other);
    expect(await first.finish({ state: '!' })).toMatchObject({ kind: 'refused' });
    expect(await second.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
    expect(served.content).toBe('d a\n');
  });

  it('cannot pass off the result of another runner as its own, though both are the same', async () => {
    const { served, first } = await cutOffForLong();
    const late = first.finish({ state: 'd' });
    const second = await claim(served.local);
    expect(await second.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
    served.relay.isClosed = false;
    expect(await late).toEqual({ kind: 'refused', reason: expect.stringContaining('longer than the grace') });
    expect(served.content).toBe('d a\n');
  });

  it('is detected even if no notice of the broken line arrives', async () => {
    const served = await Served.make('. a\n', { grace: 600 });
    const queue = await served.client();
    const taken = await claim(queue);
    served.relay.silence(true);
    await served.says('are orphans now');
    expect(await holdersOf(served.local)).toEqual(['absent']);
    served.relay.cut();
    served.relay.silence(false);
    expect(await taken.finish({ state: 'd' })).toMatchObject({ kind: 'refused' });
  });

  it('leaves no claim behind that it was never told of', async () => {
    const served = await Served.make('. a\n. b\n');
    const queue = await served.client();
    served.relay.silence(true);
    // The request may or may not arrive; the answer does not.
    const claiming = queue.claim({});
    await setTimeout(100);
    served.relay.cut();
    served.relay.silence(false);
    const result = await claiming;
    expect(result.kind).toBe('claimed');
    expect(served.states.replaceAll('.', '')).toBe('r');
  });

  it('leaves no claim behind that was made while it was away', async () => {
    const served = await Served.make('. a\n. b\n. c\n', {}, 300);
    const queue = await served.client();
    const claiming = queue.claim({});
    await served.reaches('r..');
    served.relay.cut();
    expect((await claiming).kind).toBe('claimed');
    await eventually('one job is claimed, not two', () => served.states.replaceAll('.', '') === 'r');
  });

  it('gives up its request, and not its claims, when its patience runs out', async () => {
    const served = await Served.make('. a\n. b\n');
    const queue = await served.client(300);
    const taken = await claim(queue);
    served.relay.isClosed = true;
    served.relay.cut();
    await expect(queue.counts()).rejects.toMatchObject({ code: 'queue', hint: expect.stringMatching(/./) });
    await expect(queue.changed(AbortSignal.timeout(5000))).rejects.toMatchObject({ code: 'queue' });
    served.relay.isClosed = false;
    await served.says('is back, with 1 job');
    expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
  });

  it('stops asking when it is told to', async () => {
    const served = await Served.make('. a\n');
    const queue = await served.client();
    served.relay.isClosed = true;
    served.relay.cut();
    await eventually('the client has noticed', () => served.relay.connections === 0);
    const stop = new AbortController();
    const claiming = queue.claim({ signal: stop.signal });
    await setTimeout(100);
    stop.abort();
    await expect(claiming).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('can exit at any moment while it reconnects', { tags: ['slow'] }, async () => {
    const served = await Served.make('. a\n');
    // The first attempt to reconnect is made after 25 to 50 ms, and takes some time.
    for (let pause = 0; pause < 80; pause++) {
      const queue = await openQueue(served.relay.url, { token: TOKEN });
      served.relay.cut();
      await setTimeout(pause);
      await queue.close();
    }
    await eventually('nobody is connected', () => served.relay.connections === 0);
  });

  it('appends once what it appends while connections are cut', async () => {
    const served = await Served.make('');
    const queue = await served.client();
    const random = new Random(7);
    for (let at = 0; at < 40; at++) {
      const appended = queue.append([Buffer.from(`job ${at}`)]);
      if (random.chance(0.5)) {
        await setTimeout(random.between(0, 3));
        served.relay.cut();
      }
      await appended;
    }
    expect(served.content).toBe(Array.from({ length: 40 }, (_, at) => `. job ${at}\n`).join(''));
  });

  it('also appends once when that takes longer than the check that the client is there', { tags: ['slow'] }, async () => {
    const served = await Served.make('', { grace: 1000 }, 2000);
    const queue = await served.client();
    const appended = queue.append([Buffer.from('a')]);
    await setTimeout(1200);
    served.relay.cut();
    await appended;
    expect(served.content).toBe('. a\n');
  });

  it('receives confirmation of its result even if the write takes long', { tags: ['slow'] }, async () => {
    const served = await Served.make('. a\n', { grace: 1000 }, 2000);
    const queue = await served.client();
    const finished = (await claim(queue)).finish({ state: 'd' });
    await setTimeout(1200);
    served.relay.cut();
    expect(await finished).toEqual({ kind: 'recorded' });
    expect(served.content).toBe('d a\n');
  });

  it('cut off repeatedly, at any moment, loses no job and runs none twice', async () => {
    const count = 300;
    const served = await Served.make(Array.from({ length: count }, (_, at) => `. job ${at}\n`).join(''));
    const ran: number[] = [];
    let isOver = false;
    const clients = await Promise.all(Array.from({ length: 5 }, () => served.client(30_000)));
    const work = async (queue: Queue): Promise<void> => {
      for (let result = await queue.claim({}); result.kind === 'claimed'; result = await queue.claim({})) {
        ran.push(Number(result.claim.job.id));
        expect(await result.claim.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
      }
    };
    const random = new Random(11);
    const cutting = (async () => {
      let cuts = 0;
      for (; !isOver && cuts < 10_000; cuts++) {
        await setTimeout(random.between(1, 60));
        served.relay.cut();
      }
      return cuts;
    })();
    await Promise.all(clients.map(work));
    isOver = true;
    expect(await cutting).toBeGreaterThan(5);
    expect(ran.sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, at) => at + 1));
    expect(served.states).toBe('d'.repeat(count));
  });
});
