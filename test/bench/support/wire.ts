import { once } from 'node:events';
import { WebSocket } from 'ws';

/**
 * A client of Socket.IO reduced to its frames. Whoever measures looks at a frame's first bytes, keeps it, and parses
 * when the time that is measured is over: so the client costs the same whatever the server is.
 */
export interface Wire {
  /** Frames of the namespace `/`, as they came, without the digit of Engine.IO: `0{…}` for connected, `2[…]` for an event. */
  readonly frames: Buffer[];
  send(frame: string): void;
  /** Cuts the TCP connection, as a lost network does. Returns when it is closed. */
  cut(): Promise<void>;
}

export interface WireOptions {
  url: string;
  /** `auth` of the handshake. Absent: a plain WebSocket without Engine.IO, whose server sends the frames by itself. */
  auth?: object;
  /** Called with each frame, which is in `frames` then. */
  onFrame: (frame: Buffer) => void;
  /** The upgrade is done. */
  onOpen?: () => void;
  /** It was cut, and not by us. */
  onLost: (error: Error) => void;
}

const ping = 0x32;
const message = 0x34;
const open = 0x30;

export function openWire({ url, auth, onFrame, onOpen, onLost }: WireOptions): Wire {
  const path = auth === undefined ? '' : '/socket.io/?EIO=4&transport=websocket';
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}${path}`, { perMessageDeflate: false });
  const frames: Buffer[] = [];
  socket.on('message', (packet: Buffer) => {
    if (packet[0] === message) {
      const frame = packet.subarray(1);
      frames.push(frame);
      onFrame(frame);
    } else if (packet[0] === open) socket.send(`40${JSON.stringify(auth)}`);
    else if (packet[0] === ping) socket.send('3');
  });
  if (onOpen) socket.once('open', onOpen);
  const onClose = () => onLost(new Error(`${url} closed the connection`));
  socket.once('close', onClose);
  socket.once('error', onLost);
  return {
    frames,
    send: (frame) => socket.send(`4${frame}`),
    cut: async () => {
      socket.off('close', onClose);
      const closed = once(socket, 'close');
      socket.terminate();
      await closed;
    },
  };
}

export const isConnected = startsWith('0');
export const isRefused = startsWith('4');
export const isLive = startsWith('2["live"');
/** One event a frame, of a stock server. */
export const isEvent = startsWith('2["event"');

function startsWith(text: string): (frame: Buffer) => boolean {
  const head = Buffer.from(text);
  return (frame) => frame.length >= head.length && frame.compare(head, 0, head.length, 0, head.length) === 0;
}

interface NumberedEvent {
  data: { n: number };
}

/** The numbers of all events in frames, in the order in which they came: ours by the array, a stock server's one by one. */
export function numbersOf(frames: readonly Buffer[]): number[] {
  return frames.flatMap((frame) => {
    if (frame[0] !== 0x32) return [];
    const [name, given] = JSON.parse(frame.toString().slice(1)) as [string, NumberedEvent | NumberedEvent[]];
    if (name !== 'events' && name !== 'event') return [];
    return (Array.isArray(given) ? given : [given]).map(({ data }) => data.n);
  });
}

export interface Completeness {
  missed: number;
  doubled: number;
  disordered: number;
}

/** Holds what came against the numbers from 0 to `expected`. */
export function judge(numbers: readonly number[], expected: number): Completeness {
  const distinct = new Set(numbers.filter((n) => n >= 0 && n < expected));
  return {
    missed: expected - distinct.size,
    doubled: numbers.length - distinct.size,
    disordered: numbers.filter((n, index) => n < (numbers[index - 1] ?? -1)).length,
  };
}

export function total(parts: readonly Completeness[]): Completeness {
  const sum = (name: keyof Completeness) => parts.reduce((so, part) => so + part[name], 0);
  return { missed: sum('missed'), doubled: sum('doubled'), disordered: sum('disordered') };
}
