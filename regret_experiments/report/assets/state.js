// What the reader has chosen, kept in the address so that a view can be linked.

const STARTING = {
  game: payload.opening, learners: null, rate: "best", against: "u_t", scale: "log", rank: null, theme: "auto",
  filter: "", status: "", follow: false, bounds: false, sort: "", falling: false, page: 0, run: "",
};
const state = { ...STARTING };

function readHash() {
  const given = new URLSearchParams(location.hash.slice(1));
  Object.assign(state, STARTING);
  const games = payload.games.map((game) => game.title);
  if (games.includes(given.get("environment"))) state.game = games.indexOf(given.get("environment"));
  for (const [key, allowed] of [
    ["rate", ["best", "theorem"]], ["against", ["u_t", "u_T"]], ["scale", ["log", "linear"]],
    ["theme", ["auto", "light", "dark"]], ["status", ["finished", "failed", "missing", "damaged"]],
  ]) {
    if (allowed.includes(given.get(key))) state[key] = given.get(key);
  }
  if (given.has("learners")) {
    const wanted = new Set(given.getAll("learners"));
    state.learners = new Set(payload.learners.flatMap((learner, i) => (wanted.has(learner.name) ? [i] : [])));
  }
  if (/^\d+$/.test(given.get("rank") ?? "")) state.rank = Number(given.get("rank"));
  if (/^\d+$/.test(given.get("page") ?? "")) state.page = Number(given.get("page"));
  for (const key of ["filter", "sort", "run"]) state[key] = given.get(key) ?? "";
  state.falling = given.get("order") === "falling";
  for (const key of ["follow", "bounds"]) state[key] = given.get(key) === "yes";
}

function writeHash() {
  const kept = new URLSearchParams();
  const put = (key, text, usual) => { if (text !== usual) kept.set(key, text); };
  if (payload.games.length) put("environment", payload.games[state.game].title, payload.games[STARTING.game].title);
  for (const key of ["rate", "against", "scale", "theme", "filter", "status", "sort", "run"]) put(key, state[key], STARTING[key]);
  if (state.learners) {
    for (const i of state.learners) kept.append("learners", payload.learners[i].name);
    if (!state.learners.size) kept.set("learners", "");
  }
  if (state.rank !== null) kept.set("rank", state.rank);
  if (state.falling) kept.set("order", "falling");
  for (const key of ["follow", "bounds"]) if (state[key]) kept.set(key, "yes");
  if (state.page) kept.set("page", state.page);
  const hash = kept.toString();
  if (hash !== location.hash.slice(1)) history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
}

const isShown = (learner) => state.learners === null || state.learners.has(learner);
const currentGame = () => payload.games[state.game];
const shownGroups = () => currentGame().groups.filter((group) => isShown(group.learner));

// The rank that the slider stands at: the one that was asked for, or the nearest that was played; at first the one that
// the sentence above is about.
function currentRank() {
  const ranks = currentGame()?.ranks ?? [];
  if (!ranks.length) return null;
  const wanted = state.rank ?? currentGame().told[state.rate] ?? ranks[Math.floor(ranks.length / 2)];
  return ranks.reduce((best, rank) => (Math.abs(rank - wanted) < Math.abs(best - wanted) ? rank : best));
}
