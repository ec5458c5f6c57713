import { chooseTheme, themes, useTheme, type Theme } from './theme.ts';

const titles: Readonly<Record<Theme, string>> = {
  system: 'Theme: as the system',
  light: 'Theme: light',
  dark: 'Theme: dark',
};

const icons: Readonly<Record<Theme, string>> = {
  system: 'M2 3h12v8H2zM6 14h4M8 11v3',
  light:
    'M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6ZM8 1v1.6M8 13.4V15M1 8h1.6M13.4 8H15M3 3l1.2 1.2M11.8 11.8 13 13M13 3l-1.2 1.2M4.2 11.8 3 13',
  dark: 'M13.5 9.6A6 6 0 0 1 6.4 2.5a6 6 0 1 0 7.1 7.1Z',
};

/** System, light, dark, and round again. */
export function ThemeToggle() {
  const theme = useTheme();
  const next = themes[(themes.indexOf(theme) + 1) % themes.length] ?? 'system';
  return (
    <button
      type="button"
      className="button icon bare"
      data-testid="theme"
      title={titles[theme]}
      onClick={() => chooseTheme(next)}
    >
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d={icons[theme]} />
      </svg>
      <span className="visually-hidden">{titles[theme]}</span>
    </button>
  );
}
