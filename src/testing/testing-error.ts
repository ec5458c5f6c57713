export type TestingCode = 'UNEXPECTED_QUERY' | 'TRANSACTION_OVER' | 'TRANSACTION_ABORTED';

/** What the doubles refuse of how they are used. Refusals of Commitcast itself are `CommitcastError`, as in earnest. */
export class TestingError extends Error {
  override readonly name = 'TestingError';
  readonly code: TestingCode;

  constructor(code: TestingCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
