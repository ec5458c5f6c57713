import { CodedError } from './coded-error.ts';
import { isErased } from './erased.ts';
import type { CommitcastEvent, NewEvent } from './event.ts';

/**
 * The part of Standard Schema that is used here: any library that follows it will do (Zod, Valibot, ArkType, …).
 * See https://standardschema.dev.
 */
export interface Schema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | {
      readonly issues: readonly {
        readonly message: string;
        readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
      }[];
    };

export type Schemas = Readonly<Record<string, Schema>>;

type InputOf<Of> = Of extends Schema<infer Input, infer _> ? Input : never;
type OutputOf<Of> = Of extends Schema<infer _, infer Output> ? Output : never;

/** Type of event → its data, as it is read. */
export type EventMap = Record<string, unknown>;

/** One of the events of a map, told apart by `type`. */
export type EventOf<Map extends EventMap, Type extends keyof Map = keyof Map> = {
  [Name in Type]: CommitcastEvent<Map[Name]> & { type: Name };
}[Type];

/** What `defineEvents` returns. */
export interface EventDefinitions<Of extends Schemas = Schemas> {
  readonly schemas: Of;
  /**
   * Checks what is to be appended, and returns it as it is: what a schema makes of data (dates, defaults) is made for
   * each reader, by `parse`, so the log has what the schema takes.
   *
   * @throws `EVENT_INVALID` when the type is none of these, or the data is not as its schema wants it
   */
  create<Type extends keyof Of & string>(
    event: NewEvent<InputOf<Of[Type]>> & { type: Type },
  ): NewEvent<InputOf<Of[Type]>> & { type: Type };
  /**
   * Checks an event that was received. Types that are not defined, and data that was erased, pass as they are.
   *
   * @throws `EVENT_INVALID` when the data is not as its schema wants it
   */
  parse(event: CommitcastEvent): CommitcastEvent;
}

/** The data of each type, as it is read: `connect<EventsOf<typeof events>>(…)`. */
export type EventsOf<Definitions> =
  Definitions extends EventDefinitions<infer Of>
    ? { [Type in keyof Of & string]: OutputOf<Of[Type]> }
    : never;

/**
 * Says which types of events there are, and what their data is. One map for the server and for the browser.
 *
 * @example
 * export const events = defineEvents({ 'door.opened': z.object({ by: z.string() }) });
 * await append(tx, events.create({ type: 'door.opened', org: 'acme', unit: 'truck-7', data: { by: 'kim' } }));
 * connect({ token, events }).subscribe({ unit: 'truck-7' }).on('door.opened', ({ data }) => show(data.by));
 */
export function defineEvents<const Of extends Schemas>(schemas: Of): EventDefinitions<Of> {
  const schemaOf = (type: string) => (Object.hasOwn(schemas, type) ? schemas[type] : undefined);
  return {
    schemas,
    create(event) {
      const schema = schemaOf(event.type);
      if (!schema) throw new CodedError('EVENT_INVALID', `type: ${event.type} is not defined`);
      check(schema, event);
      return event;
    },
    parse(event) {
      const schema = schemaOf(event.type);
      return !schema || isErased(event) ? event : { ...event, data: check(schema, event) };
    },
  };
}

function check(schema: Schema, { type, data }: { type: string; data: unknown }): unknown {
  const result = schema['~standard'].validate(data);
  // Order would depend on who answers first.
  if (result instanceof Promise)
    throw new CodedError(
      'EVENT_INVALID',
      `data of ${type}: its schema is asynchronous, which is not supported`,
    );
  if (!result.issues) return result.value;
  const problems = result.issues.map(({ message, path = [] }) =>
    [
      ['data', ...path.map((part) => (typeof part === 'object' ? String(part.key) : String(part)))].join('.'),
      message,
    ].join(': '),
  );
  throw new CodedError('EVENT_INVALID', `${type}: ${problems.join('; ')}`);
}
