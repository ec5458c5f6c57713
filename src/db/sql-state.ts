import type { Code } from '../core/codes.ts';
import { CommitcastError, VersionConflictError, type StreamConflict } from '../core/errors.ts';

/** SQLSTATEs that the guards of the schema raise; the message starts with the code. */
const guards: Readonly<Record<string, Code>> = {
  CC001: 'EVENT_INVALID',
  CC002: 'EVENT_TOO_LARGE',
  CC003: 'EVENT_NAME_RESERVED',
  CC004: 'TOO_MANY_EVENTS',
  CC005: 'LOG_APPEND_ONLY',
  CC006: 'EVENTS_PREPARED',
  CC007: 'VERSION_CONFLICT',
  CC008: 'KEY_REUSED',
  CC009: 'CONSUMER_UNKNOWN',
};

export function sqlStateOf(error: unknown): string | undefined {
  const code =
    (error as { code?: unknown } | null)?.code ??
    (error as { cause?: { code?: unknown } } | null)?.cause?.code;
  return typeof code === 'string' ? code : undefined;
}

/** A guard's refusal as a coded error; any other error as it is. drizzle keeps the driver's error as `cause`. */
export function fromDatabaseError(error: unknown): unknown {
  const code = guards[sqlStateOf(error) ?? ''];
  if (!code) return error;
  const source =
    (error as { cause?: unknown }).cause instanceof Error
      ? (error as { cause: Error }).cause
      : (error as Error);
  const message = source.message.startsWith(`${code}: `)
    ? source.message.slice(code.length + 2)
    : source.message;
  const { detail } = source as { detail?: string };
  return code === 'VERSION_CONFLICT' && detail !== undefined
    ? new VersionConflictError(JSON.parse(detail) as StreamConflict, message, { cause: error })
    : new CommitcastError(code, message, { cause: error });
}

/** The server is not there, does not let us in, or has no such database: nothing that a statement could have done. */
export function isUnreachable(error: unknown): boolean {
  // How `pg` says that its own limits were reached.
  if (
    error instanceof Error &&
    /^(?:Query read timeout|timeout exceeded when trying to connect|Connection terminated)/.test(
      error.message,
    )
  )
    return true;
  const state = sqlStateOf(error) ?? '';
  return (
    /^(?:08|28|57P|3D)/.test(state) ||
    ['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'ETIMEDOUT', 'EAI_AGAIN', 'EHOSTUNREACH'].includes(state) ||
    // What `pg` says of a connection that was lost, or could not be opened in time, has no code.
    (error instanceof Error &&
      /^Connection terminated|connection error|^timeout exceeded/.test(error.message))
  );
}
