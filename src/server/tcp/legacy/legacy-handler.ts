import type { Socket } from 'node:net';
import {
  ACK,
  INVALID_CMD,
  INVALID_TOKEN,
  type LegacyRequest,
  type LegacyState,
  parseLegacyRequest,
  printLegacyJob,
} from '../../../compat/runmaker4/plain-protocol.js';
import { reason } from '../../../errors.js';
import { asLine, type LineJob } from '../../../job/job.js';
import type { FinalState } from '../../../job/state.js';
import { State } from '../../../job/state.js';
import type { Claim } from '../../../queue/queue.js';
import { isSameToken } from '../../../wire/token.js';
import { type AuthThrottle, addressOf } from '../connections/auth-throttle.js';
import type { House } from '../house.js';

/** How long a client may take to say what it wants, and whether it has got its job, in ms. */
const PATIENCE = 10_000;
const LONGEST_REQUEST = 1024;
/** The first byte of a TLS record that begins a handshake (RFC 8446, 5.1). */
const TLS_HANDSHAKE = 0x16;
const LF = 0x0a;
/** From here on jobs are numbered that cannot have their own number. No file has so many, and older clients may keep it in 32 bits. */
const FIRST_SPARE = 1_000_000_000;

/** Speaks the older program's protocol. Its clients show no presence: what they have claimed is theirs until they say how it ended. */
export class LegacyHandler {
  /** By the number under which the job was given out. */
  private readonly claimed = new Map<number, Claim>();
  /** Numbers of jobs that are on their way to a client. */
  private readonly offered = new Set<number>();
  private nextSpare = FIRST_SPARE;
  /** How jobs have ended: a client that was not told may say so once more. */
  private readonly ended = new Map<number, LegacyState>();

  constructor(
    private readonly house: House,
    private readonly gate: AuthThrottle,
    private readonly token: string,
  ) {}

  /** How many jobs older clients have. */
  get claims(): number {
    return this.claimed.size;
  }

  /** Looks at the first byte of a new connection: what begins like TLS is handed on. */
  sort(socket: Socket, handOn: (socket: Socket) => void): void {
    const late = setTimeout(() => socket.destroy(), PATIENCE);
    socket.once('close', () => clearTimeout(late));
    socket.once('readable', () => {
      clearTimeout(late);
      const first = socket.read() as Buffer | null;
      if (first === null) return void socket.destroy();
      socket.unshift(first);
      if (first[0] === TLS_HANDSHAKE) handOn(socket);
      else void this.serve(socket).finally(() => this.end(socket));
    });
  }

  private async serve(socket: Socket): Promise<void> {
    const text = await hear(socket, heard => this.isComplete(heard));
    const request = text === undefined ? undefined : parseLegacyRequest(text);
    try {
      if (request === undefined) {
        if (text !== undefined) this.gate.failed(socket, 'asked for something that the older protocol does not know');
        socket.write(`${INVALID_CMD}\n`);
      } else if (!isSameToken(request.token, this.token)) {
        this.gate.failed(socket, 'wrong token');
        socket.write(`${INVALID_TOKEN}\n`);
      } else {
        this.gate.known(socket);
        if (request.kind === 'get') await this.give(socket);
        else socket.write(`${(await this.take(request, addressOf(socket))) ? ACK : INVALID_CMD}\n`);
      }
    } catch (error) {
      this.house.log.warn(`${addressOf(socket)}: ${reason(error)}`);
    }
  }

  /** Whether what came so far is a request, though no line feed has come and perhaps none will. */
  private isComplete(text: string): boolean {
    const request = parseLegacyRequest(text);
    return request?.kind === 'set' || (request?.kind === 'get' && isSameToken(request.token, this.token));
  }

