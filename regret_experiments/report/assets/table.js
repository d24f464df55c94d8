// The table of runs: filtered by words, sorted by any column, a page at a time.

const PAGE = 50;
const MEASURED = { regret: "regret_upper", "training loss": "final_loss" }[payload.measure] ?? "cumulative_loss";

// Heading, how a cell reads, and what it is sorted by.
const COLUMNS = [
  { name: "learner", title: "Learner", text: (i) => learnerOf(i).label, kind: "text" },
  { name: "rank", title: "k", text: (i) => (value("rank", i) === null ? "" : String(value("rank", i))), by: (i) => value("rank", i) },
  { name: "environment", title: "Environment", text: (i) => gameTitle(payload.games[value("game", i)]), kind: "text" },
  { name: "point", title: "Learning rate", text: (i) => value("point", i), by: (i) => (Number.isNaN(Number(value("point", i))) || value("point", i) === "" ? value("point", i) : Number(value("point", i))) },
  { name: "order", title: "Order", text: (i) => String(value("order", i)), by: (i) => value("order", i) },
  { name: "status", title: "Status", text: (i) => value("status", i), kind: "word" },
  { name: "regret", title: isRegret() ? "Regret at most" : capital(payload.measure), text: (i) => number(value(MEASURED, i)), by: (i) => value(MEASURED, i) },
  { name: "bound", title: "Bound", text: (i) => number(value("bound", i)), by: (i) => value("bound", i) },
  { name: "verdict", title: "Bound is", text: (i) => value("verdict", i), kind: "word" },
  { name: "gap", title: "Certificate width", text: (i) => number(value("comparator_gap", i)) + (value("within", i) ?? ""), by: (i) => value("comparator_gap", i) },
  { name: "floats", title: "State floats", text: (i) => whole(value("peak_state_floats", i)), by: (i) => value("peak_state_floats", i) },
  { name: "microseconds", title: "µs a round", text: (i) => number(value("microseconds", i)), by: (i) => value("microseconds", i) },
];
const sortKey = (column, i) => (column.by ? column.by(i) : column.text(i));
const isNumber = (column) => !column.kind;

// Numbers before words before what is missing, whichever way the table is sorted.
function compare(a, b, falling) {
  const order = (key) => (key === null || key === undefined || key === "" ? 2 : typeof key === "number" ? 0 : 1);
  if (order(a) !== order(b)) return order(a) - order(b);
  if (order(a) === 2) return 0;
  const sign = a < b ? -1 : a > b ? 1 : 0;
  return falling ? -sign : sign;
}

function matching() {
  const words = state.filter.toLowerCase().split(/\s+/).filter(Boolean);
  const places = [];
  for (let i = 0; i < runs.count; i += 1) {
    if (state.status && value("status", i) !== state.status) continue;
    if (state.follow && (value("game", i) !== state.game || !isShown(value("learner", i)))) continue;
    const text = words.length ? [...COLUMNS.map((column) => column.text(i)), learnerOf(i).name, value("id", i), value("message", i) ?? ""].join("\n").toLowerCase() : "";
    if (words.every((word) => text.includes(word))) places.push(i);
  }
  const column = COLUMNS.find((each) => each.name === state.sort);
  if (column) {
    const keys = new Map(places.map((i) => [i, sortKey(column, i)]));
    places.sort((a, b) => compare(keys.get(a), keys.get(b), state.falling) || a - b);
  }
  return places;
}

function drawTable() {
  const places = matching();
  const pages = Math.max(1, Math.ceil(places.length / PAGE));
  state.page = Math.min(state.page, pages - 1);
  drawHeadings();
  const body = document.querySelector("#table tbody");
  body.replaceChildren();
  for (const i of places.slice(PAGE * state.page, PAGE * (state.page + 1))) {
    const row = html(body, "tr", null, { "data-run": value("id", i) });
    const button = html(html(row, "td"), "button", value("id", i).slice(0, 8), { type: "button", "aria-label": `Details of run ${value("id", i)}` });
    button.addEventListener("click", () => openRuns([i]));
    for (const column of COLUMNS) {
      const text = column.text(i);
      const bad = (column.name === "status" && text === "failed") || (column.name === "verdict" && text === "broken");
      html(row, "td", text, { class: (isNumber(column) ? "number" : column.kind) + (bad ? " bad" : "") });
    }
  }
  document.getElementById("matches").textContent = `${whole(places.length)} of ${whole(runs.count)} runs`;
  document.getElementById("page").textContent = `Page ${state.page + 1} of ${pages}`;
  document.getElementById("previous").disabled = state.page === 0;
  document.getElementById("next").disabled = state.page === pages - 1;
}

function drawHeadings() {
  const head = document.querySelector("#table thead");
  if (!head.firstChild) {
    const row = html(head, "tr");
    html(row, "th", "Run", { scope: "col" });
    for (const column of COLUMNS) {
      const heading = html(row, "th", null, { scope: "col", class: isNumber(column) ? "number" : "", "data-column": column.name });
      html(heading, "button", column.title, { type: "button" }).addEventListener("click", () => {
        state.falling = state.sort === column.name && !state.falling;
        state.sort = column.name;
        state.page = 0;
        writeHash();
        drawTable();
      });
    }
  }
  for (const heading of head.querySelectorAll("th[data-column]")) {
    const sorted = heading.dataset.column === state.sort;
    heading.setAttribute("aria-sort", sorted ? (state.falling ? "descending" : "ascending") : "none");
    const column = COLUMNS.find((each) => each.name === heading.dataset.column);
    heading.firstChild.textContent = column.title + (sorted ? (state.falling ? " ▼" : " ▲") : "");
  }
}

function drawFailures() {
  const reasons = new Map();
  for (let i = 0; i < runs.count; i += 1) {
    if (value("status", i) !== "failed") continue;
    const reason = [value("error", i), value("message", i)].filter(Boolean).join(": ") || "no reason was stored";
    reasons.set(reason, [...(reasons.get(reason) ?? []), i]);
  }
  document.getElementById("failures").hidden = !reasons.size;
  const list = document.getElementById("failure-list");
  list.replaceChildren();
  for (const [reason, places] of [...reasons].sort((a, b) => b[1].length - a[1].length)) {
    const who = [...new Set(places.map((i) => learnerOf(i).label))].join(", ");
    const item = html(list, "li", `${reason} `);
    const button = html(item, "button", `${whole(places.length)} run${places.length > 1 ? "s" : ""}`, { type: "button", "aria-label": `Details of ${places.length} failed runs` });
    button.addEventListener("click", () => openRuns(places));
    html(item, "span", ` of ${who}`, { class: "quiet" });
  }
}
