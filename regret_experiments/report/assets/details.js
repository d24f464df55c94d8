// One run: what it was, how it ended, what is promised and certified, and the command that plays it again.

const dialog = document.getElementById("details");

function openRuns(places) {
  const choose = document.getElementById("run");
  choose.replaceChildren();
  for (const i of places) {
    const repetition = value("repetition", i) ? `, repetition ${value("repetition", i)}` : "";
    html(choose, "option", `order ${value("order", i)}${repetition}, ${value("point", i) || "no grid"} (${value("id", i)})`, { value: i });
  }
  document.getElementById("choose-run").hidden = places.length < 2;
  showRun(places[0]);
  if (!dialog.open) dialog.showModal();
}

function showRun(i) {
  state.run = value("id", i);
  writeHash();
  const rank = value("rank", i);
  document.getElementById("details-heading").textContent = learnerOf(i).label + (rank === null ? "" : `, k = ${rank}`);
  const body = document.getElementById("details-body");
  body.replaceChildren();
  const list = html(body, "dl");
  const say = (term, text, kind = "") => {
    if (text === null || text === undefined || text === "") return;
    html(list, "dt", term);
    html(list, "dd", text, kind ? { class: kind } : {});
  };
  const status = value("status", i);
  say("status", status, { finished: "good", failed: "bad", damaged: "bad" }[status] ?? "");
  say("reason", value("message", i) && [value("error", i), value("message", i)].filter(Boolean).join(": "), "bad");
  say("environment", payload.games[value("game", i)].title);
  say("order, repetition", `${value("order", i)}, ${value("repetition", i)}`);
  say("tuned", value("point", i));
  if (status === "finished") {
    if (value("final_loss", i) === null) {
      say("regret, certified", `${number(value("regret_lower", i))} to ${number(value("regret_upper", i))}${value("within", i) ?? ""}`);
      if (value("regret_linearised", i) !== null) say("linearised regret", number(value("regret_linearised", i)));
      if (value("regret_dynamic", i) !== null) say("dynamic regret", number(value("regret_dynamic", i)));
      say("certificate", certificateText(i));
      say("bound", boundText(i), { holds: "good", broken: "bad" }[value("verdict", i)] ?? "");
    } else {
      say("training loss, test", `${number(value("final_loss", i))}, ${number(value("test", i))}`);
    }
    say("training", value("ended", i));
    say("cumulative loss", number(value("cumulative_loss", i)));
    say("state", `${whole(value("peak_state_floats", i))} floats at most`);
    if (value("tail_mass", i) !== null) say("tail mass, escaped trace", `${number(value("tail_mass", i))}, ${number(rank === null ? null : (rank + 1) * value("escaped_mass", i))}`);
    say("time", `${number(value("seconds", i))} s, of which the learner took ${number(value("microseconds", i))} µs a round`);
  }
  say("seeds", value("seed_order", i) === null ? null : `order ${value("seed_order", i)}, learner ${value("seed_learner", i)}`);
  say("ended", value("ended_at", i));
  code(list, "to play it again", status === "missing" || status === "damaged" ? null : `${payload.reproduce} ${value("id", i)}`);
  code(list, "config", pretty({ learner: value("learner_config", i), environment: value("environment_config", i), checkpoints: value("checkpoints", i) }, value("learner_config", i)));
  code(list, "provenance", pretty(payload.provenance[value("provenance", i)], value("provenance", i)));
}

const pretty = (thing, known) => (known === null ? null : JSON.stringify(thing, null, 1));

function code(list, term, text) {
  if (!text) return;
  html(list, "dt", term);
  html(html(list, "dd"), "pre", text);
}

function certificateText(i) {
  const gap = value("comparator_gap", i);
  const kind = value("comparator_certificate", i);
  if (kind === null || gap === null) return "none: no best fixed point was found";
  const tight = value("comparator_tight", i);
  return `${kind}; the interval is ${number(gap)} wide${tight === null ? "" : tight ? ", tight" : ", not tight"}`;
}

function boundText(i) {
  const kind = value("verdict", i);
  if (kind === "no bound") return "none is known for this run";
  const words = {
    holds: "holds", broken: "BROKEN",
    undecided: value("regret_lower", i) === null ? "not decided: the regret is not known" : "not decided: the bound lies inside the certified interval",
    "assumption violated": `does not count: ${value("violations", i)}`,
  };
  return `${number(value("bound", i))} (${value("bound_theorem", i) ?? "theorem not named"}): ${words[kind]}`;
}

document.getElementById("run").addEventListener("change", (event) => showRun(Number(event.target.value)));
dialog.addEventListener("close", () => { state.run = ""; writeHash(); });
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
