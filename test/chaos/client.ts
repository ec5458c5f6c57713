import { io, type ManagerOptions, type Socket } from 'socket.io-client';
import type { ClientToServerEvents, ServerToClientEvents } from '../../src/core/protocol.ts';
import { sleep } from '../../src/core/sleep.ts';
import type { Subscription } from '../../src/core/subscription.ts';
import { isSeenBy, positionOf, type SeenEvent } from '../support/history-checker.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import type { Ledger } from './ledger.ts';

export type Transport = 'websocket' | 'polling' | 'upgrade';

export interface ChaosClientOptions {
  name: string;
  org: string;
  subscriptions: readonly Subscription[];
  transport: Transport;
  ledger: Ledger;
  onEvent?: ((event: SeenEvent) => void) | undefined;
}

const transports: Record<Transport, NonNullable<ManagerOptions['transports']>> = {
  websocket: ['websocket'],
  polling: ['polling'],
  upgrade: ['polling', 'websocket'],
};

/** Longer than a run may last. */
const tokenSeconds = 24 * 3_600;

/** An instance may be behind the order, or have trouble of its own; not for so long. */
const refusalTimeoutMs = 30_000;

type StockSocket = Socket<ServerToClientEvents, ClientToServerEvents>;

/** The parts of `ws` that a client which does not read needs. */
interface Pausable {
  transport?: { ws?: { pause(): void; resume(): void; isPaused: boolean } };
}

/**
 * A stock client that keeps its cursor as the README shows it, over all its connections and to whatever instance, and
 * remembers the positions that its callback got, in that order.
 */
export class ChaosClient {
  readonly name: string;
  readonly org: string;
  readonly subscriptions: readonly Subscription[];
  readonly transport: Transport;
  readonly positions: number[] = [];
  /** What was wrong at sight: of another scope, not what others saw there, announced as lost, or refused. */
  readonly foreign: string[] = [];
  readonly altered: string[] = [];
  readonly resets: string[] = [];
  readonly refusals: string[] = [];
  readonly leaks: string[] = [];
  /** What came again, and on which connection, for whoever has to find out why. */
  readonly repeats: string[] = [];
  /** Everything after this position is its due. */
  start: number | undefined;
  /** Its right to the org was taken away; from then on it must stay refused. */
  revoked = false;
  /** What it was told last: `ORG_FORBIDDEN` when the revocation has reached it. */
  farewell: string | undefined;
  drops = 0;
  cursor: string | undefined;
  readonly #options: ChaosClientOptions;
  #token: string | undefined;
  #socket: StockSocket | undefined;
  #live = false;

  constructor(options: ChaosClientOptions) {
    this.#options = options;
    this.name = options.name;
    this.org = options.org;
    this.subscriptions = options.subscriptions;
    this.transport = options.transport;
  }

  get live(): boolean {
    return this.#live;
  }

  /** Last position that it was told of; -1: none so far. */
  get end(): number {
    return this.cursor === undefined ? -1 : positionOf(this.cursor);
  }

  /** Whether it can stop reading: only a WebSocket can. */
  get canPause(): boolean {
    return (this.#socket?.io.engine as Pausable | undefined)?.transport?.ws !== undefined;
  }

  /** Connects, and comes back by itself until it leaves. */
  async connect(url: string): Promise<void> {
    this.leave();
    const token = (this.#token ??= await signToken(
      { sub: this.name, org_id: this.org },
      { ttlSeconds: tokenSeconds },
    ));
    const socket: StockSocket = io(url, {
      autoConnect: false,
      forceNew: true,
      transports: transports[this.transport],
      reconnectionDelay: 20,
      reconnectionDelayMax: 250,
      auth: (give) => {
        // What came in the instant of a disconnect is handed out at the next connect; and so is its replay.
        socket.receiveBuffer = [];
        const cursor = this.cursor === undefined ? {} : { cursor: this.cursor };
        give({ token, subscriptions: [...this.subscriptions], ...cursor });
      },
    });
    this.#socket = socket;
    this.#listen(socket);
    socket.connect();
  }

