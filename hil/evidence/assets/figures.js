"use strict";
/* A measurement: the distribution of its samples, its limit, what its uncertainty leaves open, and the decision rule. */
const Figures = (() => {
  const { h, svg, short, rough, pair, panel, badge, link, table, breakable } = Page;
  const NAMES = { min: "shortest", p50: "median", p95: "p95 (bound)", p99: "p99 (bound)", max: "longest" };

  function scale(item, left, width) {
    const spread = item.expanded || 0, limit = item.at_most === null ? [] : [item.at_most - spread, item.at_most + spread];
    const known = [...item.edges, ...limit], low = Math.min(...known), high = Math.max(...known), pad = (high - low) * 0.04 || 1;
    return { low, high, x: (value) => left + width * (value - low + pad) / (high - low + 2 * pad) };
  }

  function bars(item, x, base, height) {
    const top = Math.max(...item.counts, 1);
    return item.counts.map((count, n) => svg("rect", { x: x(item.edges[n]), y: base - height * count / top, class: "bars",
      width: Math.max(x(item.edges[n + 1]) - x(item.edges[n]) - 0.6, 0.8), height: height * count / top }));
  }

  function limitMarks(item, x, top, base) {
    if (item.at_most === null) return [];
    const at = x(item.at_most), spread = item.expanded || 0, line = svg("line", { x1: at, x2: at, y1: top, y2: base, class: "limit" });
    const open = svg("rect", { x: x(item.at_most - spread), width: Math.max(x(item.at_most + spread) - x(item.at_most - spread), 0), y: top, height: base - top, class: "open" });
    return spread ? [open, line] : [line];
  }

  const text = (x, y, anchor, words, cls) => { const element = svg("text", { x, y, "text-anchor": anchor, class: cls || "" }); element.textContent = words; return element; };

  function marker(item, x, name, base, y) {
    const value = item.figures[name];
    if (typeof value !== "number") return [];
    const at = x(value);
    return [svg("line", { x1: at, x2: at, y1: y + 3, y2: base, class: "figure" }), text(at, y, "middle", `${name} ${rough(value)}`, "figure")];
  }

  function histogram(item) {
    const { low, high, x } = scale(item, 12, 576), base = 172, title = `Distribution of ${item.n} samples of ${item.name}`;
    const picture = svg("svg", { viewBox: "0 0 600 200", role: "img", class: "histogram", "aria-label": title });
    picture.append(...limitMarks(item, x, 40, base), ...bars(item, x, base, 120), svg("line", { x1: 12, x2: 588, y1: base + 0.5, y2: base + 0.5, class: "axis" }));
    picture.append(...marker(item, x, "p50", base, 34), ...marker(item, x, "max", base, 20));
    if (item.at_most !== null) picture.append(text(x(item.at_most), 11, x(item.at_most) > 300 ? "end" : "start", `limit ${short(item.at_most)} ${item.unit}${item.expanded ? ` ± ${rough(item.expanded)}` : ""}`, "limit"));
    for (const n of [0, 0.25, 0.5, 0.75, 1]) picture.append(text(x(low + n * (high - low)), 188, "middle", `${rough(low + n * (high - low))}${n === 1 ? ` ${item.unit}` : ""}`));
    return picture;
  }

  function spark(item) {
    const { x } = scale(item, 1, 238), picture = svg("svg", { viewBox: "0 0 240 34", class: "spark", role: "img", "aria-label": `samples and limit of ${item.name}` });
    picture.append(...limitMarks(item, x, 2, 31), ...bars(item, x, 31, 26), svg("line", { x1: 0, x2: 240, y1: 31.5, y2: 31.5, class: "axis" }));
    return picture;
  }

  const shown = (value, unit) => typeof value === "number" ? `${rough(value)} ${unit}` : value;
  const judged = (item) => item.ok === null ? null : h("span", { class: item.ok ? "good" : "wrong" }, item.ok ? "✓ within its limit" : "✗ not shown to be within its limit");

  function parts(item) {
    const components = Object.entries(item.uncertainty.components || {}).map(([name, value]) => `${name} ${rough(value)} ${item.unit}`);
    const whole = item.expanded === null ? "none stated" : `U = ${rough(item.expanded)} ${item.unit}${item.uncertainty.k ? ` (k = ${item.uncertainty.k})` : ""}`;
    return [whole, ...components].join("\n");
  }

  function details(item) {
    const rows = Object.entries(item.figures).map(([name, value]) => [h("dt", {}, NAMES[name] || name), h("dd", { class: typeof value === "number" ? "" : "missing" }, shown(value, item.unit))]);
    return panel(h("div", { class: "row" }, h("h2", {}, item.name), judged(item), h("span", { class: "soft" }, [`${item.n} samples`, item.kind].filter(Boolean).join(", "))),
      h("div", { class: "evidence" }, item.n ? histogram(item) : null, h("dl", {}, rows, pair("limit", item.at_most === null ? "none" : `at most ${short(item.at_most)} ${item.unit}`),
        pair("uncertainty", parts(item), item.expanded === null ? "missing" : ""), pair("decision", item.rule), pair("source", item.source))));
  }

  function row(item) {
    const { figures, unit } = item, cell = (name) => h("td", { class: `num ${typeof figures[name] === "number" ? "" : "missing"}` }, typeof figures[name] === "number" ? rough(figures[name]) : "–");
    return h("tr", {}, h("td", {}, badge(item.verdict)), h("td", {}, h("a", { class: "name text", href: link(item.id) }, breakable(item.name)), h("div", { class: "soft text" }, breakable([item.case, item.kind].filter(Boolean).join(" · ")))),
      h("td", { class: "spark" }, item.n ? spark(item) : null), h("td", { class: "num" }, item.n), ["p50", "p95", "max"].map(cell),
      h("td", { class: "num" }, item.at_most === null ? "none" : short(item.at_most)), h("td", { class: "num" }, item.expanded === null ? "–" : `± ${rough(item.expanded)}`), h("td", {}, unit), h("td", { class: "text" }, item.source));
  }

  const overview = (items) => table(["Verdict", "Measured", "Samples, limit (line), open zone (shaded)", "n", "p50", "p95", "max", "limit", "U", "unit", "source"], items.map(row), { class: "latencies" });
  return { details, overview };
})();
