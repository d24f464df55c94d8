// The page: choices are read, written to the address, and everything is drawn again.

const at = (id) => document.getElementById(id);

function drawHead() {
  const { name, description, counts } = payload;
  document.title = name;
  at("name").textContent = name;
  at("description").textContent = description;
  const damaged = counts.damaged ?? 0;
  const total = counts.finished + counts.failed + counts.missing + damaged;
  const parts = [`${whole(counts.finished)} of ${whole(total)} runs finished`];
  if (counts.failed) parts.push(`${whole(counts.failed)} failed`);
  if (counts.missing) parts.push(`${whole(counts.missing)} not run yet`);
  if (damaged) parts.push(`${whole(damaged)} damaged`);
  at("counts").textContent = `${parts.join(", ")}.`;
  at("thinning").textContent = payload.thinning;
  const [headline, ...lines] = payload.shortfalls;
  at("shortfalls").hidden = !headline;
  at("shortfalls-headline").textContent = headline ? `INCOMPLETE: ${headline}` : "";
  at("shortfalls-list").replaceChildren();
  for (const line of lines) html(at("shortfalls-list"), "li", line);
  at("progress").hidden = !payload.live;
  at("progress").max = Math.max(1, total);
  at("progress").value = counts.finished + counts.failed;
}

function drawChoices() {
  at("game").replaceChildren();
  payload.games.forEach((game, i) => html(at("game"), "option", game.title, { value: i }));
  const field = at("learners");
  for (const label of field.querySelectorAll("label")) label.remove();
  payload.learners.forEach((learner, i) => {
    const label = html(field, "label", null, { class: "mark" });
    label.style.setProperty("--light", learner.color);
    label.style.setProperty("--dark", learner.dark);
    html(label, "input", null, { type: "checkbox", name: "learner", value: i });
    label.append(" ");
    const swatch = element(label, "svg", { class: "swatch", viewBox: "-1.2 -1.2 2.4 2.4", "aria-hidden": "true" });
    element(swatch, "path", { d: learner.marker });
    html(label, "span", ` ${learner.label}`).style.color = "var(--ink)";
  });
}

// Make the controls say what the state says.
function syncChoices() {
  at("game").value = state.game;
  for (const name of ["rate", "against", "scale", "theme"]) {
    for (const radio of document.getElementsByName(name)) radio.checked = radio.value === state[name];
  }
  for (const box of document.getElementsByName("learner")) box.checked = isShown(Number(box.value));
  at("filter").value = state.filter;
  at("status").value = state.status;
  at("follow").checked = state.follow;
  at("bounds").checked = state.bounds;
  syncSlider();
  const dark = state.theme === "dark" || (state.theme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
}

function syncSlider() {
  const game = currentGame();
  const ranks = game?.ranks ?? [];
  const rank = currentRank();
  at("slider").hidden = !ranks.length;
  at("rank").max = Math.max(0, ranks.length - 1);
  at("rank").value = ranks.indexOf(rank);
  const text = rank === null ? "" : `k = ${rank} of d = ${game.dimension ?? "?"}`;
  at("rank").setAttribute("aria-valuetext", text);
  at("rank-value").textContent = text;
}

function drawReadout() {
  const marked = payload.games.length ? shownGroups().filter((group) => group.rank !== null && group.rank === currentRank() && atRate(group)) : [];
  const more = marked.length > 4 ? ` And ${marked.length - 4} more learners.` : "";
  explain(at("readout"), marked.slice(0, 4).map((group) => {
    const point = atRate(group);
    const bound = point.bound === null ? "" : `, bound at that rate ${number(point.bound)}`;
    const orders = ordersText(point) ? ` (${ordersText(point)})` : "";
    return `${named(group)}: ${whole(group.floats)} state floats, ${payload.measure} ${interval(point.regret)}${orders} at the ${TITLES[state.rate]}${/^[-+.\de]+$/.test(point.rate) ? ` (${point.rate})` : ""}${bound}${point.tail === null ? "" : `, tail mass ${number(point.tail)}, escaped trace ${number(escapedTrace(group))}`}.`;
  }).join(" ") + more);
  explain(at("finding"), payload.games.length ? currentGame().finding[state.rate] : "");
}

function draw() {
  writeHash();
  syncChoices();
  drawCharts();
  drawReadout();
}

function drawAll() {
  drawHead();
  drawChoices();
  draw();
  drawFailures();
  drawTable();
}

at("controls").addEventListener("change", (event) => {
  const { name, id, value: chosen } = event.target;
  if (id === "game") state.game = Number(chosen);
  else if (id === "bounds") state.bounds = event.target.checked;
  else if (name === "learner") {
    state.learners = new Set([...document.getElementsByName("learner")].filter((box) => box.checked).map((box) => Number(box.value)));
    if (state.learners.size === payload.learners.length) state.learners = null;
  } else state[name] = chosen;
  draw();
  if (state.follow) drawTable();
});
at("controls").addEventListener("submit", (event) => event.preventDefault());
at("rank").addEventListener("input", () => {
  state.rank = currentGame().ranks[Number(at("rank").value)];
  draw();
});
for (const [id, event, read] of [
  ["filter", "input", () => { state.filter = at("filter").value; }],
  ["status", "change", () => { state.status = at("status").value; }],
  ["follow", "change", () => { state.follow = at("follow").checked; }],
]) {
  at(id).addEventListener(event, () => { read(); state.page = 0; writeHash(); drawTable(); });
}
for (const [id, step] of [["previous", -1], ["next", 1]]) {
  at(id).addEventListener("click", () => { state.page += step; writeHash(); drawTable(); });
}
at("skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address belongs to the state
  at("runs-heading").focus();
});
// On a phone the figures come first; what can be chosen opens where it is asked for.
if (innerWidth < 640) at("choices").open = false;
addEventListener("keydown", (event) => { if (event.key === "Escape") hideTip(); });
addEventListener("hashchange", () => { readHash(); draw(); drawTable(); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", syncChoices);

let drawnWidth = 0;
new ResizeObserver(() => {
  const width = at("grid").clientWidth;
  if (width !== drawnWidth) { drawnWidth = width; drawCharts(); }
}).observe(at("grid"));

// A live page asks its server for what is new, and says when it cannot be reached.
async function refresh(tag) {
  try {
    const answer = await fetch("payload.json", { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
    if (answer.status === 200) {
      payload = await answer.json();
      runs = decodeRuns(payload);
      columns = decodeColumns();
      if (state.game >= payload.games.length) state.game = 0;
      drawAll();
      tag = answer.headers.get("ETag");
    }
  } catch {
    at("counts").textContent = "The server has stopped; what is shown is what it said last.";
  }
  setTimeout(() => refresh(tag), 2000);
}

readHash();
drawAll();
if (state.run) {
  const place = runs.id.indexOf(state.run);
  if (place >= 0) openRuns([place]);
}
if (payload.live) setTimeout(() => refresh(null), 2000);
