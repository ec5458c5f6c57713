import { CodedError } from './coded-error.ts';

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

export type InputOf<Of> = Of extends Schema<infer Input, infer _> ? Input : never;
export type OutputOf<Of> = Of extends Schema<infer _, infer Output> ? Output : never;

/**
 * What the schema makes of the data of an event.
 *
 * @throws `EVENT_INVALID` with every problem, and where in the data it is
 */
export function checkData(schema: Schema, type: string, data: unknown): unknown {
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
