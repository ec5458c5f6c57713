/** How far the log is settled, as far as this process knows; the dispatcher of an instance, or a follower. */
export interface SettledHead {
  readonly epoch: string;
  readonly position: number;
  /** Resolves when `position` has got there, the epoch is another one, or the signal aborts. */
  reached(position: number, signal: AbortSignal): Promise<void>;
  /** The log has shown another epoch than this one; `undefined`: one that nobody has opened yet. */
  doubt(epoch: string | undefined): void;
}
