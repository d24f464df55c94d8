// Show one slide at a time, after the formulas of all are set; #7 in the address is slide 7, and a link to a formula leads
// to the slide that has it.
(() => {
  const slides = [...document.querySelectorAll("section")];
  const wanted = () => {
    const name = decodeURIComponent(location.hash.slice(1));
    const holder = document.getElementById(name)?.closest("section");
    return holder ? slides.indexOf(holder) + 1 : Math.min(slides.length, Math.max(1, Number(name) || 1));
  };
  let place = 1;

  function fit(slide) {
    slide.style.fontSize = "";
    for (const formula of slide.querySelectorAll("div.math")) {
      formula.style.fontSize = "";
      const share = formula.clientWidth / formula.scrollWidth;
      if (share < 1) formula.style.fontSize = `${Math.max(0.5, share)}em`;
    }
    let size = parseFloat(getComputedStyle(slide).fontSize);
    const least = Math.max(14, 0.6 * size);
    while (slide.scrollHeight > slide.clientHeight + 1 && size > least) {
      size -= 0.5;
      slide.style.fontSize = `${size}px`;
    }
  }

  function show(number) {
    place = Math.min(slides.length, Math.max(1, number));
    slides.forEach((slide, i) => slide.classList.toggle("shown", i === place - 1));
    fit(slides[place - 1]);
    document.getElementById("place").textContent = `${place} / ${slides.length}`;
    if (wanted() !== place) history.replaceState(null, "", `#${place}`);
  }

  const keys = {
    ArrowRight: () => place + 1, ArrowDown: () => place + 1, PageDown: () => place + 1, " ": () => place + 1,
    ArrowLeft: () => place - 1, ArrowUp: () => place - 1, PageUp: () => place - 1,
    Home: () => 1, End: () => slides.length,
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
    if (event.target.closest("button") && event.key === " ") return;
    event.preventDefault();
    show(keys[event.key]());
  });
  document.getElementById("back").addEventListener("click", () => show(place - 1));
  document.getElementById("on").addEventListener("click", () => show(place + 1));
  let start = null;
  document.addEventListener("touchstart", (event) => { start = event.changedTouches[0]; }, { passive: true });
  document.addEventListener("touchend", (event) => {
    if (!start) return;
    const [across, down] = [event.changedTouches[0].clientX - start.clientX, event.changedTouches[0].clientY - start.clientY];
    if (Math.abs(across) > 60 && Math.abs(across) > 2 * Math.abs(down)) show(place + (across < 0 ? 1 : -1));
  });
  window.addEventListener("hashchange", () => show(wanted()));
  window.addEventListener("resize", () => show(place));
  window.MathJax.startup.promise.then(() => {
    document.body.classList.add("deck");
    show(wanted());
    document.body.dataset.ready = "yes";
  });
})();
