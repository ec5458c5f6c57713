import { codes, type Code } from '../core/codes.ts';
import type { CloseMessage } from '../core/protocol.ts';

interface Leaving {
  emit(event: 'close', message: CloseMessage): unknown;
  disconnect(close: boolean): unknown;
  readonly conn: { close(discard?: boolean): unknown };
}

/** Tells why, then ends the connection: so that stock clients come back, or so that they do not. */
export function farewell(socket: Leaving, code: Code): void {
  const { retry, meaning: message } = codes[code];
  socket.emit('close', { code, message, retry });
  // Who does not read would never take what is still to be sent.
  if (retry) socket.conn.close(code === 'SLOW_CONSUMER');
  else socket.disconnect(true);
}
