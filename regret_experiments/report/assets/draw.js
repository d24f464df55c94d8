// Drawing in SVG: scales, axes, marks, names that do not overlap, and the tip that follows the pointer or the focus.

const SVG = "http://www.w3.org/2000/svg";
const CHARACTER = 6.9; // about the width of a letter at 12 px, on the safe side
const MOST_NAMES = 20; // more would not be read; the points say their names

function element(parent, name, attributes = {}, text = null) {
  const made = document.createElementNS(SVG, name);
  for (const [key, given] of Object.entries(attributes)) made.setAttribute(key, given);
  if (text !== null) made.textContent = text;
  parent?.append(made);
  return made;
}

function html(parent, name, text = null, attributes = {}) {
  const made = document.createElement(name);
  for (const [key, given] of Object.entries(attributes)) made.setAttribute(key, given);
  if (text !== null) made.textContent = text;
  parent?.append(made);
  return made;
}

const shortened = (text, width) => {
  const most = Math.max(4, Math.floor(width / CHARACTER));
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
};

// A scale from data to pixels. On a logarithmic one, what is not positive is not drawn.
function makeScale(values, from, to, log, fromZero = false) {
  const finite = values.filter((v) => Number.isFinite(v) && (!log || v > 0));
  let low = finite.length ? finite.reduce((a, b) => Math.min(a, b)) : log ? 1 : 0;
  let high = finite.length ? finite.reduce((a, b) => Math.max(a, b)) : log ? 10 : 1;
  if (fromZero && !log) low = Math.min(0, low);
  if (low === high) [low, high] = log ? [low / 2, high * 2] : [low - 0.5, high + 0.5];
  const inner = log ? Math.log : (v) => v;
  const margin = 0.05 * (inner(high) - inner(low));
  const start = fromZero && !log && low === 0 ? 0 : inner(low) - margin;
  const stop = inner(high) + margin;
  const scale = (v) => from + ((inner(v) - start) / (stop - start)) * (to - from);
  scale.draws = (v) => Number.isFinite(v) && (!log || v > 0);
  scale.ticks = log ? logTicks(Math.exp(start), Math.exp(stop)) : linearTicks(start, stop);
  return scale;
}

function linearTicks(low, high, most = 5) {
  const rough = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((m) => m * power >= rough);
  const ticks = [];
  for (let i = Math.ceil(low / step); i * step <= high; i += 1) ticks.push(i * step);
  return ticks;
}

function logTicks(low, high) {
  const decades = Math.log10(high / low);
  const step = Math.max(1, Math.ceil(decades / 6));
  const ticks = [];
  for (let e = Math.floor(Math.log10(low)); e <= Math.log10(high); e += 1) {
    for (const m of decades < 2 ? [1, 2, 5] : [1]) {
      const tick = m * 10 ** e;
      if (tick >= low && tick <= high && e % step === 0) ticks.push(tick);
    }
  }
  return ticks.length >= 2 ? ticks : linearTicks(low, high, 4).filter((tick) => tick > 0);
}

const tickText = (v) => (Math.abs(v) >= 1e5 || (v !== 0 && Math.abs(v) < 1e-3) ? v.toExponential().replace("e+", "e") : number(v));

