import { findingRules, type FindingCode, type Severity } from './finding-rules.ts';

/** One thing that is not as it should be. */
export interface Finding {
  code: FindingCode;
  severity: Severity;
  meaning: string;
  /** What was seen, with names and numbers; never a secret, nor the data of an event. */
  seen: string;
  remedy: string;
}

export function found(code: FindingCode, seen: string, remedy: string): Finding {
  return { code, ...findingRules[code], seen, remedy };
}

/** The way of a name into SQL that is to be pasted. */
export function quoted(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

/** A text of somebody else, such as an `application_name`, as part of a line. */
export function shown(text: string): string {
  const line = text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 80);
  return line === '' ? 'without a name' : JSON.stringify(line);
}
