import type { EventDefinitions } from '../core/define-events.ts';
import type { CommitcastEvent, NewEvent } from '../core/event.ts';
import { append } from '../log/append.ts';
import type { StreamName } from '../log/read-stream.ts';
import { executorOf, type Transaction } from '../log/transaction.ts';
import type { EventContent } from './fold.ts';
import { load, saveDue, type DefinedOptions, type LoadedState, type SaveOptions } from './load-state.ts';
import { saveState } from './saved-state.ts';

/** An event as it is decided. `site` and `unit` say who sees it; by default those of the call. */
export type Decided<Event extends EventContent> = Event & {
  readonly site?: string;
  readonly unit?: string;
  readonly meta?: Record<string, unknown>;
};

/**
 * The business rules of one kind of stream, as functions without effects. The pattern is Jérémie Chassaing's:
 * "Functional Event Sourcing Decider" (2021).
 */
export interface Decider<State, Command, Event extends EventContent> {
  /** State of a stream without events. */
  readonly initial: State;
  /** The state after one more event. `type` and `data` are what it may rely on. It changes nothing. */
  evolve(this: void, state: State, event: Event): State;
  /** What happens by the command: one event, several, or none. Throws to refuse it. */
  decide(this: void, command: Command, state: State): Decided<Event> | readonly Decided<Event>[];
}

/** Which stream a command is for; `site` and `unit` are those of the events that name none themselves. */
export interface ExecuteTarget extends StreamName {
  site?: string | undefined;
  unit?: string | undefined;
}

export interface Executed<State, Event extends EventContent> extends LoadedState<State> {
  /** What was decided and appended. */
  events: readonly Decided<Event>[];
}

/**
 * Loads the state of a stream, decides, and appends what was decided, on condition that the stream is still as it was
 * loaded. State and version are those after it. When nothing is decided, nothing is appended, and nothing is expected.
 *
 * One call for a stream and transaction: what the transaction has appended cannot be read before it commits. With
 * `events`, what is loaded is parsed by them, and what was decided is of their types, and checked.
 *
 * @throws {CommitcastError} `VERSION_CONFLICT` when somebody else has appended meanwhile: roll back, and call it again in
 *   a new transaction. Else as `readStream` and `append`; and whatever `decide` throws
 *
 * @example
 * await db.transaction((tx) =>
 *   execute(tx, { org: 'acme', stream: 'account-7' }, account, { type: 'withdraw', amount: 30 }),
 * );
 */
export async function execute<State, Command, Event extends EventContent>(
  tx: Transaction,
  { org, stream, site, unit }: ExecuteTarget,
  decider: Decider<State, Command, Event>,
  command: NoInfer<Command>,
  { name, saveEvery, events: definitions }: SaveOptions & DefinedOptions = {},
): Promise<Executed<State, Event>> {
  const executor = executorOf(tx);
  const { initial, evolve, decide } = decider;
  const options = { initial, evolve, name, saveEvery, events: definitions };
  const loaded = await load(executor, { org, stream }, options);
  const events = listOf(decide(command, loaded.state));
  if (events.length === 0) return { state: loaded.state, version: loaded.version, events };

  const given = events.map(({ type, data, meta, ...scope }): NewEvent => ({
    org,
    stream,
    site: scope.site ?? site,
    unit: scope.unit ?? unit,
    type,
    data,
    meta,
    expectedVersion: loaded.version,
  }));
  // Of any type, to the checker; `create` refuses those that are not defined.
  const written = definitions ? given.map((event) => definitions.create(event as never)) : given;
  await append(tx, written);
  const after = {
    state: events
      .map((event, n) => ({ ...event, data: dataAsLoaded(written[n] ?? event, definitions) }))
      .reduce((state, event) => evolve(state, event), loaded.state),
    version: loaded.version + events.length,
  };
  // The stream's row is this transaction's since the append, so this waits for nobody. At a higher isolation it could
  // fail, because somebody else has saved since the transaction began.
  const due = saveDue({ org, stream }, options, { ...after, saved: loaded.saved });
  if (due && loaded.saved?.transaction.readCommitted) await saveState(executor, due);
  return { ...after, events };
}

/** What JSON makes of it, and then the definitions, as when it is loaded: a Date is a text, and `undefined` is gone. */
function dataAsLoaded(event: EventContent, definitions: EventDefinitions | undefined): unknown {
  const data: unknown = JSON.parse(JSON.stringify(event.data));
  return definitions ? definitions.parse({ ...(event as CommitcastEvent), data }).data : data;
}

function listOf<Event>(events: Event | readonly Event[]): readonly Event[] {
  return Array.isArray(events) ? (events as readonly Event[]) : [events as Event];
}
