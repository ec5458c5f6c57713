import { useSyncExternalStore } from 'react';

export const routes = ['stream', 'units', 'operator'] as const;
export type Route = (typeof routes)[number];

/** The page after the `#`: a server of one file needs no more, and the back button works. */
export function useRoute(): Route {
  return useSyncExternalStore(watch, read);
}

export function hrefOf(route: Route): string {
  return `#/${route}`;
}

function watch(changed: () => void): () => void {
  addEventListener('hashchange', changed);
  return () => removeEventListener('hashchange', changed);
}

function read(): Route {
  return routes.find((route) => hrefOf(route) === location.hash) ?? 'stream';
}
