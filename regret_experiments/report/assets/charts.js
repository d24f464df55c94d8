// The four figures. The rank slider moves a ring in two of them, chooses the curve, and cuts the spectrum.

const TITLES = { best: "best learning rate", theorem: "theorem's learning rate" };

const atRate = (group) => group[state.rate];
const escapedTrace = (group) => (atRate(group).escaped === null ? null : (group.rank + 1) * atRate(group).escaped);
const isRanked = (group) => group.rank !== null;

// Groups of one learner in the order of their ranks: what is drawn as one line. Lines come first, below points.
function byLearner(groups) {
  const found = new Map();
  for (const group of groups) found.set(group.learner, [...(found.get(group.learner) ?? []), group]);
  return [...found.values()].map((each) => each.sort((a, b) => a.rank - b.rank)).sort((a, b) => isRanked(b[0]) - isRanked(a[0]));
}

function tipOf(group) {
  const at = atRate(group);
  const lines = [`${named(group)}, ${TITLES[state.rate]}`, `${payload.measure} ${interval(at.regret)}`, `${whole(group.floats)} state floats`];
  if (ordersText(at)) lines.push(`INCOMPLETE: ${ordersText(at)}`);
  if (expectedText(at)) lines.push(expectedText(at));
  if (at.bound !== null) lines.push(`bound ${number(at.bound)}`);
  if (isRanked(group) && at.tail !== null) lines.push(`tail mass ${number(at.tail)}, escaped trace ${number(escapedTrace(group))}`);
  return lines.join("\n");
}

function ring(chart, parent, [x, y], facts) {
  const made = element(parent, "circle", { class: "ring", cx: chart.X(x).toFixed(2), cy: chart.Y(y).toFixed(2), r: 11, "data-x": x, "data-y": y });
  for (const [key, given] of Object.entries(facts)) made.dataset[key] = given;
}

const labelsOf = (groups) => groups.map((group) => payload.learners[group.learner].label);
const factsOf = (group) => ({ learner: payload.learners[group.learner].name, rank: group.rank ?? "" });

function drawMemory(host) {
  const groups = shownGroups().filter((group) => atRate(group) && atRate(group).regret[0] !== null);
  const regrets = groups.flatMap((group) => atRate(group).regret);
  const log = state.scale === "log";
  const chart = plot(host, {
    label: `${capital(payload.measure)} against state floats`, names: labelsOf(groups),
    x: { values: groups.map((group) => group.floats), log: true, title: "state floats held" },
    y: { values: regrets, log, title: `${payload.measure}, ${TITLES[state.rate]}` },
  });
  const level = currentGame().level[state.rate];
  if (level !== null && chart.Y.draws(level)) {
    element(chart.svg, "path", { class: "level", d: `M${chart.box.left},${chart.Y(level).toFixed(1)}H${chart.box.right}`, "data-y": level });
  }
  const names = [];
  const lines = byLearner(groups);
  const fewLines = lines.filter(([first]) => isRanked(first)).length <= 3;
  for (const line_ of lines) {
    const parent = inColour(chart.svg, line_[0].learner);
    const xs = line_.map((group) => group.floats);
    const part = (i) => line_.map((group) => atRate(group).regret[i]);
    if (isRanked(line_[0])) {
      band(chart, parent, xs, part(1), part(2));
      line(chart, parent, xs, part(0));
    }
    line_.forEach((group) => {
      const [middle, low, high] = atRate(group).regret;
      if (!chart.Y.draws(middle)) return;
      if (!isRanked(group) && chart.Y.draws(high)) {
        const down = chart.Y.draws(low) ? chart.Y(low) : chart.box.bottom;
        element(parent, "path", { class: "whisker", d: `M${chart.X(group.floats)},${down}V${chart.Y(high)}` });
      }
      if (group.rank !== null && group.rank === currentRank()) ring(chart, parent, [group.floats, middle], factsOf(group));
      if (isRanked(group) && fewLines) element(chart.svg, "text", { class: "tick", x: chart.X(group.floats), y: chart.Y(middle) - 13, "text-anchor": "middle" }, String(group.rank));
      dot(chart, parent, group.learner, [group.floats, middle], { text: tipOf(group), act: () => openRuns(atRate(group).runs), facts: factsOf(group) });
    });
    const last = line_.findLast((group) => chart.Y.draws(atRate(group).regret[0]));
    if (last) names.push({ learner: last.learner, text: payload.learners[last.learner].label, x: chart.X(last.floats) + 8, y: chart.Y(atRate(last).regret[0]) });
  }
  nameAtRight(chart, names);
  note(host, groups.length ? `${level === null ? "" : "Dashed: the level of full-matrix AdaGrad. "}Numbers: rank k. Bands and whiskers: range of ${isRegret() ? "the certified intervals" : `the ${payload.measure}`} over the orders. Press a point for its runs.` : `No ${payload.measure} is known for this choice.`, regrets, log);
}

