// The table of runs: filtered by words, sorted by any column, a page at a time.

const PAGE = 50;
const LONGEST_WORD = 24; // a column with a longer text may break its lines
// Columns as the payload gives them: headings, texts of cells, and what a column is sorted by where that is not its text.
let columns = decodeColumns();

function decodeColumns() {
  return payload.table.map((each) => {
    const text = decode(each.text);
    const key = each.key === undefined ? text : typeof each.key === "string" ? runs[each.key] : decode(each.key);
    const wraps = text.some((cell) => cell.length > LONGEST_WORD);
    return { ...each, text, key, kind: each.align === "right" ? "number" : wraps ? "text" : "word" };
  });
}

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
    const text = words.length ? [...columns.map((column) => column.text[i]), learnerOf(i).name, value("id", i), value("message", i) ?? ""].join("\n").toLowerCase() : "";
    if (words.every((word) => text.includes(word))) places.push(i);
  }
  const column = columns.find((each) => each.name === state.sort);
  if (column) places.sort((a, b) => compare(column.key[a], column.key[b], state.falling) || a - b);
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
    for (const { text, kind, alarm } of columns) {
      html(row, "td", text[i], { class: kind + (alarm.includes(text[i]) ? " bad" : "") });
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
    for (const column of columns) {
      const heading = html(row, "th", null, { scope: "col", class: column.kind, "data-column": column.name });
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
    const column = columns.find((each) => each.name === heading.dataset.column);
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
