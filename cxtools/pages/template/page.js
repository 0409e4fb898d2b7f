// Draws the figures of a report page: unpacks the drawing library, follows the reader's colour scheme, guards against missing traces.
// Its tables can be sorted, searched, shown and saved whole.
"use strict";
(async () => {
  const read = id => JSON.parse(document.getElementById(id).textContent);
  const { figures, palette, print_width } = read("figures");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const plots = [...document.querySelectorAll(".plot")];
  const tables = [...document.querySelectorAll(".numbers details")];
  const unfold = (all, open) => all.forEach(fold => { fold.open = open; });
  unfold(tables, false); // open for readers without this script

  async function unpacked(id) {
    const packed = Uint8Array.from(atob(document.getElementById(id).textContent), letter => letter.charCodeAt(0));
    return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate")));
  }

  function element(tag, text, own) {
    return Object.assign(document.createElement(tag), { textContent: text, ...own });
  }

  function enliven(place, { caption, shown, rows, texts, total }) {
    const table = place.querySelector("table"), body = table.tBodies[0], first = body.rows.length;
    const heads = [...table.tHead.rows[0].cells], numeric = heads.map(head => head.classList.contains("n"));
    const text = (row, column) => texts[row][column] ?? String(rows[row][shown[column]]);
    let order = [...rows.keys()], whole = false, sought = "", status = null, all = null;

    function line(row) {
      const drawn = document.createElement("tr");
      shown.forEach((column, at) => {
        const cell = drawn.insertCell(), value = String(rows[row][column] ?? "");
        cell.textContent = text(row, at);
        if (numeric[at]) cell.className = "n";
        else if (cell.textContent.length <= 24 && /^[^\s-]*[-/]\S*$/.test(cell.textContent)) cell.className = "name";
        if (cell.textContent !== value && cell.textContent.includes("…")) cell.title = value;
      });
      return drawn;
    }
    function show() {
      const found = order.filter(row => shown.some((_, column) => text(row, column).replaceAll("\u2060", "").toLowerCase().includes(sought)));
      const lines = whole ? found : found.slice(0, first);
      body.replaceChildren(...lines.map(line));
      const count = number => number.toLocaleString(document.documentElement.dataset.locale), cut = total > rows.length ? ` This page holds the first ${count(rows.length)} of ${count(total)}.` : "";
      if (status) status.textContent = (sought ? `${count(found.length)} found. ` : "") + `Showing ${count(lines.length)} of ${count(found.length)}.` + cut;
      if (all) all.hidden = found.length <= first;
      if (all) all.textContent = whole ? `Show only ${first}` : `Show all ${count(found.length)}`;
    }
    function sort(at) {
      const head = heads[at], up = head.getAttribute("aria-sort") === (numeric[at] ? "descending" : null);
      const missing = value => value === null || value === "", value = row => rows[row][shown[at]];
      const compared = (one, other) => numeric[at] ? one - other : String(one).localeCompare(String(other), "en", { numeric: true });
      const ascending = numeric[at] ? up : head.getAttribute("aria-sort") !== "ascending";
      order.sort((one, other) => missing(value(one)) - missing(value(other)) || (missing(value(one)) ? 0 : compared(value(one), value(other)) * (ascending ? 1 : -1)) || one - other);
      heads.forEach(other => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      show();
    }
    if (rows.length > 1) heads.forEach((head, at) => {
      const button = element("button", head.textContent, { type: "button", className: "sort", title: head.title });
      button.addEventListener("click", () => sort(at));
      head.replaceChildren(button);
    });
    if (rows.length <= first) return;
    const tools = element("div", "", { className: "tools" }), label = element("label", "Search ");
    const search = element("input", "", { type: "search" });
    status = element("span", "", { role: "status" });
    all = element("button", "", { type: "button" });
    search.addEventListener("input", () => { sought = search.value.trim().toLowerCase(); show(); });
    all.addEventListener("click", () => { whole = !whole; show(); });
    label.append(search);
    tools.append(label, all, status);
    place.before(tools);
    if (table.caption) { table.caption.textContent = caption; table.caption.hidden = !caption; }
    show();
  }

  function save(name, figure) {
    // what a spreadsheet would run, also after what it passes over; the same as `safe_cell` in cxtools/text.py
    const formula = /^(?:[\s\x00-\x1f\x7f-\xa0\u200b-\u200f\u2028-\u202f\u2060-\u2064\ufeff]*[=+\-@|＝＋－＠｜]|[\t\r\n])/;
    const quoted = value => {
      const text = value === null ? "" : String(value);
      const inert = typeof value === "string" && formula.test(text) ? "'" + text : text;
      return /[",\r\n]/.test(inert) ? '"' + inert.replaceAll('"', '""') + '"' : inert;
    };
    const lines = [figure.columns, ...figure.rows];
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(["\ufeff" + lines.map(line => line.map(quoted).join(",")).join("\r\n") + "\r\n"], { type: "text/csv" }));
    link.download = name;
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  async function library() {
    const source = await (await unpacked("bundle")).blob();
    const script = document.createElement("script");
    script.src = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    await new Promise((loaded, failed) => { script.onload = loaded; script.onerror = failed; document.head.append(script); });
    URL.revokeObjectURL(script.src);
  }

  const coloured = (part, night) => typeof part === "string" ? (night && palette[part]) || part
    : Array.isArray(part) ? part.map(item => coloured(item, night))
    : part && typeof part === "object" ? Object.fromEntries(Object.entries(part).map(([key, value]) => [key, coloured(value, night)]))
    : part;

  async function draw(night, width) {
    for (const plot of plots) {
      const { data, layout } = coloured(figures[plot.dataset.figure - 1].spec, night);
      await Plotly.react(plot, data, width ? { ...layout, width } : layout, { displayModeBar: false, responsive: true });
      const drawn = plot._fullData.map(trace => trace.type), meant = data.map(trace => trace.type || "scatter");
      if (drawn.join() !== meant.join()) throw new Error(`figure ${plot.dataset.figure}: drawn as ${drawn}, not as ${meant}`);
    }
  }

  let unfolded = [];
  addEventListener("beforeprint", () => { unfolded = [...document.querySelectorAll("main details:not([open], .numbers *)")]; unfold(unfolded, true); });
  addEventListener("afterprint", () => unfold(unfolded, false));

  try {
    const numbers = await (await unpacked("numbers")).json();
    for (const place of document.querySelectorAll(".scroll[data-rows]")) enliven(place, numbers[place.dataset.rows - 1]);
    for (const button of document.querySelectorAll("button.csv"))
      button.addEventListener("click", () => save(button.dataset.name, numbers[button.dataset.rows - 1]));
    if (plots.length) {
      await library();
      await draw(dark.matches);
      dark.addEventListener("change", () => draw(dark.matches));
      addEventListener("beforeprint", () => draw(false, print_width));
      addEventListener("afterprint", () => draw(dark.matches));
    }
    document.documentElement.dataset.charts = plots.length;
  } catch (problem) {
    document.documentElement.dataset.charts = "failed"; // the page shows its tables instead
    unfold(tables, true);
    throw problem;
  }
})();
