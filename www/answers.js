/* What was asked for comes into view: the result of a run, or what was read from a file. On a phone
   it stands far below the choices, on a wide page above whoever scrolled down to the last of them.
   Only for who asked just now and has done nothing since: nothing moves when a page opens again or
   a table is drawn anew. */
(() => {
  let panel = null; // where the answer will stand; null when nothing was asked for
  let settled; // timer: lines that say "reading" and answers come and go one after the other

  const observer = new MutationObserver(() => {
    clearTimeout(settled);
    settled = setTimeout(show, 150);
  });

  function lookAt(place) {
    observer.disconnect();
    panel = place ?? null;
    if (panel) observer.observe(panel, { childList: true, subtree: true });
  }

  function show() {
    if (!panel) return;
    const top = panel.getBoundingClientRect().top;
    if (top < 0 || top > innerHeight / 2) panel.scrollIntoView();
    if (!panel.querySelector(".cs-running")) lookAt(null); // till then the page may be too short
  }

  const whatWasRead = () => document.getElementById("data-found")?.parentElement;

  document.addEventListener("change", (event) => {
    if (event.target.type === "file") lookAt(whatWasRead());
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.matches("[data-example]")) lookAt(whatWasRead());
    if (button?.matches(".cs-run > button")) lookAt(button.closest(".cs-work").querySelector(".cs-card"));
  });
  for (const act of ["wheel", "pointerdown", "keydown"]) { // each comes before the click it may become
    document.addEventListener(act, () => lookAt(null), { capture: true, passive: true });
  }

  // a tab begins at its top, wherever the one before was left, and closes the menu of narrow pages
  document.addEventListener("shown.bs.tab", (event) => {
    if (!event.target.closest(".navbar")) return;
    const menu = document.querySelector(".navbar-collapse.show");
    if (menu) window.bootstrap.Collapse.getOrCreateInstance(menu, { toggle: false }).hide();
    scrollTo({ top: 0, behavior: "instant" });
  });
})();
