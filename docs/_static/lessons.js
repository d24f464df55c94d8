// In lessons, hide what comes after "Predict before you run" until the reader has made a guess: the game, its answer, and
// the rest of that section, whose assertions give the answer away.
document.addEventListener("DOMContentLoaded", () => {
  const begins = (node, tag, words) => {
    const first = node.firstElementChild;
    return node.tagName === "P" && first?.tagName === tag && node.textContent.trim().startsWith(words);
  };
  const asks = (node) => begins(node, "STRONG", "Predict before you run");
  for (const question of [...document.querySelectorAll("section > p")].filter(asks)) {
    const result = [];
    let next = question.nextElementSibling;
    while (next && next.tagName !== "SECTION" && !asks(next)) {
      result.push(next);
      next = next.nextElementSibling;
    }
    if (!result.some((node) => begins(node, "EM", "Answer"))) continue;
    const details = document.createElement("details");
    details.className = "prediction";
    const summary = document.createElement("summary");
    summary.textContent = "I have written down my guess: play the game and show the answer";
    details.append(summary);
    question.after(details);
    details.append(...result);
  }
});
