/** Whose the demo's data is. */
export function Credit() {
  return (
    <footer className="credit" data-testid="credit">
      Temperatures: hourly climate normals 1981–2010 of Seattle,{' '}
      <a href="https://www.ncdc.noaa.gov/cdo-web/datatools/normals">NOAA National Climatic Data Center</a>, a
      work of the U.S. government, from the npm package vega-datasets. Each unit replays them, unchanged, from
      an hour of its own, as its probe outdoors. Names and limits are invented.
    </footer>
  );
}
