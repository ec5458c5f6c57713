/** Columns of the terminal that reads along; a pipe has no limit. */
export function terminalWidth(stream: { isTTY?: boolean; columns?: number } = process.stdout): number {
  return stream.isTTY && stream.columns ? stream.columns : Infinity;
}

/** A text in lines of the terminal, broken between words; a word that is longer has a line of its own. */
export function wrapped(text: string, width: number, indent: string): string {
  const lines: string[] = [];
  const [first = '', ...words] = text.split(' ');
  let line = first;
  for (const word of words) {
    if (line.trim() !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = indent + word;
    } else line += ` ${word}`;
  }
  return [...lines, line].join('\n');
}

/** As much of a line as the terminal shows in one. */
export function cut(line: string, width: number): string {
  return line.length <= width ? line : `${line.slice(0, width - 1)}…`;
}