  leave(): void {
    this.#note('left');
    this.#live = false;
    this.#socket?.removeAllListeners().disconnect();
    this.#socket = undefined;
  }

  /** Ends the transport, as a network does; the client comes back by itself. */
  cut(): void {
    this.#note('cut');
    this.#socket?.io.engine?.close();
  }

  /** Stops reading, until the signal aborts; then goes on. */
  async pause(ms: number, signal: AbortSignal): Promise<void> {
    const { ws } = (this.#socket?.io.engine as Pausable | undefined)?.transport ?? {};
    ws?.pause();
    await sleep(ms, signal);
    if (ws?.isPaused) ws.resume();
  }

  /** Resolves when live, or when told that it may not. */
  async settled(timeoutMs: number): Promise<void> {
    const done = () => this.#live || this.farewell !== undefined;
    await until(done, { timeoutMs, message: `${this.name} to be live` });
  }

  /** Resolves when it was told that it may not, there too. One that stays admitted has written it down as a leak. */
  async refusedBy(url: string): Promise<void> {
    const refused = () =>
      until(() => this.farewell !== undefined, { timeoutMs: refusalTimeoutMs, message: 'a refusal' });
    try {
      await refused();
      this.farewell = undefined;
      await this.connect(url);
      await refused();
    } catch {
      this.leaks.push(`${this.name} is still admitted, or was never told, at ${url}`);
    }
  }

  #listen(socket: StockSocket): void {
    const { ledger, onEvent } = this.#options;
    socket.on('events', (events, cursor) => {
      this.start ??= (events[0]?.position ?? 0) - 1;
      const from = events[0]?.position ?? 0;
      const last = this.positions.at(-1) ?? 0;
      if (from <= last)
        this.repeats.push(
          `${from} to ${cursor} after ${last} and ${this.cursor}; ${this.#trace.slice(-8).join(', ')}; on ${this.#describe(socket)}`,
        );
      for (const event of events as SeenEvent[]) {
        this.positions.push(event.position);
        if (!isSeenBy(this, event)) this.foreign.push(`${event.id} at ${event.position} of ${event.org}`);
        if (!ledger.agrees(event)) this.altered.push(`${event.id} at ${event.position}`);
        onEvent?.(event);
      }
      this.cursor = cursor;
    });
    socket.on('connect', () => this.#note(`connected from ${this.cursor} on ${this.#describe(socket)}`));
    socket.on('live', (message) => {
      this.#note(`live at ${message.cursor} on ${this.#describe(socket)}`);
      this.start ??= positionOf(message.cursor);
      this.cursor = message.cursor;
      this.#live = true;
      for (const { code } of message.denied) this.refusals.push(code);
    });
    socket.on('reset', ({ reason, cursor }) => {
      this.resets.push(`${reason} at ${cursor}, from ${this.cursor}`);
      this.cursor = cursor;
    });
    socket.on('checkpoint', ({ cursor }) => {
      this.cursor = cursor;
    });
    socket.on('close', ({ code, retry }) => {
      if (!retry) this.#refused(code);
    });
    socket.on('disconnect', (reason) => {
      this.#note(`disconnected: ${reason}`);
      this.#live = false;
      this.drops++;
    });
    socket.on('connect_error', (error: Error & { data?: { code?: string } }) => {
      // `active`: the transport failed, and the client tries again by itself.
      if (socket.active || this.#socket !== socket) return;
      this.#refused(error.data?.code ?? error.message);
      if (this.farewell === undefined) void sleep(50).then(() => this.#socket === socket && socket.connect());
    });
  }

  readonly #trace: string[] = [];

  #note(text: string): void {
    this.#trace.push(`${Math.round(performance.now())} ${text}`);
    if (this.#trace.length > 40) this.#trace.splice(0, 20);
  }

  #describe(socket: StockSocket): string {
    const engine = socket.io.engine as { id?: string; transport?: { name: string } } | undefined;
    return `${this.transport} ${engine?.transport?.name} ${engine?.id} ${socket.id}`;
  }

  #refused(code: string): void {
    if (this.revoked && code === 'ORG_FORBIDDEN') this.farewell = code;
    else this.refusals.push(code);
  }
}
