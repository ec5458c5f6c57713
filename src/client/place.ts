import { cursorAt, epochOf, positionOf } from './cursor.ts';

/** How far a subscription is, and what is owed to it. */
export class Place {
  /** All up to here is done, or not wanted; -1: it begins where the server does. */
  after = -1;
  /** The history that `after` is of. */
  epoch = '';
  /** Whether everything after it is owed; otherwise a later beginning will do. */
  isOwed = false;
  /** What came after this, over the present link, was seen. */
  seenAfter = 0;

  /** Everything after the cursor is owed; or, without one, only what comes after what was received. */
  expect(cursor: string | undefined, received: string | undefined): void {
    const from = cursor ?? received;
    if (from !== undefined) this.moveTo(positionOf(from), epochOf(from));
    this.isOwed = cursor !== undefined;
    this.wait(received);
  }

  /** What was received before is not seen, or has passed by. */
  wait(received: string | undefined): void {
    this.seenAfter = received === undefined ? 0 : positionOf(received);
  }

  /** Everything after this is owed from now on. */
  moveTo(position: number, epoch: string): void {
    this.after = position;
    this.epoch = epoch;
    this.isOwed = true;
  }

  /** Everything after this is owed, if there is such a place. */
  get cursor(): string | undefined {
    return this.isOwed ? cursorAt(this.epoch, this.after) : undefined;
  }
}
