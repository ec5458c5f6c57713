import { CommitcastError } from './errors.ts';

/**
 * A resume token, taken apart. `epoch` is the identity of the database's history, `position` the last event seen in
 * it. Clients treat the text `<epoch>-<position>` as opaque.
 */
export interface Cursor {
  readonly epoch: string;
  readonly position: number;
}

const pattern = /^([a-z2-7]{8})-(0|[1-9][0-9]{0,15})$/;

export function formatCursor({ epoch, position }: Cursor): string {
  return `${epoch}-${position}`;
}

/** @throws {CommitcastError} `CURSOR_INVALID` for anything that this server cannot have given. */
export function parseCursor(text: unknown): Cursor {
  const match = typeof text === 'string' ? pattern.exec(text) : null;
  const position = Number(match?.[2]);
  if (!match?.[1] || !Number.isSafeInteger(position)) throw new CommitcastError('CURSOR_INVALID');
  return { epoch: match[1], position };
}
