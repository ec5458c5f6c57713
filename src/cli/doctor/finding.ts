import { printableJson } from '../printable.ts';
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

/** A text of somebody else, such as an `application_name`, as part of a line. */
export function shown(text: string): string {
  const line = Array.from(text).slice(0, 80).join('');
  return line === '' ? 'without a name' : printableJson(line);
}
