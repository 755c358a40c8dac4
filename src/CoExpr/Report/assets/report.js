"use strict";
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");

  // Few pairs are strong, so weak scores must fade into the ground: light ground in light mode, dark in dark.
  const ranges = {
    light: {
      heatmap: ["#f4f6f9", "#cfe1ef", "#93c3df", "#4b9ac7", "#2171b0", "#0b4a8c", "#08264f"],
      diverging: ["#0b4a8c", "#4b9ac7", "#c4dcec", "#f6f6f6", "#f9d3b8", "#e8874f", "#a63c06"],
    },
    dark: {
      heatmap: ["#1d2530", "#173f5f", "#20638c", "#2f8bab", "#53b3b4", "#9bd7a8", "#f4f3a6"],
      diverging: ["#a4d4ff", "#4f9fdc", "#215a86", "#1d2530", "#7c4020", "#dc7e45", "#ffcfa8"],
    },
  };

  const theme = () => {
    const page = getComputedStyle(document.documentElement);
    const colour = (name) => page.getPropertyValue(name).trim();
    const font = page.getPropertyValue("--sans").trim();
    const words = { labelColor: colour("--ink"), titleColor: colour("--ink"), labelFont: font, titleFont: font };
    return {
      background: colour("--card"),
      font,
      range: ranges[dark.matches ? "dark" : "light"],
      axis: { ...words, gridColor: colour("--line"), domainColor: colour("--muted"), tickColor: colour("--muted"),
              labelFontSize: 12, titleFontSize: 13, titleFontWeight: 600, titlePadding: 10 },
      legend: { ...words, labelFontSize: 12, titleFontSize: 13, titleFontWeight: 600, titleLimit: 400 },
      title: { color: colour("--ink"), font, fontSize: 15 },
      text: { color: colour("--ink"), font },
      view: { stroke: null },
    };
  };

  // An expression interpreter in place of compiled code, and no loader: the page's policy forbids both.
  const options = () => ({
    mode: "vega-lite", renderer: "svg", ast: true, actions: false, config: theme(),
    tooltip: { theme: dark.matches ? "dark" : "light", maxWidth: 320 },
  });

  const saver = (view, name, type) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Save " + type.toUpperCase();
    button.addEventListener("click", async () => {
      const link = document.createElement("a");
      link.href = await view.toImageURL(type, type === "png" ? 3 : 1);
      link.download = name + "." + type;
      link.click();
    });
    return button;
  };

  // A figure of one of several things shows the one that the list says, also when it is drawn anew.
  const follow = (spec, choice) => {
    spec.params.find((one) => one.name === "chosen").value = Number(choice.value);
    return (view) => (choice.onchange = () => view.signal("chosen", Number(choice.value)).runAsync());
  };

  const draw = async (plot) => {
    const spec = JSON.parse(document.getElementById(plot.dataset.spec).textContent);
    const choice = document.querySelector('select[data-plot="' + plot.id + '"]');
    const drawn = choice ? follow(spec, choice) : () => {};
    try {
      const { view } = await vegaEmbed(plot, spec, options());
      drawn(view);
      plot.nextElementSibling.replaceChildren(saver(view, plot.id, "svg"), saver(view, plot.id, "png"));
      plot.dataset.drawn = "true";
    } catch (error) {
      plot.className = "failure";
      plot.textContent = "This figure could not be drawn: " + error.message;
    }
  };

  const drawAll = () => document.querySelectorAll(".plot").forEach(draw);
  dark.addEventListener("change", drawAll);
  drawAll();

  const sortBy = (table, head) => {
    const column = head.cellIndex;
    const key = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
    const numeric = head.classList.contains("number");
    const before = head.getAttribute("aria-sort");
    const down = before === "none" ? numeric : before === "ascending";
    const compare = (a, b) => (numeric ? key(a) - key(b) : key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0);
    const rows = [...table.tBodies[0].rows].sort((a, b) => (down ? compare(b, a) : compare(a, b)));
    table.querySelectorAll("th[aria-sort]").forEach((other) => other.setAttribute("aria-sort", "none"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    table.tBodies[0].append(...rows);
  };

  document.querySelectorAll("th[aria-sort] button").forEach((button) =>
    button.addEventListener("click", () => sortBy(button.closest("table"), button.closest("th"))));

  // Options that are only hidden stay in the list in some browsers, so the list has those that are searched for.
  document.querySelectorAll(".choice input").forEach((input) => {
    const list = document.getElementById(input.getAttribute("aria-controls"));
    const found = input.closest(".search").querySelector("output");
    const all = [...list.options];
    input.addEventListener("input", () => {
      const wanted = input.value.trim().toLowerCase();
      const kept = all.filter((option) => option.textContent.toLowerCase().includes(wanted));
      const before = list.value;
      found.textContent = wanted ? kept.length + " of " + all.length : "";
      if (kept.length === 0) return;
      list.replaceChildren(...kept);
      list.value = kept.some((option) => option.value === before) ? before : kept[0].value;
      if (list.value !== before) list.dispatchEvent(new Event("change"));
    });
  });

  document.querySelectorAll(".search:not(.choice) input").forEach((input) => {
    const rows = [...document.getElementById(input.getAttribute("aria-controls")).tBodies[0].rows];
    const found = input.closest(".search").querySelector("output");
    input.addEventListener("input", () => {
      const wanted = input.value.trim().toLowerCase();
      rows.forEach((row) => (row.hidden = !row.textContent.toLowerCase().includes(wanted)));
      found.textContent = wanted ? rows.filter((row) => !row.hidden).length + " of " + rows.length + " rows" : "";
    });
  });
})();
