import { Client } from 'pg';

/** What the clients of `pg` in this process have asked of the database since the last look. */
export interface Statements {
  /** How often, by text. */
  texts: Record<string, number>;
  /** Transactions that were ended: a statement outside of a transaction is one of its own. */
  transactions: number;
}

/** Begins to count; each call of what is returned gives the counts since the last one. */
export function countStatements(): () => Statements {
  let counts: Statements = { texts: {}, transactions: 0 };
  const open = new WeakSet<Client>();
  type Query = (this: Client, ...values: unknown[]) => unknown;
  // Its overloads all begin with what is asked.
  const prototype = Client.prototype as unknown as { query: Query };
  const query = prototype.query;
  prototype.query = function (...values) {
    const text = textOf(values[0]);
    counts.texts[text] = (counts.texts[text] ?? 0) + 1;
    if (/^\s*(?:begin|start transaction)\b/i.test(text)) open.add(this);
    else if (/^\s*(?:commit|rollback(?! to))\b/i.test(text)) open.delete(this);
    if (!open.has(this)) counts.transactions += 1;
    return query.apply(this, values);
  };
  return () => {
    const seen = counts;
    counts = { texts: {}, transactions: 0 };
    return seen;
  };
}

function textOf(query: unknown): string {
  return typeof query === 'string' ? query : ((query as { text?: string }).text ?? '');
}
