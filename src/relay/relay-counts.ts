import { Distribution } from '../core/distribution.ts';
import { SettledWaits } from './settled-waits.ts';

/** What a relay has done since it was made, for those who operate. It counts only while it leads. */
export class RelayCounts {
  /** Times that it began to lead because it was elected. */
  elections = 0;
  /** Times that it began to lead because the leader stood still. */
  standIns = 0;
  /** Reads of the log, those that found nothing included. */
  reads = 0;
  /** Times that it fell asleep. */
  sleeps = 0;
  /** Notifications of writers that it heard. */
  notifications = 0;
  /** Positions that settled at once. */
  readonly batches = new Distribution([1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000]);
  readonly waits = new SettledWaits();
}
