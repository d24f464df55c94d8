// Frequent Directions of rank 1 in the plane, one update at a time.
const plane = new Plane("The covariance G, and what the sketch knows of it", "plane", 5);
const bars = panel("The last update: eigenvalues before, and what is taken off", "bars", 400, 300);
let vectors = DATA.vectors.map((vector) => [...vector]);

const step = slider("step", "Vectors so far", { min: 0, max: vectors.length, step: 1, value: 6, change: draw });
const size = slider("size", "New vector: length", { min: 0.1, max: 3, step: 0.1, value: 1.5, change: () => {} });
const angle = slider("angle", "New vector: direction, degrees", { min: 0, max: 175, step: 5, value: 90, change: () => {} });
button("add", "Add the vector", () => {
  const turn = (angle.value * Math.PI) / 180;
  add([size.value * Math.cos(turn), size.value * Math.sin(turn)]);
});
button("reset", "Start again", () => {
  vectors = DATA.vectors.map((vector) => [...vector]);
  step.limit(vectors.length);
  step.set(0);
  draw();
});

function add(vector) {
  vectors = [...vectors.slice(0, step.value), vector];
  step.limit(vectors.length);
  step.set(vectors.length);
  draw();
}

function run(count) {
  let [exact, kept, escaped, before, taken] = [[0, 0, 0], [0, 0, 0], 0, [0, 0], 0];
  for (const [u, v] of vectors.slice(0, count)) {
    exact = plus(exact, [u * u, u * v, v * v]);
    const sum = plus(kept, [u * u, u * v, v * v]);
    before = eigen(sum).map(([value]) => Math.max(0, value));
    [, taken] = before;
    kept = spectral(sum, (value) => Math.max(0, value - taken));
    escaped += taken;
  }
  return { exact, kept, escaped, before, taken };
}

function draw() {
  const count = step.value;
  const { exact, kept, escaped, before, taken } = run(count);
  const [[most], [least]] = eigen(exact);
  plane.reach = Math.max(2, 1.1 * Math.sqrt(most), 1.1 * Math.max(0, ...vectors.slice(0, count).map(norm)));
  plane.clear();
  const root = (value) => Math.sqrt(Math.max(0, value));
  plane.ellipse(spectral(exact, root), 1, [0, 0], "edge");
  const [[value, unit]] = eigen(kept);
  const whole = spectral(plus(kept, [escaped, 0, escaped]), root);
  plane.ellipse(whole, 1, [0, 0], "blue dash");
  if (escaped > 0) plane.circle(Math.sqrt(escaped), "faint-red");
  plane.line([unit.map((one) => -one * root(value)), unit.map((one) => one * root(value))], "blue");
  vectors.slice(0, count).forEach((vector, i) => plane.point(vector, i === count - 1 ? "solid-red" : "solid-gray", i === count - 1 ? 6 : 3));
  drawBars(before, taken);
  const trace = exact[0] + exact[2];
  const gap = eigen(plus(exact, kept, -1))[0][0];
  numbers.show("kept", "Kept: eigenvalue of the sketch", value);
  numbers.show("escaped", "Escaped mass ρ", escaped);
  numbers.show("taken", "Taken off in the last update", taken);
  numbers.show("largest", "Eigenvalues of G", [most, least]);
  numbers.show("error", "Error, largest eigenvalue of G less sketch", gap);
  numbers.show("trace", "Trace of G", trace);
  numbers.show("accounted", "Trace of the sketch and 2 ρ", kept[0] + kept[2] + 2 * escaped);
  say(count === 0 ? "No vector yet." : `Vector ${count}: ${short(taken, 3)} is taken off both eigenvalues. ` +
    `The error ${short(gap, 3)} is at most ρ = ${short(escaped, 3)}.`);
}

function drawBars(before, taken) {
  const { drawing } = bars;
  drawing.replaceChildren();
  const scale = 225 / Math.max(1e-9, before[0]);
  before.forEach((value, i) => {
    const x = 70 + 160 * i;
    const put = (name, attributes, text = null) => drawing.append(shape(name, attributes, text));
    put("rect", { x, y: 255 - scale * (value - taken), width: 90, height: scale * (value - taken), class: "solid-blue" });
    put("rect", { x, y: 255 - scale * value, width: 90, height: scale * taken, class: "faint-red" });
    put("text", { x: x + 45, y: 275, "text-anchor": "middle" }, i === 0 ? "first" : "second");
    put("text", { x: x + 45, y: Math.max(14, 250 - scale * value), "text-anchor": "middle" }, short(value, 3));
  });
  drawing.append(shape("text", { x: 5, y: 295, class: "quiet" }, "blue: kept. Dashed: taken off both, it escapes"));
}
draw();
