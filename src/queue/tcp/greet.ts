import type { Channel } from '../../wire/channel.js';
import { type FromClient, type FromServer, type Hello, readFromServer, type Welcome } from '../../wire/messages.js';

/** A server that is silent for this many of its pulses is gone. */
const SILENT_PULSES = 2.5;
/** How long a server may take for its welcome, in ms. */
const WELCOME_PATIENCE = 30_000;

/** Receives a channel's events after the hello. */
export interface ChannelEvents {
  welcome(welcome: Welcome): void;
  /** The server does not admit the client. The channel is ended. */
  refused(refusal: Extract<FromServer, { type: 'refusal' }>): void;
  message(message: Exclude<FromServer, { type: 'welcome' | 'refusal' | 'ping' }>): void;
  /** The channel is over. Called once. */
  over(cause: Error): void;
}

/** Says hello over a new channel, answers pings, and ends the channel when the server falls silent. */
export function greet(channel: Channel<FromClient>, hello: Omit<Hello, 'type'>, events: ChannelEvents, signal: AbortSignal): void {
  const late = setTimeout(() => channel.destroy(new Error('the server says nothing')), WELCOME_PATIENCE);
  // Until the welcome nothing else refers to the channel and could close it.
  const stop = (): void => channel.destroy();
  const stopWaiting = (): void => {
    clearTimeout(late);
    signal.removeEventListener('abort', stop);
  };
  signal.addEventListener('abort', stop, { once: true });
  let watchdog: NodeJS.Timeout | undefined;
  channel.open({
    line: line => {
      const message = readFromServer(line);
      switch (message.type) {
        case 'welcome':
          if (watchdog !== undefined) return;
          stopWaiting();
          watchdog = watchSilence(channel, message.pulse);
          events.welcome(message);
          break;
        case 'refusal':
          events.refused(message);
          channel.destroy();
          return;
        case 'ping':
          channel.send({ type: 'pong' });
          break;
        default:
          events.message(message);
      }
    },
    over: error => {
      stopWaiting();
      clearInterval(watchdog);
      events.over(error ?? new Error('the server has ended the connection'));
    },
  });
  if (signal.aborted) stop();
  channel.send({ type: 'hello', ...hello });
}

/** Ends a channel that was silent for too long. */
function watchSilence(channel: Channel<FromClient>, pulse: number): NodeJS.Timeout {
  return setInterval(() => {
    if (performance.now() - channel.heardAt > pulse * SILENT_PULSES) channel.destroy(new Error('the server has fallen silent'));
  }, pulse / 2).unref();
}
