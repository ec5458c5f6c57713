import { memo } from 'react';
import { height, shapeOf, width } from './sparkline-shape.ts';
import { degrees } from './degrees.ts';

/** The last readings of a unit, and its limit as a dashed line. */
export const Sparkline = memo(function Sparkline(props: { series: readonly number[]; limit: number | null }) {
  const { series, limit } = props;
  const shape = shapeOf(series, limit);
  if (!shape) return <div className="units-spark" aria-hidden="true" />;
  const { points, end, low, high } = shape;
  const limitText = limit === null ? '' : `, limit ${degrees(limit)}`;
  return (
    <svg
      className="units-spark"
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={`Last ${series.length} readings: ${degrees(low)} to ${degrees(high)}${limitText}`}
    >
      {shape.limit !== undefined && (
        <line className="units-spark-limit" x1="0" x2={width} y1={shape.limit} y2={shape.limit} />
      )}
      <polyline points={points} />
      <line className="units-spark-end" x1={end.x} x2={end.x} y1={end.y} y2={end.y} />
    </svg>
  );
});
