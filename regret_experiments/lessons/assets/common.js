// Parts of every picture: controls, numbers, a plane, a chart, and some linear algebra in the plane.
const DATA = JSON.parse(document.getElementById("data").textContent);
const NAMESPACE = "http://www.w3.org/2000/svg";

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function shape(name, attributes = {}, text = null) {
  const made = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== null) made.textContent = text;
  return made;
}

function short(value, digits = 4) {
  if (!Number.isFinite(value)) return "none";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(digits - 1);
  return String(Number(value.toPrecision(digits)));
}

// In a frame, the page around is told how high this one is.
if (window.parent !== window) {
  const tell = () => window.parent.postMessage({ height: document.body.offsetHeight }, "*");
  new ResizeObserver(tell).observe(document.body);
}

const controls = document.getElementById("controls");
controls.addEventListener("submit", (event) => event.preventDefault());

// A slider; `shown` turns its position into what is written beside it, `meaning` into the value that is used.
function slider(id, label, { min, max, step, value, meaning = Number, shown = null, change }) {
  const input = element("input", { type: "range", id, min, max, step, value });
  const output = element("output", { for: id });
  controls.append(element("label", { class: "field" }, element("span", {}, label, output), input));
  const control = {
    input,
    get value() { return meaning(Number(input.value)); },
    set(position) { input.value = position; write(); },
    limit(largest) { input.max = largest; write(); },
  };
  function write() {
    const text = shown ? shown(control.value) : short(control.value, 3);
    output.textContent = text;
    input.setAttribute("aria-valuetext", text);
  }
  input.addEventListener("input", () => { write(); change(); });
  write();
  return control;
}

function choice(id, label, options, change) {
  const select = element("select", { id });
  for (const [value, text] of options) select.append(element("option", { value }, text));
  controls.append(element("label", { class: "field" }, element("span", {}, label), select));
  select.addEventListener("change", change);
  return select;
}

function button(id, label, action) {
  const made = element("button", { type: "button", id }, label);
  made.addEventListener("click", action);
  controls.append(made);
  return made;
}

// Numbers below the picture; each keeps its full value in data-exact.
const numbers = {
  list: document.getElementById("numbers"),
  show(id, label, value, digits = 4) {
    let place = document.getElementById(id);
    if (!place) {
      place = element("dd", { id });
      this.list.append(element("div", {}, element("dt", {}, label), place));
    }
    const values = Array.isArray(value) ? value : [value];
    place.textContent = values.map((one) => short(one, digits)).join(", ");
    place.dataset.exact = JSON.stringify(value);
  },
};

function say(sentence) { document.getElementById("summary").textContent = sentence; }

