"use strict";
// Draws the figures of the report from the data in the page. Plotly is embedded before this script.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const generatedColor = "#d9482f";
  const touch = matchMedia("(pointer: coarse)").matches;
  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const faded = (color, alpha) => {
    const n = parseInt(color.slice(1).replace(/^(.)(.)(.)$/, "$1$1$2$2$3$3"), 16);
    return `rgba(${n >> 16},${(n >> 8) & 255},${n & 255},${alpha})`;
  };
  const config = { displaylogo: false, responsive: true, displayModeBar: "hover", modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"], toImageButtonOptions: { format: "svg" } };

  // An axis as the field draws it: a frame on all sides, ticks inside.
  const axis = (title, more) => ({ title: { text: title, standoff: 6 }, ticks: "inside", mirror: "allticks", showline: true, linecolor: style("--ink"), tickcolor: style("--ink"), gridcolor: "rgba(0,0,0,0)", zeroline: false, automargin: true, exponentformat: "power", minexponent: 5, ...more });
  // The legend lies above the frame, where no point is, at the left, where the buttons of the plot are not.
  const layout = (more) => ({
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: style("--ink"), family: "system-ui, sans-serif", size: 12 },
    margin: { l: 60, r: 14, t: 44, b: 44 }, legend: { orientation: "h", x: 0, xanchor: "left", y: 1.01, yanchor: "bottom", bgcolor: "rgba(0,0,0,0)", font: { size: 11 } }, modebar: { bgcolor: "rgba(0,0,0,0)", color: style("--faint"), activecolor: style("--ink") }, dragmode: touch ? false : "zoom", hovermode: "closest", ...more,
  });

  // Every figure: where it stands, what a screen reader says, and a function that makes traces and layout in the colours
  // of the moment. Drawn when it comes near the window, or all of them before printing.
  const figures = new Map();
  const draw = (element) => {
    const { traces, layout } = figures.get(element)();
    element.dataset.drawn = "yes";
    return Plotly.react(element, traces, layout, config);
  };
  const watch = new IntersectionObserver((entries) => entries.forEach((entry) => {
    if (entry.isIntersecting && entry.target.dataset.drawn !== "yes") draw(entry.target);
  }), { rootMargin: "600px" });
  const add = (parent, label, make) => {
    const element = document.createElement("div");
    element.className = "plot";
    element.setAttribute("role", "img");
    element.setAttribute("aria-label", label);
    parent.append(element);
    figures.set(element, make);
    watch.observe(element);
  };
  const places = (group) => document.querySelectorAll(`[data-group="${group}"]`);

  const wide = () => innerWidth > 700;
  const percent = (f) => (f > 0.0995 ? Math.round(100 * f) : (100 * f).toPrecision(2));

  // Distributions with their ratio.
  const logarithmic = {};
  const ratioAxes = (title, log, ratioRange, most) => ({
    xaxis: axis(title, { anchor: "y2" }),
    yaxis: axis("share / bin", { domain: [0.33, 1], ...(log ? { type: "log" } : { range: [0, 1.08 * most] }) }),
    yaxis2: axis("gen. / real", { domain: [0, 0.29], range: ratioRange }),
  });
  const overlay = (o) => () => {
    const ink = style("--ink"), sum = (v) => v.reduce((a, b) => a + b, 0);
    const [n, m] = [sum(o.real), sum(o.generated || [])];
    const bins = o.real.slice(1, -1).map((_, k) => k), x = bins.map((k) => o.low + (k + 0.5) * o.width);
    const share = (v, total) => bins.map((k) => v[k + 1] / total), error = (v, total) => bins.map((k) => Math.sqrt(v[k + 1]) / total);
    if (!o.generated) {
      const entries = bins.map((k) => o.real[k + 1]), edges = bins.flatMap((k) => [o.low + k * o.width, o.low + (k + 1) * o.width]);
      // 68% intervals of Poisson's distribution by Gehrels' approximations (1986, equations 7 and 11).
      const up = entries.map((v) => (v > 0 ? 1 + Math.sqrt(v + 0.75) : 0)), down = entries.map((v) => (v > 0 ? Math.min(v, Math.sqrt(v - 0.25)) : 0));
      const traces = [
        { x: edges, y: entries.flatMap((v) => [v, v]), mode: "lines", line: { color: ink, width: 1.5 }, fill: "tozeroy", fillcolor: faded(ink, 0.12), hoverinfo: "skip", showlegend: false },
        { x, y: entries, mode: "markers", marker: { color: ink, size: 4 }, error_y: { type: "data", symmetric: false, array: up, arrayminus: down, color: ink, thickness: 1, width: 0 }, hovertemplate: "%{x:.4g}: %{y}<extra></extra>", showlegend: false },
      ];
      return { traces, layout: layout({ margin: { l: 60, r: 14, t: 34, b: 44 }, xaxis: axis(o.title), yaxis: axis("avalanches / bin", logarithmic[o.group] ? { type: "log" } : { rangemode: "tozero" }) }) };
    }
    const [a, b, ea, eb] = [share(o.real, n), share(o.generated, m), error(o.real, n), error(o.generated, m)];
    const edges = bins.flatMap((k) => [o.low + k * o.width, o.low + (k + 1) * o.width]), twice = (v) => v.flatMap((y) => [y, y]);
    const band = (low, high, color, y) => [
      { x: edges, y: twice(low), mode: "lines", line: { width: 0 }, hoverinfo: "skip", showlegend: false, yaxis: y },
      { x: edges, y: twice(high), mode: "lines", line: { width: 0 }, fill: "tonexty", fillcolor: color, hoverinfo: "skip", showlegend: false, yaxis: y },
    ];
    const some = bins.filter((k) => o.real[k + 1] > 0), ratio = some.map((k) => b[k] / a[k]);
    const off = Math.max(...some.map((k, i) => Math.abs(ratio[i] - 1)).filter((_, i) => o.real[some[i] + 1] > 0.002 * n), 0.1);
    const reach = Math.min(1, 1.5 * off);
    const outside = (v, total) => { const f = (v[0] + v[v.length - 1]) / total; return f > 0 ? ` (${percent(f)}% outside)` : ""; };
    const relative = bins.map((k) => (a[k] > 0 ? ea[k] / a[k] : 0));
    const traces = [
      ...band(b.map((v, k) => Math.max(v - eb[k], 0)), b.map((v, k) => v + eb[k]), faded(generatedColor, 0.25), "y"),
      { name: "generated" + outside(o.generated, m), x: edges, y: twice(b), mode: "lines", line: { color: generatedColor, width: 2 }, hovertemplate: "%{x:.4g}: %{y:.4f}<extra>generated</extra>" },
      { name: "real" + outside(o.real, n), x, y: a, mode: "markers", marker: { color: ink, size: 5 }, error_y: { type: "data", array: ea, color: ink, thickness: 1, width: 0 }, hovertemplate: "%{x:.4g}: %{y:.4f}<extra>real</extra>" },
      ...band(relative.map((r) => 1 - r), relative.map((r) => 1 + r), faded(ink, 0.18), "y2"),
      { x: some.map((k) => x[k]), y: ratio, yaxis: "y2", mode: "markers", showlegend: false, marker: { color: generatedColor, size: 4 }, error_y: { type: "data", array: some.map((k) => eb[k] / a[k]), color: generatedColor, thickness: 1, width: 0 }, hovertemplate: "%{x:.4g}: %{y:.3f}<extra>ratio</extra>" },
    ];
    const one = { type: "line", xref: "paper", x0: 0, x1: 1, yref: "y2", y0: 1, y1: 1, line: { color: ink, width: 1 } };
    return { traces, layout: layout({ ...ratioAxes(o.title, logarithmic[o.group], [1 - reach, 1 + reach], Math.max(...a.map((v, k) => v + ea[k]), ...b)), shapes: [one] }) };
  };
  data.overlays.forEach((o) => places(o.group).forEach((place) => add(place, o.label, overlay(o))));
  // The real avalanches and those of several generators, each in its own bins.
  const hues = ["#d9482f", "#2f7fd9", "#2e9e4f", "#8a5cc2", "#c98a00", "#008b8b", "#b0366f", "#6b6b6b"], lines = ["solid", "dash", "dot", "dashdot"];
  const ranked = (o) => () => {
    const ink = style("--ink");
    const density = (h) => { const n = h.entries.reduce((a, b) => a + b, 0), inner = h.entries.slice(1, -1); return { y: inner.map((v) => v / n / h.width), e: inner.map((v) => Math.sqrt(v) / n / h.width) }; };
    const real = density(o.real), x = real.y.map((_, k) => o.real.low + (k + 0.5) * o.real.width);
    // The range of the real ones: a generator far off would make them a single line. How much of it lies outside is told.
    const filled = x.filter((_, k) => real.y[k] > 0), margin = 0.25 * Math.max(filled.at(-1) - filled[0], o.real.width), range = [filled[0] - margin, filled.at(-1) + margin];
    const outside = (h) => { const all = h.entries.reduce((a, b) => a + b, 0), inside = h.entries.slice(1, -1).filter((_, k) => h.low + (k + 0.5) * h.width > range[0] && h.low + (k + 0.5) * h.width < range[1]).reduce((a, b) => a + b, 0), f = 1 - inside / all; return f > 0.005 ? ` (${percent(f)}% outside)` : ""; };
    const shown = (h) => density(h).y.filter((_, k) => h.low + (k + 1) * h.width > range[0] && h.low + k * h.width < range[1]);
    const top = 1.08 * Math.min(Math.max(...real.y.map((v, k) => v + real.e[k]), ...o.generators.flatMap(shown)), 3 * Math.max(...real.y));
    const traces = o.generators.map((h, k) => ({ name: `${h.name}${outside(h)}`, x: density(h).y.flatMap((_, b) => [h.low + b * h.width, h.low + (b + 1) * h.width]), y: density(h).y.flatMap((v) => [v, v]), mode: "lines", line: { color: hues[k % hues.length], dash: lines[Math.floor(k / hues.length) % lines.length], width: 1.5 }, hovertemplate: `%{x:.4g}: %{y:.4g}<extra>${k + 1}</extra>` }));
    traces.push({ name: "real", x, y: real.y, mode: "markers", marker: { color: ink, size: 5 }, error_y: { type: "data", array: real.e, color: ink, thickness: 1, width: 0 }, hovertemplate: "%{x:.4g}: %{y:.4g}<extra>real</extra>" });
    return { traces, layout: layout({ xaxis: axis(o.title, { range }), yaxis: axis("share / width of bin", logarithmic.ranked ? { type: "log" } : { range: [0, top] }) }) };
  };
  (data.ranked || []).forEach((o) => places("ranked").forEach((place) => add(place, o.label, ranked(o))));
  document.querySelectorAll("[data-log]").forEach((box) => box.addEventListener("change", () => {
    logarithmic[box.dataset.log] = box.checked;
    places(box.dataset.log).forEach((place) => place.querySelectorAll('[data-drawn="yes"]').forEach(draw));
  }));

  // Correlations.
  const map = (title, names, z, most) => () => ({
    traces: [{ type: "heatmap", x: names, y: names, z, zmin: -most, zmax: most, colorscale: [[0, "#2166ac"], [0.5, style("--paper")], [1, "#b2182b"]], xgap: 1, ygap: 1, colorbar: { thickness: 10, len: 0.9 }, hovertemplate: "%{y}, %{x}: %{z:.3f}<extra></extra>" }],
    layout: layout({ title: { text: title, font: { size: 14 }, x: 0.02, xanchor: "left" }, margin: { l: 90, r: 10, t: 34, b: 90 }, xaxis: axis("", { tickangle: 90, tickfont: { size: 10 }, dtick: 1, automargin: false }), yaxis: axis("", { autorange: "reversed", tickfont: { size: 10 }, dtick: 1, automargin: false }) }),
  });
  if (data.correlations) {
    const c = data.correlations, difference = c.generated.map((row, i) => row.map((v, j) => v - c.real[i][j]));
    const most = Math.max(0.1, c.largest_difference.value), said = `largest difference ${c.largest_difference.value.toFixed(3)} of ${c.largest_pair.join(" and ")}, floor ${c.largest_difference.floor.toFixed(3)}`;
    places("correlations").forEach((place) => {
      add(place, "Correlations between the observables of real avalanches", map("real", c.observables, c.real, 1));
      add(place, "Correlations between the observables of generated avalanches", map("generated", c.observables, c.generated, 1));
      add(place, `Generated less real correlations: ${said}`, map("generated less real", c.observables, difference, most));
    });
  }

  // Classifiers.
  const dashes = { trees: "solid", network: "dash", cells: "dot", cells_trees: "dashdot" };
  const colors = () => ({ trees: generatedColor, network: "#2f7fd9", cells: "#2e9e4f", cells_trees: "#8a5cc2" });
  const bars = (values, color) => ({ type: "data", array: values, color, thickness: 1, width: 2 });
  if (data.classifiers) {
    const all = Object.entries(data.classifiers);
    const diagonal = () => ({ x: [0, 1], y: [0, 1], mode: "lines", line: { color: style("--faint"), width: 1 }, showlegend: false, hoverinfo: "skip" });
    const line = (name, x, y, extra) => ({ name, x, y, mode: "lines", line: { color: colors()[name], dash: dashes[name], width: 2 }, ...extra });
    places("classifiers").forEach((place) => {
      add(place, `ROC curves of the classifiers: ${all.map(([name]) => name).join(", ")}`, () => ({
        traces: [diagonal(), ...all.map(([name, of]) => line(name, of.roc.map((p) => p[0]), of.roc.map((p) => p[1])))],
        layout: layout({ xaxis: axis("real taken for generated", { range: [0, 1] }), yaxis: axis("generated found", { range: [0, 1] }) }),
      }));
      add(place, "Calibration: share of generated avalanches against the probability that the classifiers gave", () => ({
        traces: [diagonal(), ...all.map(([name, of]) => line(name, of.calibration.map((p) => p[0]), of.calibration.map((p) => p[1]), { mode: "lines+markers" }))],
        layout: layout({ xaxis: axis("probability given", { range: [0, 1] }), yaxis: axis("share generated", { range: [0, 1] }) }),
      }));
      all.filter(([, of]) => of.learning).forEach(([name, of]) => {
        add(place, `AUC of ${name} against the number of avalanches: ${of.learning.map((p) => `${p.avalanches}: ${p.auc.toFixed(3)}`).join(", ")}`, () => ({
          traces: [line(name, of.learning.map((p) => p.avalanches), of.learning.map((p) => p.auc), { mode: "lines+markers", error_y: bars(of.learning.map((p) => p.error), colors()[name]) })],
          layout: layout({ showlegend: false, xaxis: axis("avalanches a set", { type: "log", tickvals: of.learning.map((p) => p.avalanches), tickangle: 0 }), yaxis: axis(`AUC of ${name}`), shapes: [{ type: "line", xref: "paper", x0: 0, x1: 1, y0: 0.5, y1: 0.5, line: { color: style("--faint"), width: 1 } }] }),
        }));
      });
      all.filter(([, of]) => of.importance).forEach(([name, of]) => {
        const top = of.importance.slice(0, 12).reverse();
        add(place, `What gave it away to ${name}: ${top.slice().reverse().slice(0, 5).map((i) => i.name).join(", ")}`, () => ({
          traces: [{ type: "bar", orientation: "h", y: top.map((i) => i.name), x: top.map((i) => i.loss_of_auc), error_x: bars(top.map((i) => i.error), style("--ink")), marker: { color: colors()[name] }, hovertemplate: "%{y}: %{x:.4f}<extra></extra>" }],
          layout: layout({ xaxis: axis("loss of AUC when permuted"), yaxis: axis("", { dtick: 1 }) }),
        }));
      });
    });
  }

  // Two-point correlation.
  if (data.pairs) {
    const p = data.pairs, r = p.real.map((_, k) => 0.5 * (p.edges[k] + p.edges[k + 1]));
    const make = () => {
      const ink = style("--ink");
      const band = (y, e, color, axis) => [
        { x: r, y: y.map((v, k) => v - e[k]), mode: "lines", line: { width: 0 }, hoverinfo: "skip", showlegend: false, yaxis: axis },
        { x: r, y: y.map((v, k) => v + e[k]), mode: "lines", line: { width: 0 }, fill: "tonexty", fillcolor: color, hoverinfo: "skip", showlegend: false, yaxis: axis },
      ];
      const ratio = p.real.map((v, k) => (v > 0 ? p.generated[k] / v : null)), relative = p.real.map((v, k) => (v > 0 ? p.real_error[k] / v : 0));
      return {
        traces: [
          ...band(p.generated, p.generated_error, faded(generatedColor, 0.3), "y"), { name: "generated", x: r, y: p.generated, mode: "lines", line: { color: generatedColor, width: 2 } },
          { name: "real", x: r, y: p.real, mode: "markers", marker: { color: ink, size: 5 }, error_y: { type: "data", array: p.real_error, color: ink, thickness: 1, width: 0 } },
          ...band(r.map(() => 1), relative, faded(ink, 0.18), "y2"), { x: r, y: ratio, yaxis: "y2", mode: "lines", line: { color: generatedColor, width: 2 }, showlegend: false },
        ],
        layout: layout({ xaxis: axis(`r [${p.unit}]`, { anchor: "y2" }), yaxis: axis("g(r)", { domain: [0.33, 1] }), yaxis2: axis("gen. / real", { domain: [0, 0.29] }) }),
      };
    };
    places("pairs").forEach((place) => add(place, `Two-point correlation of real and generated avalanches: mean difference ${p.difference.toFixed(4)}, floor ${p.floor.toFixed(4)}`, make));
  }

  // Conditions.
  const short = (v) => v.toLocaleString("en", { maximumSignificantDigits: 4 });
  (data.conditional || []).forEach((c) => {
    const names = data.overlays.map((o) => o.name).filter((name) => c.bins.some((bin) => name in bin.w1_over_sigma));
    const bins = c.bins.map((bin) => `${short(bin.low)} to ${short(bin.high)}`);
    // A row an observable, a column a bin.
    const of = (key) => names.map((name) => c.bins.map((bin) => bin.w1_over_sigma[name]?.[key] ?? null));
    const [value, floor] = [of("value"), of("floor")], known = (make) => value.map((row, k) => row.map((v, b) => (v === null ? null : make(v, floor[k][b]))));
    places("conditional").forEach((place) => add(place, `W1 over sigma of the observables in bins of ${c.condition}`, () => ({
      traces: [{ type: "heatmap", x: bins, y: names, z: known((v, f) => Math.max(v - f, 0)), text: known((v, f) => `${v.toFixed(2)} (${f.toFixed(2)})`).map((row) => row.map((said) => said ?? "")), texttemplate: "%{text}", textfont: { size: wide() ? 12 : 8 }, zmin: 0, zmax: 0.3, colorscale: "YlOrRd", reversescale: true, xgap: 2, ygap: 2, colorbar: { thickness: 10, title: { text: "above" } }, hovertemplate: "%{y}, %{x}: %{text}<extra></extra>" }],
      layout: layout({ margin: { l: 110, r: 10, t: 20, b: 50 }, xaxis: axis(c.condition, { type: "category", tickangle: wide() ? 0 : 90 }), yaxis: axis("", { autorange: "reversed", dtick: 1, automargin: false }) }),
    })));
  });

  // Training.
  [...new Set(data.curves.map((c) => c.number))].forEach((number) => {
    const curves = data.curves.filter((c) => c.number === number), title = number.replaceAll("_", " ");
    const few = curves.length < 3, color = (k) => (few ? (k ? generatedColor : style("--ink")) : `hsl(${(360 * k) / curves.length} 60% 50%)`);
    places("training").forEach((place) => add(place, `Training: ${title} by epoch, ${few ? curves.map((c) => c.name).join(", ") : `${curves.length} lines`}`, () => ({
      traces: curves.map((c, k) => ({ name: c.name, x: c.points.map((p) => p[0]), y: c.points.map((p) => p[1]), mode: c.points.length > 1 ? "lines" : "markers", line: { color: color(k), width: few ? 2 : 1 } })),
      layout: layout({ xaxis: axis("epoch"), yaxis: axis(title), showlegend: curves.length > 1 && few }),
    })));
  });

  // Avalanches in three dimensions: two scenes that turn together. Those of two coordinates lie in two planes.
  const gallery = data.gallery;
  const flat = gallery && gallery.axes < 3;
  const eye = { x: 1.65, y: 1.65, z: 0.75 };
  const scene = (title, domain) => {
    const along = (text, range) => ({ title: { text }, range, color: style("--ink"), gridcolor: style("--rule"), zerolinecolor: style("--rule"), showbackground: false });
    const [x, z, t] = gallery.extent, [ux, uz, ut] = gallery.units;
    return { domain, xaxis: along(`x [${ux}]`, x), yaxis: along(`z [${uz}]`, z), zaxis: along(`t [${ut}]`, t), aspectmode: "cube", camera: { eye: { ...eye } }, annotations: [], hovermode: false };
  };
  const decode = (values, d) => { const [low, high] = gallery.extent[d]; return Float32Array.from(values, (v) => low + (v / gallery.steps) * (high - low)); };
  const points = (which, name, alone) => {
    if (flat) {
      const twin = name === "scene2" ? "2" : "", all = (key, d) => which.flatMap((a) => Array.from(decode(a[key], d)));
      return { type: "scattergl", mode: "markers", xaxis: `x${twin}`, yaxis: `y${twin}`, x: all("x", 0), y: all("z", 1), hoverinfo: "skip", showlegend: false, marker: { size: alone ? 4 : 2, opacity: alone ? 0.7 : 0.3, color: style("--ink") } };
    }
    const joined = (key, d) => { const parts = which.map((a) => decode(a[key], d)); const all = new Float32Array(parts.reduce((n, p) => n + p.length, 0)); let at = 0; parts.forEach((p) => { all.set(p, at); at += p.length; }); return all; };
    const t = joined("t", 2);
    return { type: "scatter3d", mode: "markers", scene: name, x: joined("x", 0), y: joined("z", 1), z: t, hoverinfo: "skip", showlegend: false, marker: { size: alone ? 2 : 1, opacity: alone ? 0.8 : 0.4, color: t, colorscale: "Viridis", cmin: gallery.extent[2][0], cmax: gallery.extent[2][1], showscale: name === "scene2", colorbar: { title: { text: `t [${gallery.units[2]}]` }, thickness: 10, len: 0.7 } } };
  };
  // Phones get one scene above the other, with titles at the left, where the buttons of the plot are not.
  // Planes have numbers beside them, which need room.
  const gap = () => (flat ? (wide() ? 0.05 : 0.07) : wide() ? 0.01 : 0.02);
  const domains = () => (wide() ? [{ x: [0, 0.5 - gap()], y: [0, 1] }, { x: [0.5 + gap(), 1], y: [0, 1] }] : [{ x: [0, 1], y: [0.5 + gap(), 1] }, { x: [0, 1], y: [0, 0.5 - gap()] }]);
  const titles = (texts) => domains().map((d, k) => ({ text: texts[k], showarrow: false, xref: "paper", yref: "paper", x: wide() && !flat ? (d.x[0] + d.x[1]) / 2 : d.x[0], y: d.y[1], xanchor: wide() && !flat ? "center" : "left", yanchor: "bottom", font: { size: 14 } }));
  const show = (element, left, right, texts) => {
    const [first, second] = domains();
    const kept = element._fullLayout?.scene?.camera?.eye;
    if (kept) Object.assign(eye, kept);
    const plane = (k) => { const [x, z] = gallery.extent, [ux, uz] = gallery.units, n = k ? "2" : ""; return { [`xaxis${n}`]: axis(`x [${ux}]`, { domain: domains()[k].x, range: x, anchor: `y${n}`, constrain: "domain" }), [`yaxis${n}`]: axis(`z [${uz}]`, { domain: domains()[k].y, range: z, anchor: `x${n}`, scaleanchor: `x${n}`, constrain: "domain" }) }; };
    const made = flat ? layout({ margin: { l: 60, r: 14, t: 30, b: 44 }, ...plane(0), ...plane(1), annotations: titles(texts) }) : layout({ margin: { l: 0, r: 0, t: 30, b: 0 }, scene: scene(texts[0], first), scene2: scene(texts[1], second), annotations: titles(texts), dragmode: "orbit" });
    element.dataset.drawn = "yes";
    return Plotly.react(element, [points(left, "scene", left.length === 1), points(right, "scene2", right.length === 1)], made, config);
  };
  const turn = (element, around, up) => {
    const e = element._fullLayout.scene.camera.eye, r = Math.hypot(e.x, e.y), a = Math.atan2(e.y, e.x) + around, h = Math.atan2(e.z, r) + up, d = Math.hypot(r, e.z);
    const limited = Math.max(-1.4, Math.min(1.4, h)), next = { x: d * Math.cos(limited) * Math.cos(a), y: d * Math.cos(limited) * Math.sin(a), z: d * Math.sin(limited) };
    return Plotly.relayout(element, { "scene.camera.eye": next, "scene2.camera.eye": next });
  };
  const steps = { ArrowLeft: [-0.15, 0], ArrowRight: [0.15, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] };
  const together = (element) => {
    if (flat) return;
    let busy = false;
    element.on("plotly_relayout", (change) => {
      const moved = change["scene.camera"] || change["scene2.camera"];
      if (!moved || busy) return;
      busy = true;
      Plotly.relayout(element, { [change["scene.camera"] ? "scene2.camera" : "scene.camera"]: moved }).then(() => { busy = false; });
    });
    element.addEventListener("keydown", (event) => { if (steps[event.key]) { event.preventDefault(); turn(element, ...steps[event.key]); } });
  };
  const of = (a, set) => `${set}: number ${a.index}, ${a.electrons.toLocaleString("en")} electrons`;
  let current = 0;
  const scenes = document.getElementById("scenes"), all = document.getElementById("all");
  const browse = () => {
    const pair = Math.min(gallery.real.length, gallery.generated.length);
    current = (current + pair) % pair;
    const [a, b] = [gallery.real[current], gallery.generated[current]];
    document.getElementById("shown").textContent = all.checked ? `${gallery.real.length + gallery.generated.length} avalanches` : `pair ${current + 1} of ${pair}`;
    return all.checked ? show(scenes, gallery.real, gallery.generated, gallery.names) : show(scenes, [a], [b], [of(a, gallery.names[0]), of(b, gallery.names[1])]);
  };
  let begun = false;
  const begin = () => (begun ? Promise.resolve() : ((begun = true), browse().then(() => together(scenes))));
  if (gallery) {
    current = Math.floor(gallery.real.length / 2);
    new IntersectionObserver((entries, seen) => { if (entries.some((e) => e.isIntersecting)) { seen.disconnect(); begin(); } }, { rootMargin: "300px" }).observe(scenes);
    document.querySelectorAll("[data-step]").forEach((button) => button.addEventListener("click", () => { current += Number(button.dataset.step); browse(); }));
    all.addEventListener("change", browse);
  }

  // Blind test. What is stored stays in the browser; without storage the score lasts as long as the page.
  const key = `townsend-blind-${data.key}`;
  let score = { right: 0, of: 0 };
  try { score = JSON.parse(localStorage.getItem(key)) || score; } catch { /* no storage */ }
  const tell = (answer) => {
    const { right, of } = score;
    // Probability to guess as well or better.
    let chance = 0, term = Math.pow(0.5, of);
    for (let k = 0; k <= of; k++) { if (k >= right) chance += term; term *= (of - k) / (k + 1); }
    document.getElementById("score").textContent = of ? `${answer}${right} of ${of} right; who guesses is as good with probability ${(100 * chance).toPrecision(2)}%.` : "";
    try { localStorage.setItem(key, JSON.stringify(score)); } catch { /* no storage */ }
  };
  let realIsSecond = false;
  const ask = () => {
    const blind = document.getElementById("blind-scenes"), pair = Math.min(gallery.real.length, gallery.generated.length), k = Math.floor(Math.random() * pair);
    realIsSecond = Math.random() < 0.5;
    const both = [[gallery.real[k]], [gallery.generated[k]]];
    if (realIsSecond) both.reverse();
    const first = blind.dataset.drawn !== "yes";
    return show(blind, both[0], both[1], ["first", "second"]).then(() => { if (first) together(blind); });
  };
  if (gallery && document.getElementById("blind")) {
    tell("");
    document.getElementById("start").addEventListener("click", (event) => { document.getElementById("test").hidden = false; event.target.hidden = true; ask(); });
    document.querySelectorAll("[data-guess]").forEach((button) => button.addEventListener("click", () => {
      const right = (button.dataset.guess === "1") === realIsSecond;
      score = { right: score.right + (right ? 1 : 0), of: score.of + 1 };
      tell(right ? "Right. " : `Wrong: the ${realIsSecond ? "second" : "first"} one was real. `);
      ask();
    }));
    document.getElementById("forget").addEventListener("click", () => { score = { right: 0, of: 0 }; tell(""); });
  }

  // Light and dark, paper.
  const redraw = () => { figures.forEach((_, element) => { if (element.dataset.drawn === "yes") draw(element); }); if (begun) browse(); };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  document.getElementById("theme").addEventListener("click", () => {
    const dark = getComputedStyle(document.documentElement).colorScheme === "dark";
    document.documentElement.dataset.theme = dark ? "light" : "dark";
    redraw();
  });
  const drawAll = () => Promise.all([...figures.keys()].map(draw).concat(gallery ? [begin()] : []));
  addEventListener("beforeprint", drawAll);
  // For tests and for who wants to script the page.
  window.townsend = { figures, drawAll, turn, begin, scenes };
})();
