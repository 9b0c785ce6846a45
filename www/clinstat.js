/* The few things that the page does by itself: figures, filters, the variable table, sizes of
   uploads, what was read, local time, copying. line.js keeps the line alive. Everything else is Shiny. */
"use strict";

(() => {
  const PLOTLY = "plotly/plotly.min.js";
  let plotly; // a promise, once a figure has been shown

  function loadPlotly() {
    plotly ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = PLOTLY;
      script.onload = () => resolve(window.Plotly);
      script.onerror = () => { plotly = undefined; reject(new Error("figure library")); };
      document.head.append(script);
    });
    return plotly;
  }

  /* <clinstat-figure figure="JSON" ink="#..." label="alternative text">: drawn when it is first
     seen, drawn again when the colour mode changes. */
  class ClinstatFigure extends HTMLElement {
    connectedCallback() {
      this.setAttribute("role", "img");
      this.setAttribute("aria-label", this.getAttribute("label") ?? "");
      this.seen = new IntersectionObserver((entries) => {
        if (entries.some((entry) => entry.isIntersecting)) this.draw();
      });
      this.seen.observe(this);
      this.mode = new MutationObserver(() => this.drawn && this.draw());
      this.mode.observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
    }

    disconnectedCallback() {
      this.seen.disconnect();
      this.mode.disconnect();
      if (this.drawn) window.Plotly.purge(this.canvas);
    }

    async draw() {
      this.seen.disconnect();
      try {
        const library = await loadPlotly();
        if (!this.isConnected) return;
        // The figure is written in one ink; on the page it takes the colour of the text around it.
        const ink = getComputedStyle(this).color;
        const figure = JSON.parse(this.getAttribute("figure").replaceAll(this.getAttribute("ink"), ink));
        if (!this.canvas) {
          this.replaceChildren();
          this.canvas = document.createElement("div");
          this.append(this.canvas);
        }
        this.canvas.style.minWidth = `${figure.layout.meta?.min_width_px ?? 0}px`;
        this.canvas.style.maxWidth = figure.layout.meta?.max_width_px ? `${figure.layout.meta.max_width_px}px` : "";
        await library.react(this.canvas, figure.data, figure.layout, {
          responsive: true, displaylogo: false, displayModeBar: false, ...figure.config,
        });
        this.drawn = true;
      } catch {
        this.textContent = "The figure could not be drawn. Reload the page, or download it as SVG or PNG.";
      }
    }
  }
  customElements.define("clinstat-figure", ClinstatFigure);

  /* <clinstat-time datetime="...">: the reader's own clock. */
  class ClinstatTime extends HTMLElement {
    connectedCallback() {
      const moment = new Date(this.getAttribute("datetime"));
      this.textContent = moment.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    }
  }
  customElements.define("clinstat-time", ClinstatTime);

  /* A search box over a list of tick boxes: <input data-filters="id of the list">. */
  function filterList(box) {
    const list = document.getElementById(box.dataset.filters);
    const wanted = box.value.trim().toLocaleLowerCase();
    for (const row of list?.querySelectorAll(".checkbox, .form-check") ?? []) {
      row.hidden = wanted !== "" && !row.textContent.toLocaleLowerCase().includes(wanted);
    }
  }

  /* <button data-ticks="id of the list" data-on="true">: tick or clear all rows that are shown. */
  function tickAll(button) {
    const list = document.getElementById(button.dataset.ticks);
    const on = button.dataset.on === "true";
    let last;
    for (const box of list?.querySelectorAll("input[type=checkbox]") ?? []) {
      if (box.closest("[hidden]") || box.checked === on) continue;
      box.checked = on;
      last = box;
    }
    if (last) window.jQuery(last).trigger("change");
  }

  /* Fields of the variable table carry data-field; their row says which column it is. */
  function sendEdit(field) {
    const row = field.closest("[data-column]");
    const table = field.closest("[data-edits]");
    if (!row || !table) return;
    // A second click on an arrow would move another level: levels are numbered anew by the first.
    if (field.dataset.field === "move") {
      if (row.getAttribute("aria-busy") === "true") return;
      row.setAttribute("aria-busy", "true");
    }
    window.Shiny.setInputValue(table.dataset.edits, {
      column: Number(row.dataset.column),
      field: field.dataset.field,
      value: field.dataset.value ?? field.value,
      level: field.dataset.level === undefined ? null : Number(field.dataset.level),
    }, { priority: "event" });
  }

  function replaceRow({ id, html, focus }) {
    const row = document.getElementById(id);
    if (!row) return;
    if (!html) {
      row.removeAttribute("aria-busy");
      row.querySelector(".cs-failure")?.remove();
      return;
    }
    const open = row.querySelector("details")?.open ?? false;
    const had = row.contains(document.activeElement) ? document.activeElement.dataset.key : "";
    row.outerHTML = html;
    const fresh = document.getElementById(id);
    const details = fresh.querySelector("details");
    if (details && open) details.open = true;
    const key = focus || had;
    if (key) fresh.querySelector(`[data-key="${key}"]`)?.focus({ preventScroll: true });
  }

  function refuseLargeFile(event) {
    const input = event.target;
    const limit = Number(input.closest?.("[data-max-bytes]")?.dataset.maxBytes);
    const file = input.files?.[0];
    if (input.type !== "file" || !limit || !file || file.size <= limit) return;
    event.stopImmediatePropagation();
    const words = input.closest("[data-max-bytes]").dataset.tooLarge;
    input.value = "";
    say(input.closest("[data-max-bytes]").querySelector(".cs-upload-message"), words);
  }

  function say(place, words) {
    if (!place) return;
    place.replaceChildren();
    const message = document.createElement("p");
    message.className = "cs-note cs-note-warning";
    message.textContent = words;
    place.append(message);
  }

  async function copyText(button) {
    const source = document.getElementById(button.dataset.copies);
    const before = button.textContent;
    try {
      await navigator.clipboard.writeText(source.innerText);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(source);
      button.textContent = "Press Ctrl+C to copy";
    }
    setTimeout(() => { button.textContent = before; }, 2500);
  }

  document.addEventListener("change", refuseLargeFile, true);
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-field]")) sendEdit(event.target);
    if (event.target.type === "file") {
      event.target.closest("[data-max-bytes]")?.querySelector(".cs-upload-message")?.replaceChildren();
    }
  });
  document.addEventListener("input", (event) => {
    if (event.target.matches("[data-filters]")) filterList(event.target);
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.matches("[data-ticks]")) tickAll(button);
    if (button.matches("[data-copies]")) copyText(button);
    if (button.matches("button[data-field]")) sendEdit(button);
    if (button.matches("[data-example]")) {
      window.Shiny.setInputValue(button.dataset.input, button.dataset.example, { priority: "event" });
    }
  });

  window.jQuery(document).on("shiny:sessioninitialized", () => {
    window.Shiny.addCustomMessageHandler("clinstat-row", replaceRow);
    window.Shiny.addCustomMessageHandler("clinstat-notice", ({ text }) => {
      const place = document.querySelector(".cs-notice");
      say(place, text);
      setTimeout(() => place.replaceChildren(), 15000);
    });
  });
})();
