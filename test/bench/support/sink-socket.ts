import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { nowUs } from './answer.ts';
import { clientFrame, FrameReader, opcodes } from './sink-frames.ts';
import { scan, type Scanned } from './sink-scan.ts';

/**
 * What is spoken over the WebSocket, and when a client counts as connected: `commitcast` when it is `live`, `socket.io`
 * when its namespace is, `ws` when the socket is open.
 */
export type SinkKind = 'commitcast' | 'socket.io' | 'ws';

/** Where all sockets read into: each is done with it before another one reads. */
const buffer = Buffer.allocUnsafe(256 * 1_024);

const pong = clientFrame('3');

/** One client: a raw TCP socket that speaks as little WebSocket, Engine.IO and Socket.IO as will do. */
export class SinkSocket {
  /** Events since the last `forget`, in so many messages, and how many of them came again, or after a later one. */
  events = 0;
  messages = 0;
  doubled = 0;
  disordered = 0;
  resets = 0;
  bytes = 0;
  firstAtUs = Infinity;
  lastAtUs = -Infinity;
  readonly beganAtUs = nowUs();
  liveAtUs = NaN;
  /** Private session id of Socket.IO's recovery. */
  pid: string | undefined;
  /** The last cursor or offset. */
  place: string | undefined;
  /** Why it ended, unless by `end`. */
  failure: string | undefined;
  readonly #kind: SinkKind;
  readonly #auth: object;
  readonly #latencies: number[];
  readonly #socket: Socket;
  readonly #frames = new FrameReader((opcode, bytes, start, end) => {
    this.#onFrame(opcode, bytes, start, end);
  });
  readonly #onSettled: () => void;
  #head: string | undefined = '';
  #last = 0;
  #nowUs = 0;

  /** Latencies of events that say when they were due are pushed to `latencies`; `onSettled` hears that it is live, or failed. */
  constructor(url: URL, kind: SinkKind, auth: object, latencies: number[], onSettled: () => void) {
    this.#kind = kind;
    this.#auth = auth;
    this.#latencies = latencies;
    this.#onSettled = onSettled;
    this.#socket = connect({
      host: url.hostname,
      port: Number(url.port),
      noDelay: true,
      onread: {
        buffer,
        callback: (length) => {
          this.#read(buffer.subarray(0, length));
          return true;
        },
      },
    });
    const path = kind === 'ws' ? url.pathname + url.search : '/socket.io/?EIO=4&transport=websocket';
    this.#socket.write(upgradeRequest(path, url));
    this.#socket.on('error', (error) => {
      this.#fail(error.message);
    });
    this.#socket.on('close', () => {
      this.#fail('closed by the server');
    });
  }

  /** Stops reading, from TCP on. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Counts from nothing again; the order is still that since the beginning. */
  forget(): void {
    this.events = this.messages = this.doubled = this.disordered = this.resets = this.bytes = 0;
    this.firstAtUs = Infinity;
    this.lastAtUs = -Infinity;
  }

  end(): void {
    this.#socket.removeAllListeners('close');
    this.#socket.destroy();
  }

  #read(bytes: Buffer): void {
    this.#nowUs = nowUs();
    this.bytes += bytes.length;
    if (this.#head === undefined) {
      this.#frames.read(bytes);
      return;
    }
    this.#head += bytes.toString('latin1');
    const end = this.#head.indexOf('\r\n\r\n');
    if (end < 0) return;
    if (!this.#head.startsWith('HTTP/1.1 101')) {
      this.#fail(this.#head.slice(0, 200));
      return;
    }
    const rest = Buffer.from(this.#head.slice(end + 4), 'latin1');
    this.#head = undefined;
    if (this.#kind === 'ws') this.#isLive();
    if (rest.length > 0) this.#frames.read(rest);
  }

  #onFrame(opcode: number, bytes: Buffer, start: number, end: number): void {
    if (opcode === opcodes.ping)
      this.#socket.write(clientFrame(Buffer.from(bytes.subarray(start, end)), opcodes.pong));
    else if (opcode === opcodes.close) this.#fail('closed by the server');
    else if (this.#kind !== 'ws' && end - start === 1 && bytes[start] === 0x32) this.#socket.write(pong);
    else this.#onMessage(scan(bytes, start, end));
  }

  #onMessage(message: Scanned): void {
    if (message.positions.length > 0) this.#count(message);
    else if (this.#kind !== 'ws') this.#onPacket(message.text);
  }

  /** Packets of Engine.IO (`0` open) with those of Socket.IO in them (`40` connect, `42` event, `44` refused). */
  #onPacket(text: string): void {
    if (text.startsWith('0')) this.#socket.write(clientFrame(`40${JSON.stringify(this.#auth)}`));
    else if (text.startsWith('44') || text.startsWith('41')) this.#fail(text);
    else if (text.startsWith('40')) {
      this.pid = (JSON.parse(text.slice(2)) as { pid?: string }).pid;
      if (this.#kind === 'socket.io') this.#isLive();
    } else if (text.startsWith('42["live"')) {
      this.place = /"cursor":"([^"]*)"/.exec(text)?.[1];
      this.#isLive();
    } else if (text.startsWith('42["reset"')) this.resets += 1;
  }

  #count({ positions, isRising, dues, place }: Scanned): void {
    this.place = place ?? this.place;
    this.events += positions.length;
    this.messages += 1;
    this.lastAtUs = this.#nowUs;
    if (this.firstAtUs === Infinity) this.firstAtUs = this.#nowUs;
    for (const due of dues) this.#latencies.push(this.#nowUs - due);
    // Nearly always: one comparison instead of one for each event.
    if (isRising && (positions[0] ?? 0) > this.#last) {
      this.#last = positions.at(-1) ?? 0;
      return;
    }
    for (const position of positions) {
      if (position > this.#last) this.#last = position;
      else if (position === this.#last) this.doubled += 1;
      else this.disordered += 1;
    }
  }

  /** Also heard again, when a slow session is up to date. */
  #isLive(): void {
    if (!Number.isNaN(this.liveAtUs)) return;
    this.liveAtUs = nowUs();
    this.#onSettled();
  }

  #fail(reason: string): void {
    if (this.failure !== undefined) return;
    this.failure = reason;
    this.end();
    if (Number.isNaN(this.liveAtUs)) this.#onSettled();
  }
}

/** With headers as a browser sends them, which servers keep; but no offer to compress. */
function upgradeRequest(path: string, { host, origin }: URL): string {
  return [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}`,
    'Connection: Upgrade',
    'Pragma: no-cache',
    'Cache-Control: no-cache',
    'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
    'Upgrade: websocket',
    `Origin: ${origin}`,
    'Sec-WebSocket-Version: 13',
    'Accept-Encoding: gzip, deflate, br, zstd',
    'Accept-Language: en-GB,en;q=0.9',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    '\r\n',
  ].join('\r\n');
}
