// The server alone gives cursors and judges them; that they are comparable within an epoch is what a client may know.

const pattern = /^([a-z2-7]{8})-(\d{1,16})$/;

export function isCursor(value: unknown): value is string {
  return typeof value === 'string' && pattern.test(value);
}

export function epochOf(cursor: string): string {
  return cursor.slice(0, cursor.indexOf('-'));
}

export function positionOf(cursor: string): number {
  return Number(cursor.slice(cursor.indexOf('-') + 1));
}

export function cursorAt(epoch: string, position: number): string {
  return `${epoch}-${position}`;
}

/** Within one history; of two that are not of the same, neither is before the other. */
export function isBefore(cursor: string, other: string): boolean {
  return epochOf(cursor) === epochOf(other) && positionOf(cursor) < positionOf(other);
}
