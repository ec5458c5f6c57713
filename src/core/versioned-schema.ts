import { CodedError } from './coded-error.ts';
import type { CommitcastEvent } from './event.ts';
import type { Schema } from './schema.ts';

/**
 * A type of event whose data has changed its shape. The log keeps each event as it was written; whoever reads an old one
 * gets it as the newest version.
 */
export interface VersionedSchema<Of extends Schema = Schema> {
  /** Of the newest version: the only one that is written. */
  readonly schema: Of;
  /** The newest, a whole number from 1. */
  readonly version: number;
  /**
   * By the version that it begins with: what makes its data into that of the next version. One step for each version
   * from the oldest that is still read. A step says what type of data it takes (nobody checks that), returns new data,
   * and changes nothing.
   */
  readonly upcast?: { readonly [version: number]: (data: never) => unknown } | undefined;
}

/**
 * Where an event says, in its `meta`, which version its data is of; without it: 1. Not in the type, by which handlers,
 * consumers and subscriptions choose; and `version` of an event is that of its stream. So it needs no column of its own,
 * and goes wherever the event goes.
 */
export const versionKey = 'schemaVersion';

/** @throws `EVENT_INVALID` for a version or steps of another form */
export function toVersioned(type: string, given: Schema | VersionedSchema): VersionedSchema {
  if ('~standard' in given) return { schema: given, version: 1 };
  const { version, upcast = {} } = given;
  const versions = Object.keys(upcast).map(Number);
  const oldest = Math.min(version, ...versions);
  const isWhole = [version, ...versions].every(Number.isInteger) && Math.max(...versions, 0) < version;
  if (!isWhole || oldest < 1 || versions.length !== version - oldest)
    throw new CodedError(
      'EVENT_INVALID',
      `${type}: version is a whole number from 1, and upcast has a step for each version before it, from the oldest that is read`,
    );
  return given;
}

/**
 * The data as the newest version has it, not checked yet.
 *
 * @throws `EVENT_INVALID` when it is newer than that, older than what is read, or a step fails
 */
export function upcast(
  { type, data, meta }: Pick<CommitcastEvent, 'type' | 'data' | 'meta'>,
  { version, upcast: steps = {} }: VersionedSchema,
): unknown {
  const written = meta?.[versionKey] ?? 1;
  const invalid = (message: string, options?: ErrorOptions) =>
    new CodedError('EVENT_INVALID', `${type}: ${message}`, options);
  if (!Number.isInteger(written) || Number(written) < 1) throw invalid(`meta.${versionKey} is no version`);
  if (Number(written) > version)
    throw invalid(`written as version ${Number(written)}, and only versions up to ${version} are known here`);
  let upcasted = data;
  for (let from = Number(written); from < version; from++) {
    const step = steps[from] as ((data: unknown) => unknown) | undefined;
    if (!step) throw invalid(`written as version ${from}, which is not read here any more`);
    try {
      upcasted = step(upcasted);
    } catch (cause) {
      throw invalid(`the step from version ${from} failed: ${String(cause)}`, { cause });
    }
  }
  return upcasted;
}
