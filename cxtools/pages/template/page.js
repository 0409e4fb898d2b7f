// Draws the figures of a report page: unpacks the drawing library, follows the reader's colour scheme, guards against missing traces.
"use strict";
(async () => {
  const read = id => JSON.parse(document.getElementById(id).textContent);
  const { figures, palette, print_width } = read("figures");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const plots = [...document.querySelectorAll(".plot")];
  const tables = [...document.querySelectorAll(".numbers details")];
  const unfold = (all, open) => all.forEach(fold => { fold.open = open; });
  unfold(tables, false); // open for readers without this script

  function save(name, figure) {
    // what a spreadsheet would run, also after what it passes over; the same as `safe_cell` in cxtools/text.py
    const formula = /^(?:[\s\x00-\x1f\x7f-\xa0\u200b-\u200f\u2028-\u202f\u2060-\u2064\ufeff]*[=+\-@|＝＋－＠｜]|[\t\r\n])/;
    const quoted = value => {
      const text = value === null ? "" : String(value);
      const inert = typeof value === "string" && formula.test(text) ? "'" + text : text;
      return /[",\r\n]/.test(inert) ? '"' + inert.replaceAll('"', '""') + '"' : inert;
    };
    const lines = [figure.columns, ...figure.rows.map(row => figure.columns.map(column => row[column]))];
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(["\ufeff" + lines.map(line => line.map(quoted).join(",")).join("\r\n") + "\r\n"], { type: "text/csv" }));
    link.download = name;
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }
  for (const button of document.querySelectorAll("button.csv"))
    button.addEventListener("click", () => save(button.dataset.name, figures[button.dataset.figure - 1]));

  async function library() {
    const packed = Uint8Array.from(atob(document.getElementById("bundle").textContent), letter => letter.charCodeAt(0));
    const source = await new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"))).blob();
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
