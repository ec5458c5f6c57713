import { CodedError } from './coded-error.ts';
import { isErased } from './erased.ts';
import type { CommitcastEvent, NewEvent } from './event.ts';
import { checkData, type InputOf, type OutputOf, type Schema } from './schema.ts';
import { toVersioned, upcast, versionKey, type VersionedSchema } from './versioned-schema.ts';

/** Of each type: the schema of what is written now. */
export type Schemas = Readonly<Record<string, Schema>>;

/** Of each type: a schema; or, when its data has changed its shape, the newest one and how to get there. */
export type Declarations = Readonly<Record<string, Schema | VersionedSchema>>;

type SchemaOf<Declared> =
  Declared extends VersionedSchema<infer Of> ? Of : Declared extends Schema ? Declared : never;

/** The newest schemas of what was declared. */
export type SchemasOf<Of extends Declarations> = { readonly [Type in keyof Of]: SchemaOf<Of[Type]> };

/** Type of event → its data, as it is read. */
export type EventMap = Record<string, unknown>;

/** One of the events of a map, told apart by `type`. */
export type EventOf<Map extends EventMap, Type extends keyof Map = keyof Map> = {
  [Name in Type]: CommitcastEvent<Map[Name]> & { type: Name };
}[Type];

/** What `defineEvents` returns. */
export interface EventDefinitions<Of extends Schemas = Schemas> {
  /** Of the newest version of each type. */
  readonly schemas: Of;
  /** The newest version of each type; 1 for those that never had another. */
  readonly versions: { readonly [Type in keyof Of]: number };
  /**
   * Checks what is to be appended, and returns it as it is: what a schema makes of data (dates, defaults) is made for
   * each reader, by `parse`, so the log has what the schema takes. From version 2 on, `meta.schemaVersion` says which
   * version it is.
   *
   * @throws `EVENT_INVALID` when the type is none of these, or the data is not as its schema wants it
   */
  create<Type extends keyof Of & string>(
    event: NewEvent<InputOf<Of[Type]>> & { type: Type },
  ): NewEvent<InputOf<Of[Type]>> & { type: Type };
  /**
   * Checks an event that was received, and gives its data as the newest version has it, whichever was written; then
   * `meta.schemaVersion` says so. Types that are not defined, and data that was erased, pass as they are.
   *
   * @throws `EVENT_INVALID` when the data is not as its schema wants it, a step to the next version fails, or it was
   *   written as a version that is newer than the newest here, or older than the oldest
   */
  parse(event: CommitcastEvent): CommitcastEvent;
}

/** The data of each type, as it is read: `connect<EventsOf<typeof events>>(…)`. */
export type EventsOf<Definitions> =
  Definitions extends EventDefinitions<infer Of>
    ? { [Type in keyof Of & string]: OutputOf<Of[Type]> }
    : never;

/** One of the events that were defined, as it is read. */
export type DefinedEvent<Of extends Schemas> = EventOf<EventsOf<EventDefinitions<Of>>>;

/**
 * Says which types of events there are, and what their data is. One map for the server and for the browser.
 *
 * @throws `EVENT_INVALID` for a version or its steps of another form than `VersionedSchema` says
 *
 * @example
 * export const events = defineEvents({
 *   'door.opened': z.object({ by: z.string() }),
 *   'route.planned': {
 *     version: 2,
 *     schema: z.object({ stops: z.array(z.string()) }),
 *     upcast: { 1: ({ stop }: { stop: string }) => ({ stops: [stop] }) },
 *   },
 * });
 * await append(tx, events.create({ type: 'door.opened', org: 'acme', unit: 'truck-7', data: { by: 'kim' } }));
 * connect({ token, events }).subscribe({ unit: 'truck-7' }).on('door.opened', ({ data }) => show(data.by));
 */
export function defineEvents<const Of extends Declarations>(
  declarations: Of,
): EventDefinitions<SchemasOf<Of>> {
  const known = new Map(
    Object.entries(declarations).map(([type, declared]) => [type, toVersioned(type, declared)]),
  );
  const each = <Value>(valueOf: (versioned: VersionedSchema) => Value) =>
    Object.fromEntries([...known].map(([type, versioned]) => [type, valueOf(versioned)]));
  return {
    schemas: each(({ schema }) => schema) as SchemasOf<Of>,
    versions: each(({ version }) => version) as { readonly [Type in keyof Of]: number },
    create(event) {
      const { type, data, meta } = event;
      const versioned = known.get(type);
      if (!versioned) throw new CodedError('EVENT_INVALID', `type: ${type} is not defined`);
      const { schema, version } = versioned;
      checkData(schema, type, data);
      const isPlain = version === 1 && meta?.[versionKey] === undefined;
      return isPlain ? event : { ...event, meta: { ...meta, [versionKey]: version } };
    },
    parse(event) {
      const { type, meta } = event;
      const versioned = known.get(type);
      if (!versioned || isErased(event)) return event;
      const { schema, version } = versioned;
      const data = checkData(schema, type, upcast(event, versioned));
      // What it says of its data stays true.
      if ((meta?.[versionKey] ?? 1) === version) return { ...event, data };
      return { ...event, data, meta: { ...meta, [versionKey]: version } };
    },
  };
}