function drawCurves(host) {
  const { rounds } = currentGame();
  const log = state.scale === "log";
  const groups = shownGroups().filter((group) => atRate(group)?.curve && (!isRanked(group) || group.rank === currentRank()));
  const curve = (group) => atRate(group).curve[state.against];
  const bounds = isRegret() && state.against === "u_t" && state.bounds;
  const values = groups.flatMap((group) => [...curve(group).flat(), ...(bounds ? atRate(group).curve.bound : [])]);
  const against = state.against === "u_t" ? "the best point so far" : "the best point in the end";
  const [across, up] = payload.titles[state.against];
  const chart = plot(host, {
    label: isRegret() ? `Regret against rounds, against ${against}` : `${capital(payload.measure)} against rounds`, names: groups.map(named),
    x: { values: rounds, log, title: across },
    y: { values, log, title: up },
  });
  const names = [];
  for (const group of groups) {
    const parent = inColour(chart.svg, group.learner);
    const [middle, low, high] = curve(group);
    band(chart, parent, rounds, low, high);
    const drawn = line(chart, parent, rounds, middle);
    if (drawn) Object.assign(drawn.dataset, factsOf(group));
    if (bounds) line(chart, parent, rounds, atRate(group).curve.bound, "line bound");
    const last = rounds.findLastIndex((_, i) => chart.Y.draws(middle[i]));
    if (last < 0) continue;
    const text = (i) => `${named(group)}\nround ${whole(rounds[i])}: ${isRegret() ? (expectedText(atRate(group)) ? "expected regret" : "regret") : up} ${interval([middle[i], low[i], high[i]])}${isRegret() ? `\nbound ${number(atRate(group).curve.bound[i])}` : ""}`;
    const end = dot(chart, parent, group.learner, [rounds[last], middle[last]], { text: `${text(last)}\nleft and right move along the curve`, facts: factsOf(group), size: 5, act: () => openRuns(atRate(group).runs) });
    walk(chart, end, rounds, middle, last, text);
    names.push({ learner: group.learner, text: named(group), x: chart.X(rounds[last]) + 7, y: chart.Y(middle[last]) });
  }
  const expected = isRegret() ? groups.filter((group) => expectedText(atRate(group))).map((group) => `${named(group)}: ${expectedText(atRate(group))}`) : [];
  nameAtRight(chart, names);
  follow(chart, groups, rounds, curve);
  note(host, `${isRegret() ? `Against ${against}${bounds ? "; dotted: bound" : ""}. ` : ""}Bands: range over the orders.${expected.length ? ` ${capital(expected.join("; "))}.` : ""}`, groups.flatMap((group) => curve(group)[0]), log);
}

// Left and right move a curve's marker along it, from round to round.
function walk(chart, made, xs, ys, start, text) {
  let at = start;
  made.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    let next = at + step;
    while (next >= 0 && next < xs.length && !chart.Y.draws(ys[next])) next += step;
    if (next < 0 || next >= xs.length) return;
    at = next;
    made.setAttribute("transform", `translate(${chart.X(xs[at]).toFixed(1)} ${chart.Y(ys[at]).toFixed(1)}) scale(5)`);
    made.setAttribute("aria-label", text(at).replaceAll("\n", ", "));
    Object.assign(made.dataset, { x: xs[at], y: ys[at] });
    showTip(text(at), made);
  });
}

// The pointer shows every curve's value at the nearest round.
function follow(chart, groups, rounds, curve) {
  const rule = element(chart.svg, "path", { class: "rule" });
  chart.svg.addEventListener("pointermove", (event) => {
    if (event.target.classList.contains("dot") || !rounds.length) return;
    const from = chart.svg.getBoundingClientRect();
    const x = event.clientX - from.left;
    if (x < chart.box.left || x > chart.box.right) return;
    const nearest = rounds.reduce((best, round, i) => (Math.abs(chart.X(round) - x) < Math.abs(chart.X(rounds[best]) - x) ? i : best), 0);
    rule.setAttribute("d", `M${chart.X(rounds[nearest])},${chart.box.top}V${chart.box.bottom}`);
    const lines = groups.map((group) => [curve(group)[0][nearest] ?? -Infinity, `${named(group)}  ${interval(curve(group).map((each) => each[nearest]))}`]);
    lines.sort((a, b) => b[0] - a[0]);
    const place = new DOMRect(from.left + chart.X(rounds[nearest]), from.top + chart.box.top, 0, 0);
    showTip([`round ${whole(rounds[nearest])}`, ...lines.map(([, text]) => text)].join("\n"), place);
  });
  chart.svg.addEventListener("pointerleave", () => { rule.removeAttribute("d"); hideTip(); });
}

