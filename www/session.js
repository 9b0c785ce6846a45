/* The page's side of a workspace: it holds the key to it, presents it whenever a session begins, and
   says how the connection is. line.js keeps the line. The key lives in this browser tab only
   (sessionStorage); it never stands in an address. */
"use strict";

(() => {
  const KEY = "clinstat.key";
  const PAGE = "clinstat.page";
  const LEFT = "clinstat.left";

  const $ = window.jQuery;
  const memory = {};              // where storage is blocked
  let lost = false;

  function stored(name) {
    try { return sessionStorage.getItem(name); } catch { return memory[name] ?? null; }
  }
  function store(name, value) {
    memory[name] = value;
    try {
      if (value === null) sessionStorage.removeItem(name); else sessionStorage.setItem(name, value);
    } catch { /* storage is blocked in some frames: the key then lasts as long as the page */ }
  }
  /* A reload or a reopened tab goes on as the page that it was; a duplicated tab, whose original
     has not left, is another page. */
  const returning = stored(LEFT) === "1";
  const page = (returning && stored(PAGE)) || crypto.getRandomValues(new Uint32Array(4)).join("");
  store(PAGE, page);
  store(LEFT, null);
  window.addEventListener("pagehide", () => store(LEFT, "1"));
  window.addEventListener("pageshow", () => store(LEFT, null));

  let known = false; // this page has been in its workspace before: what it shows is newer

  function present() {
    window.Shiny.setInputValue(
      "visit", { key: stored(KEY), page, known }, { priority: "event" },
    );
  }

  function connection(state, words) {
    const place = document.querySelector(".cs-connection");
    if (!place || (place.dataset.state === state && place.textContent === words)) return;
    place.dataset.state = state;
    place.textContent = words;
  }

  /* A file that was under way is lost with the line, or with its own request; Shiny's bar would
     stand still for ever, or say "error". */
  function uploadLost() {
    const bar = document.querySelector(".shiny-file-input-progress[style*=visible] .progress-bar");
    if (!bar || bar.textContent === "Upload complete") return;
    bar.closest(".shiny-file-input-progress").style.visibility = "hidden";
    const place = bar.closest("[data-max-bytes]")?.querySelector(".cs-upload-message");
    if (place) place.textContent = "The upload was incomplete. Please send the file again.";
  }
  $(document).on("ajaxError", (_event, _answer, asked) => {
    if (asked.type === "POST" && asked.url.includes("/upload/")) setTimeout(uploadLost);
  });

  $(document).on("shiny:connected", () => {
    if (!lost) connection("connected", "Connected");
  });

  $(document).on("shiny:disconnected", () => {
    uploadLost();
    lost = true;
    connection("lost", "Reconnecting");
  });

  $(document).on("shiny:sessioninitialized", () => {
    window.Shiny.addCustomMessageHandler("clinstat-key", ({ key, back }) => {
      store(KEY, key);
      window.Shiny.setInputValue("kept", { key }, { priority: "event" });
      const again = lost;
      lost = false;
      known = true;
      if (again) {
        connection("connected", back ? "Back: nothing lost" : "Connected");
        setTimeout(() => connection("connected", "Connected"), 6000);
      }
    });
    window.Shiny.addCustomMessageHandler("clinstat-forgotten", startAnew);
    present();
  });

  /* Everything was deleted: nothing of it may stay in this page either. What was done is told on
     the page that is loaded next. */
  function startAnew({ lines }) {
    store(KEY, null);
    store(PAGE, null);
    document.body.replaceChildren();
    history.replaceState({ receipt: lines }, "");
    location.reload();
  }

  function showReceipt() {
    const lines = history.state?.receipt;
    const place = document.querySelector(".cs-receipt");
    if (!place || !Array.isArray(lines)) return;
    history.replaceState(null, "");
    const title = document.createElement("h2");
    title.textContent = "Your data are forgotten";
    const list = document.createElement("ul");
    for (const line of lines) {
      const item = document.createElement("li");
      item.textContent = line;
      list.append(item);
    }
    const close = document.createElement("button");
    close.type = "button";
    close.className = "btn btn-outline btn-sm";
    close.textContent = "Close";
    close.addEventListener("click", () => { place.hidden = true; });
    place.replaceChildren(title, list, close);
    place.hidden = false;
  }
  showReceipt();

  /* <button data-opens="id of a dialog">; inside it, every data-closes closes it. */
  document.addEventListener("click", ({ target }) => {
    const opener = target.closest?.("[data-opens]");
    if (opener) document.getElementById(opener.dataset.opens)?.showModal();
    if (target.closest?.("[data-closes]")) target.closest("dialog")?.close();
  });
})();
