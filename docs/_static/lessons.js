// In lessons, hide what comes after "Predict before you run" until the reader has made a guess.
document.addEventListener("DOMContentLoaded", () => {
  const begins = (node, tag, words) => {
    const first = node.firstElementChild;
    return node.tagName === "P" && first?.tagName === tag && node.textContent.trim().startsWith(words);
  };
  for (const question of document.querySelectorAll("section > p")) {
    if (!begins(question, "STRONG", "Predict before you run")) continue;
    const result = [];
    let next = question.nextElementSibling;
    while (next && !begins(next, "EM", "Answer")) {
      result.push(next);
      next = next.nextElementSibling;
    }
    if (!next) continue;
    const details = document.createElement("details");
    details.className = "prediction";
    const summary = document.createElement("summary");
    summary.textContent = "I have written down my guess: play the game and show the answer";
    details.append(summary);
    question.after(details);
    details.append(...result, next);
  }
});
