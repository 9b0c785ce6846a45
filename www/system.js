/* The tab System: small charts and meters drawn from data, and buttons that name what they mean. */
"use strict";

(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const HEIGHT = 176;
  const EDGE = { top: 10, right: 62, bottom: 24, left: 52 };

  function node(name, attributes = {}, text) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  /* Shapes of the states: a circle is good, a triangle asks to be watched, a square to act. */
  function marker(state, x, y, attributes) {
    if (state === "watch") return node("path", { d: `M${x} ${y - 4.6}L${x + 4.4} ${y + 3.4}H${x - 4.4}Z`, ...attributes });
    if (state === "act") return node("rect", { x: x - 3.6, y: y - 3.6, width: 7.2, height: 7.2, ...attributes });
    return node("circle", { cx: x, cy: y, r: 3, ...attributes });
  }

  /* An element that draws itself for the width that it has, again when that changes. */
  class Drawing extends HTMLElement {
    connectedCallback() {
      this.setAttribute("role", "img");
      this.setAttribute("aria-label", this.getAttribute("label") ?? "");
      this.sized = new ResizeObserver(() => {
        const width = Math.round(this.clientWidth);
        if (width > 0 && width !== this.drawnWidth) { this.drawnWidth = width; this.draw(width); }
      });
      this.sized.observe(this);
    }

    disconnectedCallback() { this.sized.disconnect(); }
  }

  /* <clinstat-meter share="0.48" marks="0.70 0.85 0.95" state="good"> */
  class Meter extends Drawing {
    draw(width) {
      const share = Math.min(1, Number(this.getAttribute("share")));
      const svg = node("svg", { width, height: 14, "aria-hidden": "true" });
      svg.append(node("rect", { class: "cs-meter-track", x: 0, y: 4, width, height: 6, rx: 3 }));
      svg.append(node("rect", {
        class: "cs-meter-fill", "data-state": this.getAttribute("state") ?? "good",
        x: 0, y: 4, width: share * width, height: 6, rx: 3,
      }));
      for (const mark of this.getAttribute("marks").split(" ")) {
        svg.append(node("path", { class: "cs-meter-mark", d: `M${Math.round(mark * width) + 0.5} 1V13` }));
      }
      this.replaceChildren(svg);
    }
  }

  /* <clinstat-trend data="JSON">; what the data hold is said in tabs/system_charts.py. */
  class Trend extends Drawing {
    draw(width) {
      const data = JSON.parse(this.getAttribute("data"));
      if (!data.series.length) return;
      const inner = { width: width - EDGE.left - EDGE.right, height: HEIGHT - EDGE.top - EDGE.bottom };
      const scaled = data.powers ? Math.log10 : (value) => value;
      const [low, high] = [scaled(data.low), scaled(data.high)];
      const clamp = (value) => Math.min(Math.max(value, Math.min(low, high)), Math.max(low, high));
      const x = (age) => EDGE.left + inner.width * (1 - age / data.span);
      const y = (value) => EDGE.top + inner.height * (1 - (clamp(scaled(value)) - low) / (high - low));
      const stateOf = (value) => {
        const [first, second] = data.limits;
        if (data.rising) return value <= first ? "good" : value <= second ? "watch" : "act";
        return value >= first ? "good" : value >= second ? "watch" : "act";
      };
      const svg = node("svg", { width, height: HEIGHT, "aria-hidden": "true" });
      this.zones(svg, data, inner, y, this.last(svg, data, inner, y));
      this.axes(svg, data, inner, x, y);
      for (const series of data.series) this.series(svg, data, series, x, y, stateOf);
      this.replaceChildren(svg, ...(data.series.length > 1 ? [this.legend(data)] : []));
    }

    /* The last value of a single series stands beside the chart; gives its height. */
    last(svg, data, inner, y) {
      if (data.series.length > 1) return undefined;
      const [series] = data.series;
      const height = y(series.points.at(-1)?.[1] ?? data.low) + 4;
      svg.append(node("text", { class: "cs-trend-last", x: EDGE.left + inner.width + 8, y: height }, series.last));
      return height;
    }

    zones(svg, data, inner, y, taken) {
      const ends = data.rising ? [data.limits[1], data.high] : [data.low, data.limits[1]];
      for (const [state, from, to] of [["watch", ...data.limits], ["act", ...ends]]) {
        const [a, b] = [y(from), y(to)].sort((p, q) => p - q);
        if (b - a < 0.5) continue;
        svg.append(node("rect", { class: "cs-zone", "data-state": state, x: EDGE.left, y: a, width: inner.width, height: b - a }));
        if (b - a >= 12) {
          let height = (a + b) / 2 + 4;
          if (Math.abs(height - taken) < 13) height = taken + (height < taken ? -13 : 13);
          svg.append(node("text", { class: "cs-zone-word", "data-state": state, x: EDGE.left + inner.width + 8, y: height }, state));
        }
      }
    }

    axes(svg, data, inner, x, y) {
      for (const [value, words] of data.ticks) {
        svg.append(node("path", { class: "cs-trend-line", d: `M${EDGE.left} ${y(value)}h${inner.width}` }));
        svg.append(node("text", { x: EDGE.left - 6, y: y(value) + 4, "text-anchor": "end" }, words));
      }
      const anchors = ["start", "middle", "end"];
      data.ages.forEach(([age, words], i) => {
        svg.append(node("text", { x: x(age), y: HEIGHT - 6, "text-anchor": anchors[i] }, words));
      });
    }

    series(svg, data, series, x, y, stateOf) {
      const alone = data.series.length === 1;
      // Alone, points take the colour of their state; several series are told apart by theirs.
      const point = alone ? { class: "cs-trend-point" } : { fill: series.colour };
      const line = alone ? { class: "cs-trend-reach" } : { stroke: series.colour };
      const places = series.points.map(([age, value, reach]) => [x(age), y(value), stateOf(value), y(reach)]);
      if (data.joined && places.length > 1) {
        const d = places.map(([px, py], i) => `${i ? "L" : "M"}${px.toFixed(1)} ${py.toFixed(1)}`).join("");
        svg.append(node("path", { class: "cs-trend-curve", d, fill: "none" }));
      }
      places.forEach(([px, py, state, reach], i) => {
        const last = i === places.length - 1;
        if (data.joined && !last) return;
        if (py - reach > 3) {
          svg.append(node("path", { d: `M${px} ${py}V${reach}`, ...line }));
        }
        svg.append(marker(state, px, py, { "data-state": state, ...point }));
      });
    }

    legend(data) {
      const list = document.createElement("ul");
      list.className = "cs-trend-names";
      for (const series of data.series) {
        const item = document.createElement("li");
        const key = node("svg", { width: 10, height: 10, "aria-hidden": "true" });
        key.append(node("circle", { cx: 5, cy: 5, r: 4, fill: series.colour }));
        item.append(key, ` ${series.name}: ${series.last}`);
        list.append(item);
      }
      return list;
    }
  }

  customElements.define("clinstat-meter", Meter);
  customElements.define("clinstat-trend", Trend);

  /* <button data-sends="input" data-value="..."> */
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-sends]");
    if (button) window.Shiny.setInputValue(button.dataset.sends, button.dataset.value, { priority: "event" });
  });

  /* A part that is drawn again keeps the keyboard where it was. */
  window.jQuery(document).on("shiny:value", (event) => {
    const focused = document.activeElement;
    if (!focused?.dataset?.key || !event.target.contains(focused)) return;
    const key = focused.dataset.key;
    setTimeout(() => {
      event.target.querySelector(`[data-key="${key}"]`)?.focus({ preventScroll: true });
    }, 0);
  });
})();
