import { RunmakerError } from '../../errors.js';
import type { Answer } from '../../wire/messages.js';

/** Throws for an answer that does not belong to the request. */
export function unexpected(answer: Answer): never {
  throw new RunmakerError('queue', `the server answered "${answer.type}", which makes no sense here`, {
    hint: 'make sure that server and client are of the same version',
  });
}
