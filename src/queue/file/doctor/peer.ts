import { randomBytes } from 'node:crypto';
import { hostName } from '../../../system/host.js';
import { PEER_BYTES } from '../../../system/reserved-bytes.js';
import type { LockDriver } from '../locks/lock-driver.js';
import type { Finding } from './finding.js';
import { Talk } from './talk.js';

const ROUNDS = 6;

/** How long to wait for the same command to start on another host, and for each answer, in ms. */
const MEETING = 120_000;
const ANSWER = 30_000;
const PARTING = 5000;

/**
 * Meets the same command on another host and takes turns with it: one holds a lock, the other must be refused it, and be
 * granted it once it is given up. The conversation itself shows that each sees what the other writes.
 */
export async function* meetPeer(driver: LockDriver, path: string): AsyncGenerator<Finding> {
  const talk = new Talk(driver, `${path}.doctor`, `${hostName()}-${process.pid}-${randomBytes(3).toString('hex')}`);
  await talk.open();
  try {
    const other = await meet(talk);
    yield { what: 'peer', verdict: hostOf(other) === hostName() ? 'unsure' : 'good', detail: greeting(other) };
    const begins = talk.id < other;
    let answered = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const began = performance.now();
      const wrong =
        (round % 2 === 0) === begins ? await hold(talk, other, driver, path, round) : await tryAgainst(talk, other, driver, path, round);
      answered += performance.now() - began;
      if (wrong !== undefined) {
        yield { what: 'exclusion', verdict: 'bad', detail: wrong };
        return;
      }
    }
    const each = (answered / ROUNDS).toFixed(0);
    yield {
      what: 'exclusion',
      verdict: 'good',
      detail: `in ${ROUNDS} rounds, one host's lock kept the other out and let it in when it was given up`,
    };
    yield { what: 'visibility', verdict: 'good', detail: `each host sees what the other writes (${each} ms a round of four messages)` };
  } finally {
    await part(talk);
    await talk.close();
  }
}

/** Nobody takes the scratch file away while the other still reads: both say goodbye, or one has gone without. */
async function part(talk: Talk): Promise<void> {
  await talk.say('bye');
  const others = talk.hear(sayings => sayings.find(({ from, words }) => from !== talk.id && words[0] === 'bye'), PARTING, 'a goodbye');
  await others.catch(() => undefined);
}

/** Both say hello, and both say whom they see: what somebody left here who is gone is not answered. */
async function meet(talk: Talk): Promise<string> {
  const greeted = new Set<string>();
  await talk.say('hello');
  const end = performance.now() + MEETING;
  for (;;) {
    const left = Math.max(0, end - performance.now());
    const news = await talk.hear(
      sayings => {
        const met = sayings.find(({ from, words }) => words[0] === 'see' && words[1] === talk.id && greeted.has(from));
        if (met) return { met: met.from };
        const hello = sayings.find(({ from, words }) => words[0] === 'hello' && from !== talk.id && !greeted.has(from));
        return hello && { hello: hello.from };
      },
      left,
      'the same command on another host (runset --doctor --peer)',
    );
    if ('met' in news && news.met !== undefined) return news.met;
    if ('hello' in news && news.hello !== undefined) {
      greeted.add(news.hello);
      await talk.say('see', news.hello);
    }
  }
}

/** Our turn to hold. Returns what is wrong, if anything is. */
async function hold(talk: Talk, other: string, driver: LockDriver, path: string, round: number): Promise<string | undefined> {
  const file = await driver.open(path, 'change');
  try {
    const granted = await file.tryLock('exclusive', PEER_BYTES + BigInt(round), 1);
    await talk.say('held', String(round), granted ? 'granted' : 'refused');
    if (!granted) return 'a lock that nobody should hold was refused';
    const tried = await answer(talk, other, 'tried', round);
    await file.unlock(PEER_BYTES + BigInt(round), 1);
    await talk.say('freed', String(round));
    const retried = await answer(talk, other, 'retried', round);
    return verdictOn(tried, retried, other);
  } finally {
    await file.close();
  }
}

/** The other's turn to hold; ours to try. */
async function tryAgainst(talk: Talk, other: string, driver: LockDriver, path: string, round: number): Promise<string | undefined> {
  const file = await driver.open(path, 'change');
  const attempt = async (): Promise<string> => ((await file.tryLock('exclusive', PEER_BYTES + BigInt(round), 1)) ? 'granted' : 'refused');
  try {
    if ((await answer(talk, other, 'held', round)) === 'refused') return `${hostOf(other)} was refused a lock that nobody should hold`;
    const tried = await attempt();
    await talk.say('tried', String(round), tried);
    await answer(talk, other, 'freed', round);
    const retried = await attempt();
    await talk.say('retried', String(round), retried);
    return verdictOn(tried, retried, hostName());
  } finally {
    await file.close();
  }
}

function verdictOn(tried: string, retried: string, who: string): string | undefined {
  if (tried === 'granted') return `${hostOf(who)} was granted a lock while the other host held it: the hosts do not exclude each other`;
  return retried === 'granted' ? undefined : `${hostOf(who)} was still refused a lock that the other host had given up`;
}

function answer(talk: Talk, other: string, word: string, round: number): Promise<string> {
  return talk.hear(
    sayings => {
      const said = sayings.find(({ from, words }) => from === other && words[0] === word && words[1] === String(round));
      return said && (said.words[2] ?? '');
    },
    ANSWER,
    `the peer's word "${word}"`,
  );
}

function hostOf(id: string): string {
  return id.replace(/-\d+-[0-9a-f]+$/, '');
}

function greeting(other: string): string {
  const host = hostOf(other);
  return host === hostName() ? `met itself: ${host} is this host, so this shows nothing about others` : `met ${host}`;
}
