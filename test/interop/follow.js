import { io } from 'socket.io-client';

const passing = [
  'RATE_LIMITED',
  'SLOW_CONSUMER',
  'RIGHTS_CHANGED',
  'SHUTTING_DOWN',
  'UNAVAILABLE',
  'INTERNAL',
];

/** Calls `onEvent` once for each event after `cursor`, in order, for as long as it is let. */
export function follow(url, { getToken, cursor, subscriptions = [], onEvent, onReset, onEnd, options }) {
  const socket = io(url, {
    ...options,
    autoConnect: false, // First the handlers, then the connection.
    auth: (give) => {
      getToken().then((token) => {
        // What came in the instant of a disconnect waits here for the next connect; its replay comes then, too.
        socket.receiveBuffer = [];
        give({ token, cursor, subscriptions });
      }, onEnd);
    },
  });
  const keep = (message) => (cursor = message.cursor);
  socket.on('events', (events, next) => {
    events.forEach(onEvent);
    cursor = next; // After the work.
  });
  socket.on('live', keep);
  socket.on('checkpoint', keep);
  socket.on('reset', (message) => {
    onReset(message.reason); // Load your state again.
    keep(message);
  });
  socket.on('token-expiring', () => {
    getToken().then((token) => socket.emit('authenticate', { token }, () => {}), onEnd);
  });
  socket.on('close', ({ code, retry }) => retry || onEnd(code));
  socket.on('connect_error', ({ data }) => {
    if (!data?.code) return; // The server could not be reached: this client tries again by itself.
    if (passing.includes(data.code)) setTimeout(() => socket.connect(), 1_000 + 4_000 * Math.random());
    else onEnd(data.code);
  });
  return socket.connect();
}
