import { createServer, type Socket } from 'node:net';
import { RunmakerError } from '../../errors.js';
import type { Job } from '../../job/job.js';
import { State } from '../../job/state.js';
import { describeNotice } from '../../queue/notices.js';
import type { Queue, QueueNotice } from '../../queue/queue.js';
import type { Address } from '../../wire/address.js';
import { Channel } from '../../wire/channel.js';
import { LONGEST_FROM_CLIENT } from '../../wire/messages.js';
import { isWrongKey, serverSecurity } from '../../wire/secure.js';
import { keyOf } from '../../wire/token.js';
import type { ServerLog } from '../log.js';
import { AuthThrottle, addressOf } from './connections/auth-throttle.js';
import { Connection } from './connections/connection.js';
import { handshake } from './connections/handshake.js';
import { StallDetector } from './connections/stall-detector.js';
import type { House } from './house.js';
import { LegacyHandler } from './legacy/legacy-handler.js';
import { listen } from './listen.js';
import { ChangeNotifier } from './notification/change-notifier.js';
import { AppendBudget } from './requests/append-buffer.js';
import { SharedQuery } from './requests/shared-query.js';
import { ClaimRecovery } from './sessions/claim-recovery.js';
import { OrphanReclaimer } from './sessions/orphan-reclaimer.js';
import { SessionRegistry } from './sessions/session-registry.js';

/** How a queue is served. Times in ms. */
export interface ServeOptions {
  readonly address: Address;
  readonly token: string;
  /** How long a client keeps its claims after it was last heard. */
  readonly grace: number;
  /** Set back to `.` what clients have left behind that do not come back, and all other orphans. */
  readonly reclaim?: boolean;
  /** Give out failed jobs and errors too, each at most once. */
  readonly retry?: boolean;
  /** Also speak the older program's protocol, which everybody on the way can read. */
  readonly legacy?: boolean;
  readonly maxClients: number;
  readonly log: ServerLog;
}

/** A queue that is being served. */
export interface Service {
  /** Where it listens. */
  readonly address: Address;
  /** How many jobs clients have now. */
  readonly claims: number;
  /** Stops listening and leaves all clients alone; their jobs run on. */
  close(): Promise<void>;
}

const LONGEST_PULSE = 10_000;
const SHORTEST_PULSE = 100;
/** What clients together may have under way to be appended, in bytes. */
const APPEND_BUDGET = 64 * 1024 * 1024;

/**
 * Serves a queue to clients on other hosts. The queue stays what it is: others may work on it at the same time.
 * @throws RunmakerError when the queue cannot be served, or the address is taken
 */
export async function serve(queue: Queue, options: ServeOptions): Promise<Service> {
  const { log, grace, reclaim = false, maxClients } = options;
  if (queue.adopt === undefined) throw new RunmakerError('usage', `${queue.name} cannot be served to others`, { hint: 'name a runs file' });
  // Refused where orphans cannot be told from running jobs: better now than after the grace.
  if (reclaim && !queue.capabilities.presence) await queue.reclaim();
  const bulletin = new ChangeNotifier(queue);
  const returning = await ClaimRecovery.find(queue);
  const pulse = Math.min(LONGEST_PULSE, Math.max(SHORTEST_PULSE, Math.round(grace / 3)));
  const attention = new StallDetector(pulse);
  const house: House = {
    queue,
    bulletin,
    attention,
    returning,
    sessions: new SessionRegistry(returning, bulletin, attention, { grace, reclaim, maxClients }, log),
    counting: new SharedQuery(() => queue.counts()),
    inHand: new SharedQuery(() => jobsInHand(queue)),
    budget: new AppendBudget(APPEND_BUDGET),
    retry: options.retry ?? false,
    retried: new Set(),
    tell: teller(log),
    pulse,
    log,
  };
  const reclaimer = new OrphanReclaimer(house, { grace, reclaim });
  const gate = new AuthThrottle(log);
  const open = new Set<Socket>();
  const legacy = options.legacy ? new LegacyHandler(house, gate, options.token) : undefined;

  const security = serverSecurity(keyOf(options.token));
  const receive = (socket: Socket): void =>
    handshake(socket, security, {
      proved: secure => {
        gate.known(socket);
        new Connection(new Channel(secure, LONGEST_FROM_CLIENT), addressOf(socket), house);
      },
      failed: ({ code }) => {
        if (code?.startsWith('ERR_SSL_')) gate.failed(socket, isWrongKey(code) ? 'wrong token' : 'does not speak our protocol');
      },
    });
  const server = createServer({ noDelay: true, allowHalfOpen: legacy !== undefined }, socket => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    gate.admit(socket, admitted => (legacy ? legacy.sort(admitted, receive) : receive(admitted)));
  });
  try {
    const address = await listen(server, options.address);
    server.on('error', error => log.warn(error.message));
    reclaimer.start();
    return {
      address,
      get claims() {
        return house.sessions.claims + (legacy?.claims ?? 0);
      },
      async close() {
        server.close();
        reclaimer.stop();
        attention.close();
        await house.sessions.close();
        gate.close();
        for (const socket of open) socket.destroySoon();
      },
    };
  } catch (error) {
    attention.close();
    for (const claim of returning.takeRest()) await claim.abandon?.();
    throw error;
  }
}

async function jobsInHand(queue: Queue): Promise<readonly Job[]> {
  const all: Job[] = [];
  for await (const jobs of queue.jobs({ states: [State.running, State.claimed] })) all.push(...jobs);
  return all;
}

/** Writes what concerns the file itself into the log, each thing once. */
function teller(log: ServerLog): (notice: QueueNotice) => void {
  const told = new Set<string>();
  return notice => {
    const { message, hint } = describeNotice(notice);
    const text = `${message}; ${hint}`;
    if (!told.has(text)) log.warn(text);
    told.add(text);
  };
}
