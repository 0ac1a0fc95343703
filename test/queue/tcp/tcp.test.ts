import { describeQueue } from '../../conformance/queue-conformance.js';
import { tcpQueues } from '../../support/tcp-queue.js';

describeQueue('a runs file, served over TCP', { presence: true }, tcpQueues());
