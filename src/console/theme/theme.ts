import { useSyncExternalStore } from 'react';

export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

const key = 'commitcast:theme';
const watching = new Set<() => void>();

/** What was chosen in this browser; `system` follows `prefers-color-scheme`. */
export function useTheme(): Theme {
  return useSyncExternalStore((changed) => {
    watching.add(changed);
    return () => watching.delete(changed);
  }, readTheme);
}

export function chooseTheme(theme: Theme): void {
  try {
    localStorage.setItem(key, theme);
  } catch {
    // Forbidden: then it lasts as long as the page.
  }
  applyTheme(theme);
  for (const changed of watching) changed();
}

export function applyTheme(theme: Theme): void {
  const { dataset } = document.documentElement;
  if (theme === 'system') delete dataset['theme'];
  else dataset['theme'] = theme;
}

export function readTheme(): Theme {
  let kept: string | null = null;
  try {
    kept = localStorage.getItem(key);
  } catch {
    // As if nothing was chosen.
  }
  return themes.find((theme) => theme === kept) ?? 'system';
}
