// The page's words, explained where they stand: a tip under the pointer and the keyboard's focus.

const glossary = new Map([...document.querySelectorAll("#glossary dt")].map((term, i) => {
  term.nextElementSibling.id = `word-${i}`;
  return [term.textContent, term.nextElementSibling];
}));
const known = new RegExp(`(?<![\\w-])(${[...glossary.keys()].sort((a, b) => b.length - a.length).join("|")})(?![\\w-])`, "i");

function word(text) {
  const meaning = glossary.get(text.toLowerCase());
  const made = html(null, "span", text, { class: "term", tabindex: 0, role: "note", "aria-describedby": meaning.id });
  for (const arriving of ["pointerenter", "focus"]) made.addEventListener(arriving, () => showTip(meaning.textContent, made));
  for (const leaving of ["pointerleave", "blur"]) made.addEventListener(leaving, hideTip);
  return made;
}

// Write a text in which each word of the glossary is explained where it comes first.
function explain(host, text) {
  const said = new Set();
  host.replaceChildren();
  let rest = text;
  for (let found = known.exec(rest); found; found = known.exec(rest)) {
    const name = found[1].toLowerCase();
    host.append(rest.slice(0, found.index), said.has(name) ? found[1] : word(found[1]));
    said.add(name);
    rest = rest.slice(found.index + found[1].length);
  }
  host.append(rest);
}

for (const host of document.querySelectorAll(".explained")) explain(host, host.textContent);
