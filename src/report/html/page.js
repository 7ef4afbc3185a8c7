"use strict";
// Sorts a table by the column that is pressed: numbers by what they are worth, words by their letters.
(() => {
  const units = { ns: 1e-6, "µs": 1e-3, us: 1e-3, ms: 1, s: 1e3, min: 6e4, h: 3.6e6, k: 1e3, M: 1e6, "%": 0.01 };
  const worth = text => {
    // What is never reached comes after everything; the unit stands behind how far a figure is known.
    if (/^(never|∞)/.test(text.trim())) return Infinity;
    const found = /^[≥≤<>~]?\s*([+−-]?[\d,.]+)(?:\s*[±–][\d,.]+)?\s*([a-zµ%]+)?/i.exec(text.trim());
    if (!found) return NaN;
    const number = parseFloat(found[1].replace("−", "-").replace(/,/g, ""));
    return number * (units[found[2]] || 1);
  };
  for (const table of document.querySelectorAll("table")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, at) => head.querySelector("button").addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") !== "descending";
      heads.forEach(other => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const body = table.tBodies[0];
      const order = (a, b) => {
        // Below a figure stands its interval.
        const [x, y] = [a, b].map(row => (row.cells[at].firstChild || row.cells[at]).textContent);
        const [m, n] = [worth(x), worth(y)];
        if (Number.isNaN(m) || Number.isNaN(n)) {
          return Number.isNaN(m) - Number.isNaN(n) || (down ? -1 : 1) * x.localeCompare(y);
        }
        return down ? n - m : m - n;
      };
      body.append(...[...body.rows].sort(order));
    }));
  }
  // Says below a picture what is pointed at, for those who cannot wait for a title or have no pointer but a finger.
  for (const figure of document.querySelectorAll("figure")) {
    if (!figure.querySelector(".says")) continue;
    const value = document.createElement("p");
    value.className = "value";
    value.setAttribute("aria-live", "polite");
    figure.append(value);
    const say = event => {
      const pointed = event.target.closest(".says");
      if (pointed) value.textContent = pointed.querySelector("title").textContent;
    };
    figure.addEventListener("pointerover", say);
    figure.addEventListener("pointerdown", say);
  }
  // Paper has no folds.
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach(fold => { fold.open = true; }));
})();
