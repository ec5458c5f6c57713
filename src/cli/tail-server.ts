import { io, type Socket } from 'socket.io-client';
import { codes } from '../core/codes.ts';
import { CommitcastError, isCode } from '../core/errors.ts';
import type { ClientToServerEvents, ServerToClientEvents } from '../core/protocol.ts';
import { sleep } from '../core/sleep.ts';
import type { TailRequest } from './tail-request.ts';

/** Follows through a server, with the rights of a token. */
export async function tailServer(url: string, token: string, request: TailRequest): Promise<void> {
  const { org, subscription, signal, print, tell } = request;
  if (request.fromStart)
    throw new CommitcastError('USAGE', '--from-start is for the database; over --url give a --cursor');
  let { cursor } = request;
  const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io(url, {
    autoConnect: false,
    auth: (give) => {
      // What came in the instant of a disconnect is handed out at the next connect; and so is its replay.
      socket.receiveBuffer = [];
      give({ token, org, cursor, retries: true, subscriptions: subscription ? [subscription] : [] });
    },
  });
  const refused = new Promise<never>((_resolve, reject) => {
    socket.on('connect_error', (error: Error & { data?: { code?: unknown; retryAfterMs?: unknown } }) => {
      const { code, retryAfterMs } = error.data ?? {};
      if (isCode(code) && codes[code].retry) {
        tell(`${code}: ${error.message}; trying again`);
        // A refusal ends the client's own attempts.
        void sleep(typeof retryAfterMs === 'number' ? retryAfterMs : 1_000, signal).then(() => {
          if (!signal.aborted) socket.connect();
        });
      } else if (isCode(code)) reject(new CommitcastError(code, error.message));
      else tell(`no connection: ${error.message}; trying again`);
    });
    socket.on('close', ({ code, message, retry }) => {
      if (retry) tell(`${code}: ${message}`);
      else reject(new CommitcastError(code, message));
    });
  });
  socket.on('events', (events, after) => {
    for (const event of events) print(event, after);
    cursor = after;
  });
  socket.on('live', (message) => {
    cursor = message.cursor;
    for (const { subscription: asked, code } of message.denied) tell(`${code}: ${JSON.stringify(asked)}`);
  });
  socket.on('checkpoint', (message) => {
    cursor = message.cursor;
  });
  socket.on('reset', (message) => {
    cursor = message.cursor;
    tell(`reset (${message.reason}): events are missing here; going on after ${message.cursor}`);
  });
  socket.connect();
  try {
    await Promise.race([refused, sleep(2 ** 31 - 1, signal)]);
  } finally {
    socket.disconnect();
  }
}
