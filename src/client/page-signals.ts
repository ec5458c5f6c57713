/** What is needed of a page; absent in Node and in workers. */
interface Target {
  addEventListener?: (type: string, listener: () => void, options: { signal: AbortSignal }) => void;
  readonly visibilityState?: string;
}

/**
 * Tells when a page may have slept: it is shown again, thawed, taken out of the back/forward cache, or the network has
 * changed. And when it is put away: a page with an open connection cannot be kept in the back/forward cache.
 */
export function watchPage(signal: AbortSignal, wake: () => void, hide: () => void): void {
  const window = globalThis as Target;
  const { document } = globalThis as { document?: Target };
  const watch = (target: Target | undefined, types: readonly string[], listener: () => void) => {
    for (const type of types) target?.addEventListener?.(type, listener, { signal });
  };
  watch(window, ['online', 'offline', 'pageshow'], wake);
  watch(window, ['pagehide'], hide);
  watch(document, ['resume', 'visibilitychange'], () => {
    if (document?.visibilityState === 'visible') wake();
  });
}
