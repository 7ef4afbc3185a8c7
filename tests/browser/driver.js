"use strict";
// Presses what can be pressed on a page and says what did not hold, in an element that the script around it reads.
(async () => {
  const wrong = [];
  const holds = (good, what) => { if (!good) wrong.push(what); };
  const worth = text => {
    const found = /[−-]?\d[\d.,]*/.exec(text);
    const unit = /\d\s*(ns|µs|ms|s|min|h|k|M|%)(?![a-z])/.exec(text);
    const units = { ns: 1e-6, "µs": 1e-3, ms: 1, s: 1e3, min: 6e4, h: 3.6e6, k: 1e3, M: 1e6, "%": 0.01 };
    return found ? parseFloat(found[0].replace("−", "-").replace(/,/g, "")) * (unit ? units[unit[1]] : 1) : NaN;
  };
  const plain = text => /^[−-]?[\d.,]+( ?(ns|µs|ms|s|min|h|k|M|%))?$/.test(text.trim());
  let pressed = 0;
  for (const fold of document.querySelectorAll("details")) {
    fold.querySelector("summary").click();
    holds(fold.open, "a fold stays shut: " + fold.querySelector("summary").textContent);
  }
  for (const table of document.querySelectorAll("table")) {
    const before = [...table.tBodies[0].rows].map(row => row.textContent).sort().join("\n");
    [...table.tHead.rows[0].cells].forEach((head, at) => {
      for (const order of ["descending", "ascending"]) {
        head.querySelector("button").click();
        pressed += 1;
        holds(head.getAttribute("aria-sort") === order, "a column is not sorted: " + head.textContent);
        const cells = [...table.tBodies[0].rows].map(row => (row.cells[at].firstChild || row.cells[at]).textContent);
        if (cells.every(plain)) {
          const worths = cells.map(worth);
          const sorted = worths.every((w, i) => i === 0 || (order === "ascending" ? w >= worths[i - 1] : w <= worths[i - 1]));
          holds(sorted, `out of order, ${order}: ${head.textContent}: ${cells.join(", ")}`);
        }
      }
    });
    const after = [...table.tBodies[0].rows].map(row => row.textContent).sort().join("\n");
    holds(before === after, "sorting loses rows");
  }
  const root = document.documentElement;
  holds(root.scrollWidth <= root.clientWidth + 1, `the page is wider than the window: ${root.scrollWidth} > ${root.clientWidth}`);
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const shade = getComputedStyle(document.body).backgroundColor.match(/\d+/g).slice(0, 3).reduce((a, b) => a + +b, 0);
  holds(dark ? shade < 150 : shade > 600, "the paper is not of its scheme: " + shade);
  for (const one of document.querySelectorAll("[src], link, iframe, object, embed")) wrong.push("it loads something: " + one.outerHTML.slice(0, 80));
  for (const picture of document.querySelectorAll("figure svg")) {
    holds(picture.getBoundingClientRect().width > 200, "a picture has no room");
  }
  // Whatever is drawn says its figures: by a title of its own, and below the picture to whoever points.
  let said = 0;
  for (const figure of document.querySelectorAll("figure")) {
    const spots = [...figure.querySelectorAll(".says")];
    holds(spots.length > 0 || !figure.querySelector("svg").textContent, "a picture says nothing: " + figure.textContent.slice(0, 60));
    for (const spot of spots.filter((_, nth) => nth % 17 === 0)) {
      const told = spot.querySelector("title").textContent;
      spot.dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
      holds(figure.querySelector(".value").textContent === told && told.length > 0, "not said: " + told);
      said += 1;
    }
  }
  let asked = "";
  if (window.axe) {
    const found = (await axe.run(document, { resultTypes: ["violations"] })).violations;
    for (const one of found) {
      if (["serious", "critical"].includes(one.impact)) wrong.push(`axe: ${one.id} (${one.nodes.length}): ${one.nodes[0].html.slice(0, 120)}`);
    }
    asked = `, axe found ${found.length} lesser faults`;
  }
  const told = document.createElement("pre");
  told.id = "told";
  told.textContent = (wrong.length ? "failed: " + wrong.join(" | ") : `passed: ${innerWidth} wide, ${pressed} columns pressed, ${said} figures pointed at${asked}${dark ? ", dark" : ""}`).replace(/\n/g, " ");
  document.body.append(told);
})();
