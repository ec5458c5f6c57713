import type { EventDefinitions } from '../core/define-events.ts';
import type { Executor } from '../db/executor.ts';
import { checkStreamName, readStream, requireWhole, type StreamName } from '../log/read-stream.ts';
import { readTransaction } from '../log/read-transaction.ts';
import { invalidEvent, isText } from '../log/serialize-event.ts';
import { executorOf, type Transaction } from '../log/transaction.ts';
import { fold, type EventContent } from './fold.ts';
import { readSaved, saveState, toSavedJson, type SavedState, type StateToSave } from './saved-state.ts';

/** A cache of a state, kept in the database: never the truth, and safe to delete at any time. */
export interface SaveOptions {
  /**
   * Names what is saved: one name for each way of folding a stream. Whoever changes `evolve` or the form of the state
   * changes the name. 1 to 255 characters. Default: nothing is saved.
   */
  name?: string | undefined;
  /** Saves when so many events or more came after what was saved. Default: 100. */
  saveEvery?: number | undefined;
}

/** How events are read, and by `execute` written. */
export interface DefinedOptions {
  /** Checks each event, and gives its data as the newest version has it. Default: as it was written. */
  events?: EventDefinitions | undefined;
}

export interface LoadStateOptions<State, Event extends EventContent> extends SaveOptions, DefinedOptions {
  initial: State;
  /** Returns the state after one more event; it changes nothing. */
  evolve: (state: State, event: Event) => State;
}

export interface LoadedState<State> {
  state: State;
  /** Of the stream, that the state stands for; 0 for a stream that does not exist. */
  version: number;
}

/**
 * The present state of a stream: a fold of its events; with a `name`, of those after the state that was saved last.
 *
 * It saves only outside a transaction (`db` is a pool, say), where nothing can depend on it: what it would lock until
 * the end of a transaction, two that load and then append could wait for of one another. Inside of one, `execute` saves.
 * A state that JSON does not give back as it is (a Map, a Date, `undefined` in it) is not saved; a role that may not
 * EXECUTE `commitcast.save_state` loads and does not save.
 *
 * @throws {CommitcastError} as `readStream`
 *
 * @example
 * const { state, version } = await loadState(pool, { org: 'acme', stream: 'account-7' }, { initial, evolve, name: 'balance' });
 */
export async function loadState<State, Event extends EventContent>(
  db: Transaction,
  stream: StreamName,
  options: LoadStateOptions<State, Event>,
): Promise<LoadedState<State>> {
  const executor = executorOf(db);
  const loaded = await load(executor, stream, options);
  const due = saveDue(stream, options, loaded);
  // Only a cache: a failure here is no failure of the load.
  if (due) await saveOutside(executor, due, loaded.saved?.transaction.mark).catch(() => undefined);
  return { state: loaded.state, version: loaded.version };
}

/** Saves, unless the statement would be of the transaction of this mark. */
async function saveOutside(db: Executor, due: StateToSave, mark: string | undefined): Promise<void> {
  if ((await readTransaction(db)).mark !== mark) await saveState(db, due);
}

export interface Loaded<State> extends LoadedState<State> {
  /** `undefined` without a name. */
  saved: SavedState | undefined;
}

/** Loads, and saves nothing. */
export async function load<State, Event extends EventContent>(
  db: Executor,
  { org, stream }: StreamName,
  { initial, evolve, events, name, saveEvery = 100 }: LoadStateOptions<State, Event>,
): Promise<Loaded<State>> {
  checkStreamName({ org, stream });
  requireWhole('saveEvery', saveEvery, 1);
  if (name !== undefined && !isText(name))
    throw invalidEvent('name has 1 to 255 characters, none of them a control character');
  const saved = name === undefined ? undefined : await readSaved(db, { org, stream }, name);
  const begin = saved?.state === undefined ? initial : (JSON.parse(saved.state) as State);
  let version = saved?.version ?? 0;
  const count = (state: State, event: Event): State => {
    version += 1;
    return evolve(state, event);
  };
  const state = await fold<State, Event>(
    readStream(db, { org, stream }, { from: version + 1, events }),
    count,
    begin,
  );
  return { state, version, saved };
}

/** What there is to save, when it is due and possible. */
export function saveDue<State>(
  { org, stream }: StreamName,
  { name, saveEvery = 100 }: SaveOptions,
  { state, version, saved }: Loaded<State>,
): StateToSave | undefined {
  if (name === undefined || !saved?.mayBeSaved || version - saved.version < saveEvery) return undefined;
  const json = toSavedJson(state);
  return json === undefined ? undefined : { org, stream, name, version, erasures: saved.erasures, json };
}
