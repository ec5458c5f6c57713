import type { Code } from './codes.ts';

/** An error with a code of the one table, without the table: browsers need not load it. */
export class CodedError extends Error {
  override readonly name = 'CommitcastError';
  readonly code: Code;
  /** What Socket.IO sends along with `connect_error`. */
  readonly data: { readonly code: Code };

  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.data = { code };
  }

  /** `{ code, message }`, the form of an error on every wire. */
  toJSON(): { code: Code; message: string } {
    return { code: this.code, message: this.message };
  }
}
