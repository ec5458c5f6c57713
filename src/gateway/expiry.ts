/** A timer's longest delay; a longer one would fire at once. */
const maxDelayMs = 2 ** 31 - 1;

/** Calls back at a time, however far away. Returns how to cancel. */
export function scheduleAt(timeMs: number, callback: () => void): () => void {
  let timer: NodeJS.Timeout;
  const arm = () => {
    const delay = timeMs - Date.now();
    timer = setTimeout(delay > maxDelayMs ? arm : callback, Math.min(Math.max(delay, 0), maxDelayMs));
    timer.unref();
  };
  arm();
  return () => {
    clearTimeout(timer);
  };
}
