/* Parts of the page that are shown while a choice has a value (ui.panel_conditional), without
   running text as code: the page's security policy forbids that. Understood are comparisons of
   an input with a text, a number, true, false or null, a bare input, "!", "&&" and "||". Shiny
   keeps the function of a condition at its element and asks for it only once, so it is put there
   before Shiny looks. */
"use strict";

(() => {
  const KEPT = "data-display-if-func";
  const TOKEN = /\s*(?:input\.([\w$]+)|input\[(?:"([^"\\]+)"|'([^'\\]+)')\]|(===|!==|==|!=|&&|\|\||!)|("(?:[^"\\]|\\.)*")|'([^'\\]*)'|(-?\d+(?:\.\d+)?|true|false|null)(?![\w.]))/y;

  function tokens(text) {
    const found = [];
    TOKEN.lastIndex = 0;
    while (TOKEN.lastIndex < text.trimEnd().length) {
      const match = TOKEN.exec(text);
      if (!match) throw new SyntaxError(`condition not understood: ${text}`);
      const [, dotted, double, single, sign, json, plain, literal] = match;
      const name = dotted ?? double ?? single;
      if (name !== undefined) found.push({ read: (input) => input[name] });
      else if (sign) found.push({ sign });
      else {
        const value = plain ?? JSON.parse(json ?? literal);
        found.push({ read: () => value });
      }
    }
    return found;
  }

  function operand(rest) {
    const next = rest.shift();
    if (next?.sign === "!") {
      const inner = operand(rest);
      return (input) => !inner(input);
    }
    if (!next?.read) throw new SyntaxError("condition not understood");
    return next.read;
  }

  function comparison(rest) {
    const left = operand(rest);
    const sign = rest[0]?.sign;
    if (!["===", "==", "!==", "!="].includes(sign)) return left;
    rest.shift();
    const right = operand(rest);
    const same = sign.startsWith("=");
    return (input) => (left(input) === right(input)) === same;
  }

  function joined(rest, sign, part) {
    const parts = [part(rest)];
    while (rest[0]?.sign === sign) {
      rest.shift();
      parts.push(part(rest));
    }
    return parts;
  }

  function compile(text) {
    const rest = tokens(text);
    const any = joined(rest, "||", (r) => joined(r, "&&", comparison));
    if (rest.length) throw new SyntaxError(`condition not understood: ${text}`);
    return ({ input }) => any.some((all) => all.every((holds) => holds(input)));
  }

  const $ = window.jQuery;
  $(document).on("shiny:conditional", () => {
    for (const element of document.querySelectorAll("[data-display-if]")) {
      if (!$(element).data(KEPT)) $(element).data(KEPT, compile(element.dataset.displayIf));
    }
  });
})();
