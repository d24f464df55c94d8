// What a sketch of rank k keeps of the patches of two photographs, and the regret that it buys.
const { ranks, regrets, floats, escaped, eigenvalues, directions, size, hole, ogd, full, full_floats: fullFloats } = DATA;
const spectrum = new Chart("Eigenvalues of the gradient covariance", "spectrum", "direction");
const chart = new Chart("Regret against the rank", "chart", "rank k (1, 2, 4, ..., 32)");
const mosaic = panel("The first 32 directions, as patches; those that are kept are framed", "mosaic", 400, 210);
const trace = eigenvalues.reduce((a, b) => a + b, 0);

const position = slider("rank", "Rank k, directions kept", {
  min: 0, max: ranks.length - 1, step: 1, value: 2, meaning: (place) => ranks[place], shown: String, change: draw,
});

function draw() {
  const k = position.value;
  const at = ranks.indexOf(k);
  const tail = eigenvalues.slice(k).reduce((a, b) => a + b, 0);
  spectrum.draw([
    { values: eigenvalues, style: "gray" },
    { values: eigenvalues.slice(0, k), style: "blue", dots: "solid-blue" },
    { values: eigenvalues.map(() => escaped[at]), style: "red dash", label: "escaped mass ρ" },
  ], { logarithmic: true, marks: [k] });
  chart.draw([
    { values: regrets, style: "blue", dots: "solid-blue", label: "FD-AdaGrad" },
    { values: regrets.map(() => ogd), style: "gray dash", label: "gradient descent" },
    { values: regrets.map(() => full), style: "gray dots", label: "full matrix" },
  ], { from: 0, marks: [at + 1] });
  drawMosaic(k);
  numbers.show("regret", "Regret", regrets[at]);
  numbers.show("floats", "Numbers in memory", floats[at], 6);
  numbers.show("tail", "Tail mass, share of the trace", tail / trace);
  numbers.show("escaped", "Escaped mass ρ, off each eigenvalue", escaped[at]);
  numbers.show("escaped_trace", "Escaped trace (k + 1) ρ, share", ((k + 1) * escaped[at]) / trace);
  say(`Rank ${k} keeps ${(100 * (1 - tail / trace)).toFixed(1)} % of the trace in ${floats[at].toLocaleString("en")} numbers; ` +
    `the full matrix holds ${fullFloats.toLocaleString("en")}. The regret is ${short(regrets[at], 3)}, ` +
    `that of gradient descent ${short(ogd, 3)}.`);
}

function drawMosaic(k) {
  const { drawing } = mosaic;
  drawing.replaceChildren();
  const cell = 4;
  directions.forEach((direction, i) => {
    const [left, top] = [4 + (i % 8) * 49.5, 2 + Math.floor(i / 8) * 52];
    const most = Math.max(...direction.map(Math.abs));
    let place = 0;
    for (let pixel = 0; pixel < size * size; pixel++) {
      const [row, column] = [Math.floor(pixel / size), pixel % size];
      const middle = (size - hole) / 2;
      if (row >= middle && row < middle + hole && column >= middle && column < middle + hole) continue;
      const level = Math.round(127.5 * (1 + direction[place] / most));
      place += 1;
      drawing.append(shape("rect", { x: left + column * cell, y: top + row * cell, width: cell + 0.2, height: cell + 0.2,
        fill: `rgb(${level},${level},${level})` }));
    }
    const side = size * cell;
    if (i < k) drawing.append(shape("rect", { x: left - 1, y: top - 1, width: side + 2, height: side + 2, class: "blue" }));
  });
}
draw();
