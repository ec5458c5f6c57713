/** "There is more": positions `(from, to]` of the epoch are settled. It carries no events; the log has them. */
export interface Doorbell {
  readonly epoch: string;
  readonly from: number;
  readonly to: number;
}

/** Takes a doorbell to all instances. A hint: it may be lost, repeated, reordered, or forged. */
export interface Fanout {
  /** Never throws and never waits; what cannot be sent is lost. */
  ring(doorbell: Doorbell): void;
  /** Calls back for each doorbell that another instance rang. Returns how to stop. */
  onRing(listener: (doorbell: Doorbell) => void): () => void;
}
