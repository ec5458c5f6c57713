/** What is needed of a page; absent in Node and in workers. */
interface Target {
  addEventListener?: (type: string, listener: (event: { persisted?: boolean }) => void) => void;
  removeEventListener?: (type: string, listener: (event: { persisted?: boolean }) => void) => void;
  readonly visibilityState?: string;
}

/**
 * Tells when a page may have slept: it is shown again, thawed, taken out of the back/forward cache, or the network has
 * changed. And when it is put away: a page with an open connection cannot be kept in the back/forward cache.
 * Returns how to stop.
 */
export function watchPage({ wake, hide }: { wake: () => void; hide: () => void }): () => void {
  const window = globalThis as Target;
  const { document } = globalThis as { document?: Target };
  const shown = () => {
    if (document?.visibilityState === 'visible') wake();
  };
  const watched = [
    [window, 'online', wake],
    [window, 'offline', wake],
    [window, 'pageshow', wake],
    [window, 'pagehide', hide],
    [document, 'resume', wake],
    [document, 'visibilitychange', shown],
  ] as const;
  for (const [target, type, listener] of watched) target?.addEventListener?.(type, listener);
  return () => {
    for (const [target, type, listener] of watched) target?.removeEventListener?.(type, listener);
  };
}
