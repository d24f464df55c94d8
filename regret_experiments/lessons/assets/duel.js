// A game of 20 rounds on [-1, 1] with linear losses: the reader is the learner, or the adversary.
const T = 20;
const { coins } = DATA;
const chart = new Chart("Regret so far", "chart", "round");
const history = document.getElementById("history");
history.hidden = false;
history.setAttribute("aria-label", "Rounds played");
const LEARNERS = {
  descent: (slopes) => slopes.reduce((x, slope, t) => Math.max(-1, Math.min(1, x - (2 / Math.sqrt(t + 1)) * slope)), 0),
  leader: (slopes) => -Math.sign(slopes.reduce((a, b) => a + b, 0)),
};
const ADVERSARIES = {
  against: (points) => (points[points.length - 1] >= 0 ? 1 : -1),
  coins: (points) => coins[points.length - 1],
  blocks: (points) => (Math.floor((points.length - 1) / 5) % 2 === 0 ? 1 : -1),
};
let [points, slopes] = [[], []];

const role = choice("role", "You are", [["learner", "the learner"], ["adversary", "the adversary"]], restart);
const opponent = choice("opponent", "Against", [], restart);
const place = slider("place", "Your point x", { min: -1, max: 1, step: 0.05, value: 0, shown: (x) => x.toFixed(2), change: () => {} });
const playButton = button("play", "Play this point", () => move(place.value, null));
const rising = button("rising", "Loss +x", () => move(null, 1));
const falling = button("falling", "Loss −x", () => move(null, -1));
button("again", "New game", restart);

function offer() {
  const options = role.value === "learner"
    ? [["against", "one who sees your point"], ["coins", "coins, tossed before"], ["blocks", "five rounds this way, five that way"]]
    : [["descent", "gradient descent"], ["leader", "follow the leader"]];
  if (opponent.dataset.role !== role.value) {
    opponent.replaceChildren(...options.map(([value, text]) => element("option", { value }, text)));
    opponent.dataset.role = role.value;
  }
  place.input.closest("label").hidden = playButton.hidden = role.value !== "learner";
  rising.hidden = falling.hidden = role.value !== "adversary";
}

function restart() {
  [points, slopes] = [[], []];
  offer();
  draw();
}

function move(point, slope) {
  if (slopes.length >= T) return;
  points.push(point ?? LEARNERS[opponent.value](slopes));
  slopes.push(slope ?? ADVERSARIES[opponent.value](points));
  draw();
}

function draw() {
  const regrets = [];
  let [suffered, sum] = [0, 0];
  slopes.forEach((slope, t) => {
    suffered += slope * points[t];
    sum += slope;
    regrets.push(suffered + Math.abs(sum));
  });
  const n = slopes.length;
  const bounds = Array.from({ length: T }, (_, t) => 3 * Math.sqrt(t + 1));
  chart.draw([
    { values: regrets, style: "blue", dots: "solid-blue", label: n ? "regret" : "" },
    { values: bounds, style: "gray dots", label: "3 √t, never passed by gradient descent" },
  ], { from: 0, to: 14 });
  numbers.show("rounds", "Rounds played", n);
  numbers.show("loss", "Loss of the learner", suffered);
  numbers.show("fixed", "Loss of the best fixed point", -Math.abs(sum));
  numbers.show("best", "Best fixed point", -Math.sign(sum));
  numbers.show("regret", "Regret", n ? regrets[n - 1] : 0);
  const rows = slopes.map((slope, t) => `<tr><td>${t + 1}</td><td>${points[t].toFixed(3)}</td><td>${slope > 0 ? "+x" : "−x"}</td>` +
    `<td>${(slope * points[t]).toFixed(3)}</td></tr>`);
  history.innerHTML = `<table><thead><tr><th>round</th><th>point</th><th>loss</th><th>paid</th></tr></thead><tbody>${rows.reverse().join("")}</tbody></table>`;
  for (const one of [playButton, rising, falling]) one.disabled = n >= T;
  if (n === 0) say(role.value === "learner" ? "Choose a point, then play it. The loss is revealed afterwards." : "Choose the loss of round 1. The learner has already chosen its point.");
  else say(`Round ${n}: the point was ${points[n - 1].toFixed(2)}, the loss ${slopes[n - 1] > 0 ? "+x" : "−x"}. ` +
    `The regret is ${short(regrets[n - 1], 3)}${n >= T ? ", and the game is over." : "."}`);
}
restart();
