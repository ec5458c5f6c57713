/** What a terminal acts on, or shows elsewhere than it stands: controls, marks of direction, breaks of lines. */
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/**
 * A text of somebody else, as a part of a line: a name, or what an error says. What would move the cursor, or hide a
 * part of the line, is shown as its number instead; `escape` says in which form.
 */
export function printable(text: string, escape: (codePoint: number) => string = asInJson): string {
  return text.replaceAll(unprintable, (character) => escape(character.codePointAt(0) ?? 0));
}

/** Of several lines, and with tabs, as a stack has them. */
export function printableLines(text: string): string {
  return text.replaceAll(/[^\n\t]+/g, (part) => printable(part));
}

/** In one line. `JSON.stringify` leaves some of what a terminal acts on as it is. */
export function printableJson(value: unknown): string {
  return printable(JSON.stringify(value), (codePoint) => {
    // JSON has escapes of 16 bits only: two for what is beyond.
    const units = String.fromCodePoint(codePoint).split('');
    return units.map((unit) => asInJson(unit.charCodeAt(0))).join('');
  });
}

export function isPrintable(text: string): boolean {
  return text.search(unprintable) === -1;
}

function asInJson(codePoint: number): string {
  return codePoint > 0xffff
    ? `\\u{${codePoint.toString(16)}}`
    : `\\u${codePoint.toString(16).padStart(4, '0')}`;
}