  private async give(socket: Socket): Promise<void> {
    const { house } = this;
    const retry = house.retry && { retry: true, tried: house.retried };
    const result = await house.queue.claim({ ...retry, asker: this, tell: house.tell });
    if (result.kind !== 'claimed') {
      socket.write(printLegacyJob(undefined));
      return;
    }
    const { claim } = result;
    const { ordinal, command } = asLine(claim.job);
    const number = this.isInUse(ordinal) ? this.nextSpare++ : ordinal;
    this.offered.add(number);
    const wasHeard = hear(socket, text => text.length > 0);
    socket.write(printLegacyJob({ number, command }));
    const word = await wasHeard;
    this.offered.delete(number);
    if (word === undefined) {
      await claim.release({ unrun: true });
      return;
    }
    this.claimed.set(number, claim);
    this.ended.delete(number);
    house.bulletin.note();
    house.log.detail(() => `${addressOf(socket)} has claimed line ${claim.job.id}: ${command}`);
  }

  /**
   * Whether somebody has a job under this number already: an edit moves lines, and with them what they count as. Clients only hand the
   * number back, so that any other serves as well.
   */
  private isInUse(number: number): boolean {
    return this.claimed.has(number) || this.offered.has(number) || this.house.returning.hasOrdinal(number);
  }

  /** Whether the client's word was taken. */
  private async take({ number, state }: Extract<LegacyRequest, { kind: 'set' }>, who: string): Promise<boolean> {
    const { house } = this;
    const claim = this.claimed.get(number) ?? house.returning.takeOrdinal(number);
    if (claim && state === State.running) {
      this.claimed.set(number, claim);
      return true;
    }
    this.claimed.delete(number);
    const isTaken = claim
      ? (await claim.finish({ state: state as FinalState })).kind === 'recorded'
      : await this.takeUnclaimed(number, state);
    if (!isTaken) {
      house.log.warn(`${who}: that job ${number} is "${state}" was not taken: it is not that client's`);
      return false;
    }
    this.ended.set(number, state);
    if (claim && (state === State.failed || state === State.error)) house.retried.add(claim.job.id);
    house.bulletin.note();
    house.log.detail(() => `${who} has set job ${number} to "${state}"`);
    return true;
  }

  /** The end of a job that nobody has claimed from this server: it was said before, or the server has been started again since. */
  private async takeUnclaimed(number: number, state: LegacyState): Promise<boolean> {
    if (this.ended.get(number) === state) return true;
    const job = await this.jobOf(number);
    if (job === undefined || job.holder === 'present') return false;
    if (job.state !== State.running && job.state !== State.claimed) return false;
    const { changed, running } = await this.house.queue.set({ offsets: [job.offset], states: [job.state] }, state);
    return running.length === 0 && (changed === 1 || state === job.state);
  }

  private async jobOf(number: number): Promise<LineJob | undefined> {
    for await (const jobs of this.house.queue.jobs()) {
      const found = jobs.map(asLine).find(({ ordinal }) => ordinal === number);
      if (found) return found;
    }
    return undefined;
  }

  private end(socket: Socket): void {
    socket.end();
    setTimeout(() => socket.destroy(), PATIENCE).unref();
  }
}

/** What the other end says: up to a line feed, or until it is complete, or until it has said all. Undefined if it says nothing in time. */
function hear(socket: Socket, isComplete: (text: string) => boolean): Promise<string | undefined> {
  return new Promise(resolve => {
    let heard = Buffer.alloc(0);
    const finish = (text: string | undefined): void => {
      clearTimeout(late);
      socket.off('data', take).off('end', atEnd).off('close', atEnd).pause();
      resolve(text);
    };
    const atEnd = (): void => finish(heard.length > 0 ? heard.toString('latin1') : undefined);
    const late = setTimeout(atEnd, PATIENCE);
    const take = (bytes: Buffer): void => {
      heard = Buffer.concat([heard, bytes]);
      const feed = heard.indexOf(LF);
      const text = heard.toString('latin1', 0, feed < 0 ? heard.length : feed);
      if (feed >= 0 || isComplete(text)) finish(text);
      else if (heard.length > LONGEST_REQUEST) finish('');
    };
    socket.on('data', take).once('end', atEnd).once('close', atEnd).resume();
  });
}