function panel(title, id, width, height) {
  const drawing = shape("svg", { id, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": title });
  const caption = element("figcaption", {}, title);
  document.getElementById("panels").append(element("figure", {}, caption, drawing));
  return { drawing, caption };
}

// A square piece of the plane, [-reach, reach] in both coordinates.
class Plane {
  constructor(title, id, reach) {
    Object.assign(this, panel(title, id, 400, 400), { reach });
    this.drawing.classList.add("clip");
  }
  place([x, y]) { return [200 + (190 * x) / this.reach, 200 - (190 * y) / this.reach]; }
  clear() {
    this.drawing.replaceChildren();
    this.add("line", { x1: 5, y1: 200, x2: 395, y2: 200, class: "grid" });
    this.add("line", { x1: 200, y1: 5, x2: 200, y2: 395, class: "grid" });
  }
  add(name, attributes, text = null) {
    const made = shape(name, attributes, text);
    this.drawing.append(made);
    return made;
  }
  line(points, style) {
    this.add("polyline", { points: points.map((point) => this.place(point).join(",")).join(" "), class: style });
  }
  point(point, style, radius = 5) {
    const [cx, cy] = this.place(point);
    this.add("circle", { cx, cy, r: radius, class: style });
  }
  label(point, text, across = 8, down = -8) {
    const [x, y] = this.place(point);
    const left = across < 0 || x > 290;
    this.add("text", { x: left ? x - Math.abs(across) : x + across, y: Math.min(392, Math.max(14, y + down)),
      "text-anchor": left ? "end" : "start" }, text);
  }
  circle(radius, style) { this.add("circle", { cx: 200, cy: 200, r: (190 * radius) / this.reach, class: style }); }
  // The image of the circle of this radius around the center under a symmetric 2 x 2 matrix [a, b, c].
  ellipse([a, b, c], radius, center, style) {
    const points = [];
    for (let i = 0; i <= 90; i++) {
      const [u, v] = [radius * Math.cos((i * Math.PI) / 45), radius * Math.sin((i * Math.PI) / 45)];
      points.push([center[0] + a * u + b * v, center[1] + b * u + c * v]);
    }
    this.line(points, style);
  }
  onTap(action) {
    this.drawing.classList.add("tap");
    const tell = (event) => {
      const box = this.drawing.getBoundingClientRect();
      const [across, down] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
      const scale = (400 * this.reach) / 190;
      action([(across - 0.5) * scale, (0.5 - down) * scale]);
    };
    this.drawing.addEventListener("pointerdown", (event) => {
      this.drawing.setPointerCapture(event.pointerId);
      tell(event);
    });
    this.drawing.addEventListener("pointermove", (event) => { if (event.buttons) tell(event); });
  }
}

// Curves over 1, 2, ..., n, or bars.
class Chart {
  constructor(title, id, across) {
    Object.assign(this, panel(title, id, 400, 300), { across });
  }
  // curves: [{values, style, label}], x from 1; marks: [x] of a vertical line.
  draw(curves, { marks = [], from = null, to = null, logarithmic = false, abscissae = null } = {}) {
    const measure = logarithmic ? Math.log10 : (value) => value;
    const every = curves.flatMap((curve) => curve.values).filter(Number.isFinite).map(measure);
    let [low, high] = [Math.min(...every, from ?? Infinity), Math.max(...every, to ?? -Infinity)];
    if (!(high > low)) high = low + 1;
    const xs = abscissae ?? Array.from({ length: Math.max(2, ...curves.map((curve) => curve.values.length)) }, (_, i) => i + 1);
    const [first, last] = [xs[0], xs[xs.length - 1]];
    const x = (value) => 52 + (330 * (value - first)) / (last - first);
    const y = (value) => 255 - (235 * (measure(value) - low)) / (high - low);
    this.drawing.replaceChildren();
    const add = (name, attributes, text = null) => this.drawing.append(shape(name, attributes, text));
    for (let i = 0; i <= 4; i++) {
      const level = low + ((high - low) * i) / 4;
      const value = logarithmic ? 10 ** level : level;
      add("line", { x1: 52, x2: 382, y1: y(value), y2: y(value), class: "grid" });
      add("text", { x: 46, y: y(value) + 5, "text-anchor": "end", class: "quiet" }, short(value, 2));
    }
    add("text", { x: 52, y: 275, class: "quiet" }, String(first));
    add("text", { x: 382, y: 275, "text-anchor": "end", class: "quiet" }, String(last));
    add("text", { x: 217, y: 292, "text-anchor": "middle", class: "quiet" }, this.across);
    for (const mark of marks) add("line", { x1: x(mark), x2: x(mark), y1: 20, y2: 255, class: "gray dash" });
    const taken = [];
    for (const { values, style, label, dots } of curves) {
      const shown = values.map((value, i) => [x(xs[i]), y(value)]).filter(([, place]) => Number.isFinite(place));
      add("polyline", { points: shown.map((point) => point.join(",")).join(" "), class: style });
      if (dots) for (const [cx, cy] of shown) add("circle", { cx, cy, r: 4, class: dots });
      if (label && shown.length) {
        const [along, end] = shown[shown.length - 1];
        let place = Math.min(250, Math.max(14, end - 14));
        while (taken.some((other) => Math.abs(other - place) < 16)) place += place > 60 ? -16 : 16;
        taken.push(place);
        add("text", along < 300 ? { x: along + 8, y: place } : { x: 380, y: place, "text-anchor": "end" }, label);
      }
    }
  }
}

const dot = (a, b) => a.reduce((sum, one, i) => sum + one * b[i], 0);
const plus = (a, b, factor = 1) => a.map((one, i) => one + factor * b[i]);
const norm = (a) => Math.hypot(...a);
const onDisc = (point, radius = 1) => (norm(point) > radius ? point.map((one) => (one * radius) / norm(point)) : point);

// Eigenvalues, falling, and unit eigenvectors of the symmetric matrix [a, b, c].
function eigen([a, b, c]) {
  const [middle, half] = [(a + c) / 2, Math.hypot((a - c) / 2, b)];
  const angle = 0.5 * Math.atan2(2 * b, a - c);
  return [
    [middle + half, [Math.cos(angle), Math.sin(angle)]],
    [middle - half, [-Math.sin(angle), Math.cos(angle)]],
  ];
}

// f of a symmetric matrix, eigenvalue by eigenvalue.
function spectral(matrix, f) {
  const made = [0, 0, 0];
  for (const [value, [u, v]] of eigen(matrix)) {
    const image = f(value);
    made[0] += image * u * u;
    made[1] += image * u * v;
    made[2] += image * v * v;
  }
  return made;
}

// The point x of the disc that minimizes (x - y)' H (x - y): (H + m I) x = H y with m >= 0, found by bisection.
function closestOnDisc([a, b, c], y, radius = 1) {
  const parts = eigen([a, b, c]).map(([value, unit]) => [value, unit, dot(unit, y)]);
  const at = (m) => parts.reduce((sum, [value, unit, part]) => plus(sum, unit, value > 0 ? (value * part) / (value + m) : 0), [0, 0]);
  if (norm(y) <= radius) return y;
  let [low, high] = [0, (parts[0][0] * norm(y)) / radius];
  for (let i = 0; i < 200; i++) {
    const middle = (low + high) / 2;
    if (norm(at(middle)) > radius) low = middle;
    else high = middle;
  }
  return at(high);
}
