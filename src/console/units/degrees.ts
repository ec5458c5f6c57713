/** Degrees Celsius. */
export function degrees(value: number | null | undefined): string {
  return value === null || value === undefined ? '–' : `${value.toFixed(1)}°`;
}
