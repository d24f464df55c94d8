// Where labels in a column stand: the same function as figures/spread.py, whose docstring explains it.

function spread(centers, heights, low, high) {
  const below = [];
  heights.reduce((under, height) => { below.push(under); return under + height; }, 0);
  const pools = [];
  centers.forEach((center, i) => {
    let total = center - heights[i] / 2 - below[i];
    let count = 1;
    while (pools.length && pools.at(-1)[0] / pools.at(-1)[1] > total / count) {
      const [sum, many] = pools.pop();
      total += sum;
      count += many;
    }
    pools.push([total, count]);
  });
  let first = low;
  let last = high - heights.reduce((sum, height) => sum + height, 0);
  if (first > last) first = last = (first + last) / 2;
  const wanted = pools.flatMap(([total, count]) => Array(count).fill(total / count));
  return wanted.map((at, i) => Math.min(Math.max(at, first), last) + below[i]);
}
