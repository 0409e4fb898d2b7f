// What ipywidgets can't say: which part of the page is the explorer's, that its keys are its own,
// what its parts are called, and which bar was clicked. Runs in JupyterLab, when the explorer is shown.
(function () {
  function wire(root) {
    if (root.dataset.wired) { return; }
    root.dataset.wired = "yes";
    root.setAttribute("role", "region");
    root.setAttribute("aria-label", "Explorer of campaigns");
    // ipywidgets opens a section by the mouse only.
    function section(header) {
      var whole = header.parentElement;
      var say = function () { header.setAttribute("aria-expanded", String(whole.classList.contains("jupyter-widget-Collapse-open"))); };
      header.setAttribute("role", "button");
      header.tabIndex = 0;
      header.addEventListener("keydown", function (event) {
        if (event.key === "Enter" || event.key === " ") { event.preventDefault(); header.click(); }
      });
      new MutationObserver(say).observe(whole, { attributes: true, attributeFilter: ["class"] });
      say();
    }
    // What is being typed is the reader's own: lists that arrive meanwhile make ipywidgets put the
    // last finished text in its place.
    function keep(control) {
      control.addEventListener("input", function () {
        control.draft = { text: control.value, caret: control.selectionStart };
      });
      control.addEventListener("change", function () { delete control.draft; });
      // A browser sends no "change" for a text that a script has put back.
      var finish = function () { if (control.draft) { control.dispatchEvent(new Event("change", { bubbles: true })); } };
      control.addEventListener("blur", finish);
      control.addEventListener("keyup", function (event) { if (event.key === "Enter") { finish(); } });
    }
    function restore(control) {
      if (!control.draft || control !== document.activeElement || control.value === control.draft.text) { return; }
      control.value = control.draft.text;
      control.setSelectionRange(control.draft.caret, control.draft.caret);
    }
    function name() {
      root.querySelectorAll(".jupyter-widget-Collapse-header:not([tabindex])").forEach(section);
      root.querySelectorAll(".cx-picked input").forEach(function (input) { input.tabIndex = -1; });
      // JupyterLab's shortcuts leave these keys alone: d d would delete the cell. It looks at what has
      // the focus first, and only then at what that stands in.
      root.querySelectorAll("input, select, textarea, button, a, [tabindex]").forEach(function (control) {
        if (!control.hasAttribute("data-lm-suppress-shortcuts")) { control.setAttribute("data-lm-suppress-shortcuts", "true"); }
      });
      root.querySelectorAll(".widget-textarea textarea, .widget-text input, .widget-select select, .widget-select-multiple select, .widget-dropdown select, .widget-datepicker input").forEach(function (control) {
        var label = control.closest(".jupyter-widgets").querySelector(".widget-label");
        var words = (label && label.textContent) || control.getAttribute("placeholder");
        if (words && control.getAttribute("aria-label") !== words) { control.setAttribute("aria-label", words); }
      });
      root.querySelectorAll("input[list]").forEach(function (control) {
        if (!control.dataset.kept) { control.dataset.kept = "yes"; keep(control); }
        restore(control);
      });
      root.querySelectorAll("option").forEach(function (option) {  // a list cuts long names
        if (option.title !== option.textContent) { option.title = option.textContent; }
      });
      root.querySelectorAll(".js-plotly-plot").forEach(function (plot) {
        if (plot.dataset.wired || !plot.on) { return; }
        plot.dataset.wired = "yes";
        var meta = (plot.layout && plot.layout.meta) || {};
        plot.setAttribute("role", "img");
        plot.setAttribute("aria-label", (meta.title || "figure") + ". " + (meta.caption || "") + " The numbers stand below.");
        plot.on("plotly_click", function (event) { pick(event.points[0]); });
      });
    }
    function pick(point) {
      var input = root.querySelector(".cx-picked input");
      var own = function (values) { return Array.isArray(values) ? values[point.pointNumber] : values; };
      var tick = function (axis, value) {
        var place = ((axis && axis.tickvals) || []).indexOf(value);
        return place < 0 ? "" : axis.ticktext[place];
      };
      var words = [own(point.data.hovertemplate), point.hovertext, own(point.data.hovertext), point.customdata, tick(point.yaxis, point.y),
        tick(point.xaxis, point.x), point.y, point.x, point.text].map(String);
      input.value = JSON.stringify(words);
      input.dispatchEvent(new Event("input", { bubbles: true }));
      input.dispatchEvent(new Event("change", { bubbles: true }));
    }
    new MutationObserver(name).observe(root, { childList: true, subtree: true, attributeFilter: ["placeholder"] });
    name();
  }
  var tries = 0;
  var timer = setInterval(function () {
    document.querySelectorAll(".cx-explorer").forEach(wire);
    tries += 1;
    if (tries > 40) { clearInterval(timer); }
  }, 250);
})();