function drawSpectrum(host) {
  const game = currentGame();
  const withSpectra = shownGroups().filter((group) => atRate(group)?.spectrum);
  const rank = currentRank();
  const group = withSpectra.find((each) => each.rank !== null && each.rank === rank) ?? withSpectra[0];
  host.replaceChildren();
  if (!group) return note(host, "No spectrum is stored for this choice.");
  const { rounds, values: kept } = atRate(group).spectrum;
  const log = state.scale === "log";
  const chart = plot(host, {
    label: "Eigenvalues of the gradient covariance",
    x: { values: [0.6, ...game.indices], log, title: "index i of the eigenvalue" },
    y: { values: kept.flat().map((v) => v ?? NaN), log, title: "eigenvalue" },
  });
  const final = kept.at(-1);
  if (rank !== null) {
    const at = chart.X(rank + 0.5);
    element(chart.svg, "rect", { class: "tail", opacity: 0.35, x: at, y: chart.box.top, width: Math.max(0, chart.box.right - at), height: chart.box.bottom - chart.box.top });
  }
  const parent = inColour(chart.svg, group.learner);
  kept.slice(0, -1).forEach((row) => line(chart, parent, game.indices, row, "line faint"));
  line(chart, parent, game.indices, final);
  if (game.indices.length <= 70) {
    game.indices.forEach((index, i) => {
      if (chart.Y.draws(final[i])) element(parent, "circle", { cx: chart.X(index), cy: chart.Y(final[i]), r: 2.5, class: "eigenvalue", fill: "currentColor", "data-index": index, "data-y": final[i] });
    });
  }
  if (rank !== null) {
    const at = chart.X(rank + 0.5);
    element(chart.svg, "path", { class: "cut", d: `M${at.toFixed(2)},${chart.box.top}V${chart.box.bottom}`, "data-rank": rank });
    const right = at > (chart.box.left + chart.box.right) / 2;
    element(chart.svg, "text", { x: at + (right ? -6 : 6), y: chart.box.top + 12, "text-anchor": right ? "end" : "start" }, right ? `kept, k = ${rank}` : "tail mass");
  }
  const earlier = rounds.length > 1 ? ` Fainter: after ${rounds.slice(0, -1).map(whole).join(", ")} rounds.` : "";
  const mass = isRanked(group) && group.rank === rank ? ` Tail mass ${number(atRate(group).tail)}, escaped trace ${number(escapedTrace(group))}; escaped mass ${number(atRate(group).escaped)}, at most Ω = ${number(atRate(group).omega)} by Lemma 1 (first order).` : "";
  return note(host, `Of ${named(group)} after ${whole(rounds.at(-1))} rounds, first order.${earlier}${mass}`);
}

function drawFloats(host) {
  const game = currentGame();
  const groups = shownGroups();
  const ranks = game.ranks.length ? game.ranks : [1, 2];
  const chart = plot(host, {
    label: "State floats against rank", names: labelsOf(groups),
    x: { values: ranks, log: state.scale === "log", title: "rank k", ticks: game.ranks },
    y: { values: groups.map((group) => group.floats), log: state.scale === "log", title: "state floats held" },
  });
  const names = [];
  for (const line_ of byLearner(groups)) {
    const parent = inColour(chart.svg, line_[0].learner);
    const label = payload.learners[line_[0].learner].label;
    if (!isRanked(line_[0])) {
      const y = chart.Y(line_[0].floats);
      element(parent, "path", { class: "line", d: `M${chart.box.left},${y}H${chart.box.right}`, "stroke-dasharray": "8 3" });
      names.push({ learner: line_[0].learner, text: label, x: chart.box.right, y });
      continue;
    }
    line(chart, parent, line_.map((group) => group.rank), line_.map((group) => group.floats));
    for (const group of line_) {
      const at = [group.rank, group.floats];
      if (group.rank === currentRank()) ring(chart, parent, at, factsOf(group));
      const text = `${named(group)}\n${whole(group.floats)} state floats${group.formula ? ` = ${group.formula}` : ""}`;
      dot(chart, parent, group.learner, at, { text, facts: factsOf(group), size: 5 });
    }
    const last = line_.at(-1);
    names.push({ learner: last.learner, text: label, x: chart.X(last.rank) + 7, y: chart.Y(last.floats) });
  }
  nameAtRight(chart, names);
  const marked = groups.filter((group) => group.rank !== null && group.rank === currentRank());
  note(host, marked.map((group) => `${named(group)}: ${whole(group.floats)}${group.formula ? ` = ${group.formula}` : ""}`).join("; "));
}

function note(host, text, values = [], log = false) {
  const left = log && values.some((v) => v !== null && v <= 0) ? " What is not positive is not drawn on a logarithmic scale." : "";
  explain(host.parentElement.querySelector(".note"), text + left);
}

const CHARTS = { memory: drawMemory, curves: drawCurves, spectrum: drawSpectrum, floats: drawFloats };

function drawCharts() {
  hideTip();
  for (const [name, draw] of Object.entries(CHARTS)) {
    const host = document.querySelector(`#${name} .plot`);
    if (payload.games.length) draw(host);
    else host.replaceChildren();
  }
}
