// Three experts: Hedge, or gradient descent, on the simplex.
const { losses } = DATA;
const T = losses.length;
const plane = new Plane("The weights, as points of a triangle", "plane", 1.25);
const chart = new Chart("Regret so far", "chart", "round");
const CORNERS = [[-1, -0.75], [1, -0.75], [0, 0.98]];
const NAMES = ["expert 1", "expert 2", "expert 3"];

const learner = choice("learner", "Learner", [["hedge", "Hedge"], ["descent", "gradient descent"]], draw);
const rate = slider("rate", "Learning rate η", {
  min: -2, max: 1, step: 0.05, value: -0.5, meaning: (position) => 10 ** position, change: draw,
});
const rounds = slider("rounds", "Rounds", { min: 1, max: T, step: 1, value: T, change: draw });

// The Euclidean projection on the simplex: subtract a threshold, cut at zero.
function onSimplex(point) {
  const sorted = [...point].sort((a, b) => b - a);
  let [sum, threshold] = [0, 0];
  sorted.forEach((value, i) => {
    sum += value;
    if (value - (sum - 1) / (i + 1) > 0) threshold = (sum - 1) / (i + 1);
  });
  return point.map((value) => Math.max(0, value - threshold));
}

function play(kind, eta, last) {
  const points = [[1 / 3, 1 / 3, 1 / 3]];
  const totals = [0, 0, 0];
  const regrets = [];
  let suffered = 0;
  for (let t = 0; t < last; t++) {
    suffered += dot(points[t], losses[t]);
    losses[t].forEach((one, i) => { totals[i] += one; });
    regrets.push(suffered - Math.min(...totals));
    if (kind === "hedge") {
      const least = Math.min(...totals);
      const weights = totals.map((total) => Math.exp(-eta * (total - least)));
      const sum = weights.reduce((a, b) => a + b, 0);
      points.push(weights.map((weight) => weight / sum));
    } else {
      points.push(onSimplex(plus(points[t], losses[t], -eta / Math.sqrt(t + 1))));
    }
  }
  return { points, totals, regrets, suffered };
}

const flat = (weights) => weights.reduce((sum, weight, i) => plus(sum, CORNERS[i], weight), [0, 0]);

function draw() {
  const last = rounds.value;
  const { points, totals, regrets, suffered } = play(learner.value, rate.value, last);
  plane.drawing.replaceChildren();
  plane.line([...CORNERS, CORNERS[0]], "edge");
  NAMES.forEach((name, i) => plane.label(plus(CORNERS[i], [0, 0], 1), name, i === 2 ? 10 : -20, i === 2 ? 0 : 22));
  plane.line(points.map(flat), "blue");
  points.forEach((point) => plane.point(flat(point), "solid-blue", 2.5));
  plane.point(flat(points[last]), "solid-red", 6);
  chart.draw([{ values: regrets, style: "blue" }], { from: 0 });
  numbers.show("weights", "Weights for the next round", points[last]);
  numbers.show("regret", "Regret", regrets[last - 1]);
  numbers.show("loss", "Loss of the learner", suffered);
  numbers.show("totals", "Losses of the experts", totals);
  if (learner.value === "hedge") {
    numbers.show("bound", "Hedge's bound, ln 3 / η + η T / 8", Math.log(3) / rate.value + (rate.value * last) / 8);
  } else numbers.show("bound", "Hedge's bound, ln 3 / η + η T / 8", NaN);
  const best = totals.indexOf(Math.min(...totals));
  say(`After ${last} rounds ${NAMES[best]} is the best. The learner gives it ${(100 * points[last][best]).toFixed(1)} %, ` +
    `and its regret is ${short(regrets[last - 1], 3)}.`);
}
draw();
