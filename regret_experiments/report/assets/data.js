// The payload, decoded: columns of runs as plain arrays, and how numbers are written.

let payload = JSON.parse(document.getElementById("payload").textContent);
let runs = decodeRuns(payload);

function decode(column) {
  return Array.isArray(column) ? column : column.codes.map((code) => column.values[code]);
}

function decodeRuns(given) {
  const decoded = Object.fromEntries(Object.entries(given.runs).map(([name, column]) => [name, decode(column)]));
  return { count: decoded.id.length, ...decoded };
}

const isRegret = () => payload.measure === "regret";
const capital = (text) => text[0].toUpperCase() + text.slice(1);
const value = (name, i) => (runs[name] ? runs[name][i] : null);
const learnerOf = (i) => payload.learners[value("learner", i)];

// Four significant digits, as a person would write them; a dash for what is not known.
function number(x) {
  if (x === null || x === undefined) return "–";
  if (typeof x !== "number") return String(x);
  if (x === 0) return "0";
  const size = Math.abs(x);
  if (size >= 1e6 || size < 1e-4) return x.toExponential(2).replace("e+", "e");
  return Number(x.toPrecision(4)).toLocaleString("en", { maximumSignificantDigits: 4 });
}

const whole = (x) => (x === null || x === undefined ? "–" : x.toLocaleString("en"));
const interval = ([middle, low, high]) => `${number(middle)} [${number(low)}, ${number(high)}]`;
// Empty where every order that was asked for is in the mean.
const ordersText = ({ orders: [found, asked] }) => (found === asked ? "" : `${found} of ${asked} orders`);
// Of a learner that draws random numbers: the mean over its runs, with half the 95 % interval of that mean.
const expectedText = ({ expected: found }) => (found ? `expected regret ${number(found[0])}${found[1] === null ? "" : ` ± ${number(found[1])}`} (${whole(found[2])} runs, 95 %)` : "");
const named = (group) => {
  const label = payload.learners[group.learner].label;
  return group.rank === null ? label : `${label}, k = ${group.rank}`;
};
