/**
 * Serves a queue over TCP or a Unix socket. connections/: from the first byte to the welcome · sessions/: clients over all their
 * connections, and their claims · requests/: what clients ask for · notification/: news of changes · legacy/: clients of runmaker4.
 */

import { createServer, type Socket } from 'node:net';
import { RunmakerError } from '../../errors.js';
import type { Job } from '../../job/job.js';
import { State } from '../../job/state.js';
import type { Queue } from '../../queue/queue.js';
import type { Address } from '../../wire/address.js';
import { Channel } from '../../wire/channel.js';
import { LONGEST_FROM_CLIENT } from '../../wire/messages.js';
import { isWrongKey, serverSecurity } from '../../wire/secure.js';
import { keyOf } from '../../wire/token.js';
import type { ServerLog } from '../log.js';
import { AuthThrottle, addressOf } from './connections/auth-throttle.js';
import { Connection } from './connections/connection.js';
import type { ConnectionContext } from './connections/connection-context.js';
import { handshake } from './connections/handshake.js';
import { sortByFirstByte } from './legacy/first-byte.js';
import { LegacyClaims } from './legacy/legacy-claims.js';
import { LegacyHandler } from './legacy/legacy-handler.js';
import { listen } from './listen.js';
import { ChangeNotifier } from './notification/change-notifier.js';
import { ownerNotices } from './notification/owner-notices.js';
import { AppendBudget } from './requests/append-buffer.js';
import type { RequestContext } from './requests/request-context.js';
import { RetryFilter } from './requests/retry-filter.js';
import { SharedQuery } from './requests/shared-query.js';
import { AbandonedClaims } from './sessions/abandoned-claims.js';
import { ClaimRecovery } from './sessions/claim-recovery.js';
import { OrphanReclaimer } from './sessions/orphan-reclaimer.js';
import { Revocations } from './sessions/revocations.js';
import { RevocationsFile } from './sessions/revocations-file.js';
import { SessionRegistry } from './sessions/session-registry.js';
import { StallDetector } from './sessions/stall-detector.js';

/** How a queue is served. Times in ms. */
export interface ServeOptions {
  readonly address: Address;
  readonly token: string;
  /** How long a client keeps its claims after it was last heard. */
  readonly grace: number;
  /** Set back to `.` the jobs of clients that do not come back, and all other orphans. */
  readonly reclaim?: boolean;
  /** Give out failed jobs and errors too, each at most once. */
  readonly retry?: boolean;
  /** Also speak the plain protocol of runmaker4, which can be read by all on the way. */
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
  /** Stops listening and ends all connections; the jobs of clients run on. */
  close(): Promise<void>;
}

const LONGEST_PULSE = 10_000;
const SHORTEST_PULSE = 100;
/** What clients together may have buffered for appends, in bytes. */
const APPEND_BUDGET = 64 * 1024 * 1024;

/**
 * Serves a queue to clients on other hosts. Others may work on the queue itself at the same time.
 * @throws RunmakerError when the queue cannot be served, or the address is taken
 */
export async function serve(queue: Queue, options: ServeOptions): Promise<Service> {
  const { log, grace, reclaim = false, maxClients, token } = options;
  if (queue.adopt === undefined) throw new RunmakerError('usage', `${queue.name} cannot be served to others`, { hint: 'name a runs file' });
  // Refused where orphans cannot be told from running jobs: better now than after the grace.
  if (reclaim && !queue.capabilities.presence) await queue.reclaim();
  const changes = new ChangeNotifier(queue);
  const recovery = await ClaimRecovery.find(queue);
  const pulse = Math.min(LONGEST_PULSE, Math.max(SHORTEST_PULSE, Math.round(grace / 3)));
  const stalls = new StallDetector(pulse);
  const revocations = new Revocations(log, new RevocationsFile(`${queue.address}.revoked`));
  const abandoned = new AbandonedClaims(revocations, changes, reclaim, log);
  const sessions = new SessionRegistry({ recovery, revocations, abandoned }, stalls, { grace, maxClients }, log);
  const requests: RequestContext = {
    queue,
    changes,
    revocations,
    retries: new RetryFilter(options.retry ?? false),
    counts: new SharedQuery(() => queue.counts()),
    activeJobs: new SharedQuery(() => activeJobs(queue)),
    appendBudget: new AppendBudget(APPEND_BUDGET),
    notifyOwner: ownerNotices(log),
    log,
  };
  const reclaimer = new OrphanReclaimer({ ...requests, recovery, abandoned, stalls }, { grace, reclaim });
  const throttle = new AuthThrottle(log);
  const legacyClaims = new LegacyClaims(recovery);
  const legacy = options.legacy ? new LegacyHandler({ ...requests, claims: legacyClaims, throttle, token }) : undefined;

  const open = new Set<Socket>();
  const receive = receiver({ sessions, requests, stalls, pulse, log }, throttle, token);
  const server = createServer({ noDelay: true, allowHalfOpen: legacy !== undefined }, socket => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    throttle.admit(socket, admitted => {
      if (legacy === undefined) receive(admitted);
      else sortByFirstByte(admitted, { tls: receive, plain: plain => void legacy.serve(plain) });
    });
  });
  try {
    const address = await listen(server, options.address);
    server.on('error', error => log.warn(error.message));
    reclaimer.start();
    return {
      address,
      get claims() {
        return sessions.claims + legacyClaims.size;
      },
      async close() {
        server.close();
        reclaimer.stop();
        stalls.close();
        await sessions.close();
        throttle.close();
        for (const socket of open) socket.destroySoon();
      },
    };
  } catch (error) {
    stalls.close();
    for (const { claim } of recovery.takeRest()) await claim.abandon?.();
    throw error;
  }
}

/** Takes new connections: those whose peers prove that they know the token. */
function receiver(context: ConnectionContext, throttle: AuthThrottle, token: string): (socket: Socket) => void {
  const security = serverSecurity(keyOf(token));
  return socket =>
    handshake(socket, security, {
      proved: secure => {
        throttle.proved(socket);
        new Connection(new Channel(secure, LONGEST_FROM_CLIENT), addressOf(socket), context);
      },
      failed: ({ code }) => {
        if (code?.startsWith('ERR_SSL_')) throttle.failed(socket, isWrongKey(code) ? 'wrong token' : 'does not speak our protocol');
      },
    });
}

async function activeJobs(queue: Queue): Promise<readonly Job[]> {
  const all: Job[] = [];
  for await (const jobs of queue.jobs({ states: [State.running, State.claimed] })) all.push(...jobs);
  return all;
}
