import type { ServerLog } from '../../log.js';
import type { RequestContext } from '../requests/request-context.js';
import type { SessionRegistry } from '../sessions/session-registry.js';
import type { StallDetector } from '../sessions/stall-detector.js';

/** What a connection works with, the same for all clients of a server. */
export interface ConnectionContext {
  readonly sessions: Pick<SessionRegistry, 'admit' | 'greet' | 'leave' | 'disconnected'>;
  readonly requests: RequestContext;
  readonly stalls: StallDetector;
  /** How often clients are pinged, in ms. */
  readonly pulse: number;
  readonly log: ServerLog;
}
