import { CodedError } from './coded-error.ts';
import { codes, type Code } from './codes.ts';

/**
 * Every error that Commitcast raises on purpose. Match on `code`, never on the message.
 *
 * @example
 * try { await append(tx, event) } catch (error) {
 *   if (error instanceof CommitcastError && error.code === 'EVENT_TOO_LARGE') …
 * }
 */
export class CommitcastError extends CodedError {
  constructor(code: Code, message: string = codes[code].meaning, options?: ErrorOptions) {
    super(code, message, options);
  }
}

/** What a `VERSION_CONFLICT` knows: whose version, which one was expected, and which one there is. */
export interface StreamConflict {
  readonly org: string;
  readonly stream: string;
  /** 0: the stream was expected to be new. */
  readonly expected: number;
  /** 0: there is no such stream. */
  readonly actual: number;
}

/** Somebody else has appended to the stream. `code` is `VERSION_CONFLICT`. */
export class VersionConflictError extends CommitcastError implements StreamConflict {
  readonly org: string;
  readonly stream: string;
  readonly expected: number;
  readonly actual: number;

  constructor({ org, stream, expected, actual }: StreamConflict, message?: string, options?: ErrorOptions) {
    super('VERSION_CONFLICT', message, options);
    this.org = org;
    this.stream = stream;
    this.expected = expected;
    this.actual = actual;
  }
}

export function isCode(value: unknown): value is Code {
  return typeof value === 'string' && Object.hasOwn(codes, value);
}

/** What a client may be told of any error: coded errors as they are, all others as `INTERNAL` without detail. */
export function toPublicError(error: unknown): CommitcastError {
  // An application in JavaScript may have made one of its own.
  return error instanceof CommitcastError && isCode(error.code)
    ? error
    : new CommitcastError('INTERNAL', codes.INTERNAL.meaning, { cause: error });
}
