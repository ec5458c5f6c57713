import type { ReactNode } from 'react';

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => ReactNode;
  readonly isNumber?: boolean;
  /** As wide as a card on a phone; the first column always is. */
  readonly isWide?: boolean;
}

/**
 * A table that is a list of cards on a phone. The roles are said again, because a browser may forget them with another
 * `display`.
 */
export function Records<Row>(props: {
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  keyOf: (row: Row) => string;
}) {
  const { label, columns, rows, keyOf } = props;
  const align = (column: Column<Row>) => (column.isNumber ? 'right' : undefined);
  return (
    <div className="table-scroll" role="region" aria-label={label} tabIndex={0}>
      <table className="table operator-records" role="table" aria-label={label}>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map((column) => (
              <th key={column.title} role="columnheader" scope="col" className={align(column)}>
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row) => (
            <tr key={keyOf(row)} role="row" data-row={keyOf(row)}>
              {columns.map((column, index) => (
                <td
                  key={column.title}
                  role="cell"
                  className={align(column)}
                  data-title={column.title}
                  data-wide={index === 0 || column.isWide ? '' : undefined}
                >
                  <span>{column.cell(row)}</span>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
