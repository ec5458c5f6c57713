/** Work longer than this lets the event loop go on in between. */
const sliceMs = 20;

/**
 * Works through items one after the other. Before it lets the event loop go on, and when it is done, it calls `pause`: whatever
 * else happens finds things as `pause` leaves them.
 */
export async function inSlices<Item>(
  items: Iterable<Item>,
  work: (item: Item) => void,
  pause: () => void,
): Promise<void> {
  let sliceEnd = performance.now() + sliceMs;
  for (const item of items) {
    work(item);
    if (performance.now() < sliceEnd) continue;
    pause();
    await new Promise((resolve) => setImmediate(resolve));
    sliceEnd = performance.now() + sliceMs;
  }
  pause();
}
