import type { CommitcastClient, ConnectionState, ConnectOptions } from '../../../../src/client/index.ts';
import { browser } from './browser.ts';
import type { Entry, History } from './history.ts';
import type { PageOptions } from './options.ts';

/** A state of the connection, and when it began, in milliseconds of the wall clock. */
export interface Seen {
  readonly state: ConnectionState;
  readonly at: number;
}

/** What the page tells its test. */
export interface Probe {
  readonly history: () => Entry[];
  readonly length: () => number;
  readonly states: Seen[];
  readonly errors: string[];
  /** `persisted` of each `pageshow`: whether it came out of the back/forward cache. */
  readonly shown: boolean[];
  /** How often each handler was called, those in flight included. */
  begun: number;
  client?: CommitcastClient;
}

export const options = JSON.parse(
  new URLSearchParams(browser.location.search).get('options') ?? '{}',
) as PageOptions;

let throws = options.tokenThrows ?? 0;

export const connectOptions: ConnectOptions = {
  token:
    options.token ??
    (() => {
      if (throws-- > 0) throw new Error('no token yet');
      return text('/token');
    }),
  url: options.url,
  store: 'session',
  ...(options.maxBacklog === undefined ? {} : { maxBacklog: options.maxBacklog }),
};

export async function text(path: string): Promise<string> {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.text();
}

/** Loads what the test compares with the log, as an application loads its own state. */
export async function snapshot(): Promise<{ state: number[]; cursor: string }> {
  return JSON.parse(await text(`/snapshot?scope=${encodeURIComponent(JSON.stringify(options.scope))}`));
}

/** Adds to the history when the work is done: at once, or later. */
export function handlerOf(history: History): (event: { position: number; id: string }) => unknown {
  const done = ({ position, id }: { position: number; id: string }) => history.add({ position, id });
  const { workMs } = options;
  return (event) => {
    probe.begun++;
    if (workMs === undefined) return done(event);
    // No wait for anything: so long its work takes, which is what makes the tab slow.
    return new Promise((resolve) => setTimeout(resolve, workMs)).then(() => done(event));
  };
}

export const probe: Probe = {
  history: () => [],
  length: () => 0,
  states: [],
  errors: [],
  shown: [],
  begun: 0,
};

export function show(history: History): void {
  browser.probe = Object.assign(probe, { history: () => history.entries(), length: () => history.length });
}

export function watch(client: CommitcastClient): () => void {
  probe.client = client;
  const note = (state: ConnectionState) => void probe.states.push({ state, at: Date.now() });
  note(client.state);
  const ends = [client.onState(note), client.onError((error) => void probe.errors.push(String(error)))];
  return () => {
    for (const end of ends) end();
  };
}

browser.addEventListener('pageshow', ({ persisted }) => void probe.shown.push(persisted === true));