// An empty plot: frame, ticks with their values, titles. Room is kept at the right for the names of what is drawn.
function plot(host, { label, x, y, names = [] }) {
  const width = Math.max(240, host.clientWidth);
  const height = Math.round(Math.min(420, Math.max(250, width * 0.56)));
  const longest = Math.min(width / 3, 36 + CHARACTER * Math.max(0, ...names.map((name) => name.length)));
  const hasNames = names.length > 0 && new Set(names).size <= MOST_NAMES && width > 460;
  const box = { left: 58, right: width - (hasNames ? longest : 12), top: 12, bottom: height - 44 };
  host.replaceChildren();
  const svg = element(host, "svg", { viewBox: `0 0 ${width} ${height}`, height, role: "group", "aria-label": label });
  const X = makeScale(x.values, box.left, box.right, x.log);
  const Y = makeScale(y.values, box.bottom, box.top, y.log, true);
  let lastRight = -Infinity;
  for (const tick of x.ticks ?? X.ticks) {
    const at = X(tick);
    const text = tickText(tick);
    const half = (text.length * CHARACTER) / 2 + 4;
    element(svg, "path", { class: "gridline", d: `M${at},${box.top}V${box.bottom}` });
    if (at - half < lastRight) continue;
    lastRight = at + half;
    element(svg, "text", { class: "tick", "data-axis": "x", "data-value": tick, x: at, y: box.bottom + 16, "text-anchor": "middle" }, text);
  }
  for (const tick of Y.ticks) {
    const at = Y(tick);
    element(svg, "path", { class: "gridline", d: `M${box.left},${at}H${box.right}` });
    element(svg, "text", { class: "tick", "data-axis": "y", "data-value": tick, x: box.left - 6, y: at + 4, "text-anchor": "end" }, tickText(tick));
  }
  element(svg, "path", { class: "axis", d: `M${box.left},${box.top}V${box.bottom}H${box.right}` });
  element(svg, "text", { class: "title", x: (box.left + box.right) / 2, y: height - 6, "text-anchor": "middle" }, x.title);
  element(svg, "text", { class: "title", transform: `translate(13 ${(box.top + box.bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, y.title);
  return { svg, X, Y, box, width, height, hasNames };
}

// Everything that belongs to a learner is drawn inside a group that carries its two colours.
function inColour(parent, learner) {
  const { color, dark } = payload.learners[learner];
  const group = element(parent, "g", { class: "mark" });
  group.style.setProperty("--light", color);
  group.style.setProperty("--dark", dark);
  return group;
}

const points = (chart, xs, ys) => xs.map((x, i) => [x, ys[i]]).filter(([x, y]) => chart.X.draws(x) && chart.Y.draws(y));

function line(chart, parent, xs, ys, kind = "line") {
  const drawn = points(chart, xs, ys).map(([x, y]) => `${chart.X(x).toFixed(1)},${chart.Y(y).toFixed(1)}`);
  return drawn.length > 1 ? element(parent, "path", { class: kind, d: `M${drawn.join("L")}` }) : null;
}

function band(chart, parent, xs, lows, highs) {
  const floor = chart.box.bottom;
  const corners = (ys) => xs.map((x, i) => [x, ys[i]]).filter(([x], i) => chart.X.draws(x) && chart.Y.draws(highs[i]))
    .map(([x, y]) => `${chart.X(x).toFixed(1)},${(chart.Y.draws(y) ? Math.min(floor, chart.Y(y)) : floor).toFixed(1)}`);
  const upper = corners(highs);
  if (upper.length > 1) element(parent, "path", { class: "band", d: `M${upper.join("L")}L${corners(lows).reverse().join("L")}Z` });
}

// A learner's marker. With `act` it is a button for mouse and keyboard alike; with `text` it has a tip.
function dot(chart, parent, learner, [x, y], { text, act, facts = {}, size = 6 }) {
  const at = [chart.X(x), chart.Y(y)];
  const made = element(parent, "path", {
    class: "dot", d: payload.learners[learner].marker, transform: `translate(${at[0].toFixed(1)} ${at[1].toFixed(1)}) scale(${size})`,
    "vector-effect": "non-scaling-stroke", tabindex: 0, role: act ? "button" : "img", "aria-label": text.replaceAll("\n", ", "),
    "data-x": x, "data-y": y,
  });
  for (const [key, given] of Object.entries(facts)) made.dataset[key] = given;
  made.addEventListener("pointerenter", () => showTip(text, made));
  made.addEventListener("focus", () => showTip(text, made));
  for (const leaving of ["pointerleave", "blur"]) made.addEventListener(leaving, hideTip);
  if (act) {
    made.addEventListener("click", act);
    made.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); act(); }
    });
  }
  return made;
}

// Names in a column at the right, in the order of their heights, moved apart where they would overlap.
function nameAtRight(chart, entries) {
  if (!chart.hasNames) return;
  const gap = Math.min(15, (chart.box.bottom - chart.box.top + 12) / Math.max(1, entries.length));
  const sorted = [...entries].sort((a, b) => a.y - b.y);
  const heights = spread(sorted.map((entry) => entry.y), sorted.map(() => gap), chart.box.top - gap / 2, chart.box.bottom + gap / 2).map((top) => top + gap / 2);
  const left = chart.box.right + 22;
  sorted.forEach((entry, i) => {
    const group = inColour(chart.svg, entry.learner);
    // A line to a point far away would cross the figure; there the marker says whose name it is.
    if (chart.box.right - entry.x < 60) element(group, "path", { class: "leader", d: `M${entry.x.toFixed(1)},${entry.y.toFixed(1)}L${chart.box.right + 6},${heights[i].toFixed(1)}` });
    element(group, "path", { d: payload.learners[entry.learner].marker, fill: "currentColor", transform: `translate(${left - 9} ${heights[i]}) scale(${Math.min(4, gap / 3)})` });
    const text = element(group, "text", { class: "name", x: left, y: heights[i] + 4 }, shortened(entry.text, chart.width - left));
    if (gap < 13) text.style.fontSize = `${Math.max(7, gap)}px`;
    element(text, "title", {}, entry.text);
  });
}

function showTip(text, near) {
  const tip = document.getElementById("tip");
  const at = near.getBoundingClientRect ? near.getBoundingClientRect() : near;
  tip.textContent = text;
  tip.hidden = false;
  const size = tip.getBoundingClientRect();
  const left = Math.min(Math.max(8, at.left + at.width / 2 - size.width / 2), document.documentElement.clientWidth - size.width - 8);
  const above = at.top - size.height - 8;
  tip.style.left = `${left + scrollX}px`;
  tip.style.top = `${(above > 0 ? above : at.bottom + 8) + scrollY}px`;
}

function hideTip() {
  document.getElementById("tip").hidden = true;
}
