import { onTestFinished } from 'vitest';
import type { CommitcastEvent } from '../../src/core/event.ts';
import type { CloseMessage, LiveMessage, ResetReason } from '../../src/core/protocol.ts';
import { sleep } from '../../src/core/sleep.ts';
import { gateOf, type ReadGate } from './read-gate.ts';
import { until } from './until.ts';

const path = '/v1/events/stream';

/** Reads server-sent events over `fetch`, connects again as an `EventSource` does, and writes down all that it gets. */
export interface StreamClient {
  readonly events: CommitcastEvent[];
  readonly positions: number[];
  readonly lives: LiveMessage[];
  readonly resets: { reason: ResetReason; cursor: string }[];
  readonly closes: CloseMessage[];
  /** Every message as it came, `id` included. */
  readonly messages: StreamMessage[];
  /** Answers that were no stream: an `EventSource` stops at the first. */
  readonly refusals: { status: number; code: string }[];
  readonly responses: Response[];
  readonly retries: number[];
  comments: number;
  lastEventId: string;
  /** Streams that ended, or were cut. */
  drops: number;
  /** While paused nothing is read from the connection. */
  readonly reading: ReadGate;
  close(): void;
  /** Resolves when live for the `n`-th time. */
  live(n?: number): Promise<LiveMessage>;
}

export interface StreamMessage {
  name: string;
  data: unknown;
  id: string | undefined;
}

export interface StreamOptions {
  token?: string | undefined;
  /** As a query string, or what makes one. */
  query?: string | Record<string, string>;
  headers?: Record<string, string>;
  /** Default: it does. */
  reconnect?: boolean;
}

export function openStream(
  url: string,
  { token, query = '', headers = {}, reconnect = true }: StreamOptions = {},
): StreamClient {
  const address = new URL(path, url);
  address.search = new URLSearchParams(query).toString();
  const gone = new AbortController();
  const client: StreamClient = {
    events: [],
    positions: [],
    lives: [],
    resets: [],
    closes: [],
    messages: [],
    refusals: [],
    responses: [],
    retries: [],
    comments: 0,
    lastEventId: '',
    drops: 0,
    reading: gateOf(),
    close: () => {
      gone.abort();
      client.reading.resume();
    },
    live: (n = 1) => until(() => client.lives[n - 1], { message: `live, time ${n}` }),
  };
  const connect = async () => {
    const response = await fetch(address, {
      signal: gone.signal,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(client.lastEventId === '' ? {} : { 'last-event-id': client.lastEventId }),
        ...headers,
      },
    });
    client.responses.push(response);
    if (response.status === 200 && response.body) {
      await read(response.body, client);
      return;
    }
    const body = (await response.json()) as { error: { code: string } };
    client.refusals.push({ status: response.status, code: body.error.code });
    gone.abort();
  };
  const run = async () => {
    for (;;) {
      await connect().catch(() => undefined);
      client.drops++;
      await sleep(20, gone.signal);
      if (!reconnect || gone.signal.aborted) return;
    }
  };
  void run();
  onTestFinished(() => {
    client.close();
  });
  return client;
}

async function read(body: ReadableStream<Uint8Array>, client: StreamClient): Promise<void> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body) {
    await client.reading.open();
    text += decoder.decode(chunk, { stream: true });
    const frames = text.split('\n\n');
    // What is cut in the middle is thrown away: it has not moved the id.
    text = frames.pop() ?? '';
    for (const frame of frames) take(frame, client);
  }
}

function take(frame: string, client: StreamClient): void {
  const fields: Record<string, string> = {};
  for (const line of frame.split('\n')) {
    const { name = '', value = '' } = /^(?<name>[^:]*):? ?(?<value>.*)$/.exec(line)?.groups ?? {};
    if (name === '') client.comments++;
    else fields[name] = value;
  }
  const { id, event: name, data: json, retry } = fields;
  if (retry !== undefined) client.retries.push(Number(retry));
  if (name === undefined || json === undefined) return;
  const data: unknown = JSON.parse(json);
  client.messages.push({ name, data, id });
  if (id !== undefined) client.lastEventId = id;
  if (name === 'events') {
    const { events } = data as { events: CommitcastEvent[] };
    client.events.push(...events);
    client.positions.push(...events.map(({ position }) => position));
  }
  if (name === 'live') client.lives.push(data as LiveMessage);
  if (name === 'reset') client.resets.push(data as StreamClient['resets'][number]);
  if (name === 'close') client.closes.push(data as CloseMessage);
}
