import type { Logger } from '../core/logger.ts';
import type { Executor } from '../db/executor.ts';
import type { ControlEvent } from '../log/control-event.ts';
import type { Batch } from './batches.ts';

export interface DispatcherOptions {
  db: Executor;
  /** Gives events of one room union, rising, to the sessions of this instance. Must not throw. */
  deliver: (batch: Batch) => void;
  /** Called in the tick of `deliver`, before anything else can happen: all that was delivered must have been sent. */
  flush: () => void;
  /** Acts on a control event: what came before it has been sent, what comes after it has not. Must not throw. */
  onControl: (control: ControlEvent) => void;
  /**
   * The history that is entered may say otherwise than what is known of it: what the database says is read anew.
   * `broken`: something that sessions have got, or have not got yet, is gone, and control events may be among it; all
   * sessions must come anew.
   */
  enter: (broken: boolean) => Promise<void>;
  /** Bytes of recent events that are kept in memory. */
  tailBytes: number;
  logger: Logger;
}
