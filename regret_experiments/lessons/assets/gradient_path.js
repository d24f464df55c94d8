// Projected gradient descent on a stream of squares in the unit disc.
const { rows, targets, gradient_bound: bound } = DATA;
const T = rows.length;
const plane = new Plane("The points that are played, and the best fixed point", "plane", 1.15);
const chart = new Chart("Regret so far", "chart", "round");
const loss = (t, x) => (dot(rows[t], x) - targets[t]) ** 2 / 2;

const rate = slider("rate", "Step size, in multiples of D / G", {
  min: -2, max: 1.5, step: 0.05, value: 0, meaning: (position) => 10 ** position, change: draw,
});
const schedule = choice("schedule", "Step in round t", [["sqrt", "falls as 1 / √t"], ["constant", "stays the same"]], draw);
const rounds = slider("rounds", "Rounds", { min: 1, max: T, step: 1, value: T, change: draw });

function play(multiple, kind, last) {
  const points = [[0, 0]];
  const losses = [];
  for (let t = 0; t < last; t++) {
    const x = points[t];
    losses.push(loss(t, x));
    const step = (multiple * 2) / bound / (kind === "sqrt" ? Math.sqrt(t + 1) : 1);
    points.push(onDisc(plus(x, rows[t], -step * (dot(rows[t], x) - targets[t]))));
  }
  return { points, losses };
}

// The best point of the disc for the first rounds: least squares, with a multiplier found by bisection.
function best(last) {
  const [matrix, right] = [[0, 0, 0], [0, 0]];
  for (let t = 0; t < last; t++) {
    const [u, v] = rows[t];
    matrix[0] += u * u;
    matrix[1] += u * v;
    matrix[2] += v * v;
    right[0] += targets[t] * u;
    right[1] += targets[t] * v;
  }
  const parts = eigen(matrix).map(([value, unit]) => [value, unit, dot(unit, right)]);
  const at = (m) => parts.reduce((sum, [value, unit, part]) => plus(sum, unit, part / Math.max(value + m, 1e-12)), [0, 0]);
  if (norm(at(0)) <= 1) return at(0);
  let [low, high] = [0, norm(right) + 1];
  for (let i = 0; i < 200; i++) {
    const middle = (low + high) / 2;
    if (norm(at(middle)) > 1) low = middle;
    else high = middle;
  }
  return at(high);
}

const fixedLoss = (last) => {
  const u = best(last);
  return rows.slice(0, last).reduce((sum, _, t) => sum + loss(t, u), 0);
};

function draw() {
  const last = rounds.value;
  const { points, losses } = play(rate.value, schedule.value, last);
  const regrets = [];
  losses.reduce((sum, one, t) => { regrets.push(sum + one - fixedLoss(t + 1)); return sum + one; }, 0);
  const u = best(last);
  plane.clear();
  plane.circle(1, "edge");
  plane.line(points, "blue");
  points.forEach((point, t) => plane.point(point, "solid-blue", t === 0 ? 5 : 2.5));
  plane.label(points[0], "start", -8, 18);
  plane.point(u, "solid-red", 6);
  plane.label(u, "best fixed point");
  chart.draw([{ values: regrets, style: "blue" }], { from: 0 });
  numbers.show("regret", "Regret", regrets[last - 1]);
  numbers.show("loss", "Loss of the learner", losses.reduce((a, b) => a + b, 0));
  numbers.show("fixed", "Loss of the best fixed point", fixedLoss(last));
  numbers.show("final", "Next point", points[last]);
  say(`After ${last} rounds the regret is ${short(regrets[last - 1], 3)}.`);
}
draw();
