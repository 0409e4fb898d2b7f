(() => {
  "use strict";
  const form = document.querySelector(".choose");
  const body = document.querySelector(".reports tbody");
  const rows = Array.from(body.rows, row => ({
    row,
    text: row.textContent.toLowerCase(),
    word: row.cells[0].dataset.v,
    changed: Boolean(row.querySelector(".was")),
  }));

  function choose() {
    const words = form.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const one of rows) {
      const fits = words.every(word => one.text.includes(word))
        && (!form.word.value || one.word === form.word.value)
        && (!form.changed.checked || one.changed);
      one.row.hidden = !fits;
      shown += fits;
    }
    form.querySelector("output").textContent = `${shown} of ${rows.length}`;
  }
  form.addEventListener("input", choose);
  form.addEventListener("submit", event => event.preventDefault());

  // The worst verdict first, as SYMBOLS lists them.
  const ranks = ["FAIL", "WARN", "NO DATA", "TOO FEW", "TOO EARLY", "PASS"];
  const rates = [2, 3, 4];
  const keys = {
    0: cell => ranks.indexOf(cell.dataset.v),
    1: cell => cell.textContent.toLowerCase(),
  };
  const keyOf = (one, column) => {
    const cell = one.row.cells[column];
    if (keys[column]) return keys[column](cell);
    return rates.includes(column) ? Number(cell.dataset.v) : cell.dataset.v;
  };
  const compare = (a, b) => (a < b ? -1 : Number(a > b));
  document.querySelectorAll(".reports thead th").forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.textContent = heading.textContent;
    heading.replaceChildren(button);
    button.addEventListener("click", () => {
      const rises = heading.getAttribute("aria-sort") !== "ascending";
      document.querySelectorAll(".reports [aria-sort]").forEach(other => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", rises ? "ascending" : "descending");
      const sign = rises ? 1 : -1;
      rows.sort((a, b) => sign * compare(keyOf(a, column), keyOf(b, column)));
      body.append(...rows.map(one => one.row));
    });
  });
  choose();
})();
