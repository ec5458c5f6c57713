import { codes, type Code } from './codes.ts';

/**
 * Every error that Commitcast raises on purpose. Match on `code`, never on the message.
 *
 * @example
 * try { await append(tx, event) } catch (error) {
 *   if (error instanceof CommitcastError && error.code === 'EVENT_TOO_LARGE') …
 * }
 */
export class CommitcastError extends Error {
  override readonly name = 'CommitcastError';
  readonly code: Code;
  /** What Socket.IO sends along with `connect_error`. */
  readonly data: { readonly code: Code };

  constructor(code: Code, message: string = codes[code].meaning, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.data = { code };
  }

  /** `{ code, message }`, the form of an error on every wire. */
  toJSON(): { code: Code; message: string } {
    return { code: this.code, message: this.message };
  }
}

export function isCode(value: unknown): value is Code {
  return typeof value === 'string' && Object.hasOwn(codes, value);
}

/** What a client may be told of any error: coded errors as they are, all others as `INTERNAL` without detail. */
export function toPublicError(error: unknown): CommitcastError {
  return error instanceof CommitcastError
    ? error
    : new CommitcastError('INTERNAL', codes.INTERNAL.meaning, { cause: error });
}
