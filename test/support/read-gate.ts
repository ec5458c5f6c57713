/** Whether somebody reads on. */
export interface ReadGate {
  pause(): void;
  resume(): void;
  /** Resolves when it is open. */
  open(): Promise<void>;
}

export function gateOf(): ReadGate {
  let waiting: (() => void)[] = [];
  let paused = false;
  return {
    pause: () => {
      paused = true;
    },
    resume: () => {
      paused = false;
      for (const resolve of waiting) resolve();
      waiting = [];
    },
    open: () => (paused ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve()),
  };
}
