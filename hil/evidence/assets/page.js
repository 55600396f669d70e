"use strict";
/* Shows the run and its cases. Everything from the data goes in as text; nothing is ever parsed as HTML. */
(() => {
  const read = (id) => { const block = document.getElementById(id); return block && JSON.parse(block.textContent); };
  const run = read("run"), app = document.getElementById("app"), { seconds, short } = Timeline;
  const ORDER = ["fail", "bench fault", "usage error", "inconclusive", "not run", "pass"];
  const MARK = { pass: "✓", fail: "✗", "bench fault": "⚡", inconclusive: "?", "not run": "–", "usage error": "!" };
  const COLOR = { pass: "pass", fail: "fail", "bench fault": "bench", inconclusive: "inconclusive", "not run": "not-run", "usage error": "usage" };
  const filter = { text: "", verdicts: new Set(), requirement: "", tag: "" };
  const cases = run.cases.map((row, n) => ({ row, n })).sort((a, b) => ORDER.indexOf(a.row.verdict) - ORDER.indexOf(b.row.verdict) || a.n - b.n).map(({ row }) => row);
  let timeline = null;

  function h(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
    }
    element.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== ""));
    return element;
  }
  const verdictClass = (verdict) => `v v-${verdict.replaceAll(" ", "-")}`;
  const badge = (verdict) => h("span", { class: `badge ${verdictClass(verdict)}` }, `${MARK[verdict]} ${verdict}`);
  const link = (id, attempt) => `#case=${encodeURIComponent(id)}${attempt ? `&attempt=${attempt}` : ""}`;
  const panel = (...children) => h("section", { class: "panel" }, ...children);
  const table = (heads, rows, attributes) => h("table", attributes, h("thead", {}, h("tr", {}, heads.map((name) => h("th", {}, name)))), h("tbody", {}, rows));

  /* ---- the list ---- */
  function fact(item) {
    const missing = item.value === "not recorded";
    return [h("dt", {}, item.label), h("dd", missing ? { class: "missing" } : {}, item.value)];
  }

  function factsPanel() {
    const of = (group) => run.facts.filter((item) => item.group === group);
    const files = of("Files").map((item) => h("span", { title: item.full }, h("span", { class: "soft" }, item.label, " "), h("code", {}, item.value)));
    const groups = [["DUT", "Device under test"], ["Bench", "Bench"], ["Run", "Run"]], more = of("How");
    return panel(h("div", { class: "facts" },
      groups.map(([group, title]) => h("div", {}, h("h2", {}, title), h("dl", {}, of(group).map(fact)))),
      more.length ? h("div", { class: "files" }, more.map((item) => h("span", { class: "text" }, h("span", { class: "soft" }, item.label, " "), h("code", {}, item.value)))) : null,
      files.length ? h("div", { class: "files" }, h("span", { class: "soft" }, "SHA-256:"), files) : null));
  }

  function counted(count, verdict) {
    const many = { fail: "failed", pass: "passed", "bench fault": count === 1 ? "bench fault" : "bench faults", "usage error": count === 1 ? "usage error" : "usage errors" };
    return `${count} ${many[verdict] || verdict}`;
  }

  function headline() {
    const bad = ORDER.slice(0, 4).filter((verdict) => run.counts[verdict]);
    if (!run.cases.length) return "No case was selected";
    if (bad.length) return bad.map((verdict) => counted(run.counts[verdict], verdict)).join(", ") + ` of ${run.cases.length} cases`;
    return run.counts["not run"] ? `${run.counts.pass} passed, ${run.counts["not run"]} not run` : `All ${run.cases.length} cases passed`;
  }

  function verdictPanel(refresh) {
    const chips = ORDER.map((verdict) => {
      const count = run.counts[verdict] || 0;
      const toggle = (event) => {
        if (!filter.verdicts.delete(verdict)) filter.verdicts.add(verdict);
        event.currentTarget.classList.toggle("on");
        refresh();
      };
      return h("button", { class: `chip ${verdictClass(verdict)}${count ? "" : " zero"}${filter.verdicts.has(verdict) ? " on" : ""}`, onclick: toggle }, h("b", {}, `${count}`), `${MARK[verdict]} ${verdict}`);
    });
    const bar = ORDER.filter((verdict) => run.counts[verdict]).map((verdict) => {
      const part = h("span", { class: verdictClass(verdict), title: `${run.counts[verdict]} ${verdict}` });
      part.style.flex = run.counts[verdict];
      return part;
    });
    const links = run.links.map((item) => h("a", { href: item.href }, item.name));
    return panel(h("div", { class: "row" }, h("h1", {}, headline()), h("span", { class: "grow" }), links),
      h("div", { class: "bar" }, bar), h("div", { class: "row", style: "margin-top:10px" }, chips),
      run.warnings.map((text) => h("div", { class: "warning text" }, text)));
  }

  function coveragePanel(choose) {
    if (!run.requirements.length) return null;
    const of = (verdict) => run.requirements.filter((item) => item.verdict === verdict).length;
    const counts = [...ORDER.filter(of).map((verdict) => counted(of(verdict), verdict)), of(null) ? `${of(null)} without a case` : ""].filter(Boolean);
    const names = Object.fromEntries(run.cases.map((row) => [row.id, row.name]));
    const rows = run.requirements.map((item) => h("tr", {},
      h("td", { class: "nowrap" }, h("a", { href: "#", onclick: (event) => { event.preventDefault(); choose(item.id); } }, item.id)),
      h("td", {}, item.title, item.source ? h("div", { class: "soft" }, item.source) : null),
      h("td", { class: "nowrap" }, item.verdict ? badge(item.verdict) : h("span", { class: "missing" }, "no case")),
      h("td", {}, item.cases.map((id, n) => [n ? ", " : "", h("a", { href: link(id) }, names[id] || id)]))));
    return h("details", { class: "panel" }, h("summary", {}, `${run.requirements.length} requirements: ${counts.join(", ")}`),
      h("div", { style: "margin-top:8px" }, table(["Requirement", "Title", "Worst", "Cases"], rows)));
  }

  function why(row) {
    if (!row.reason) return h("div", { class: "text" }, row.message);
    return [h("div", {}, "expected ", h("b", {}, row.reason.expected), " · seen ", h("b", { class: "wrong" }, row.reason.seen)), h("div", { class: "text soft" }, row.message)];
  }

  function caseRow(row) {
    const go = (event) => { if (event.target.tagName !== "A" && !String(getSelection())) location.hash = link(row.id); };
    const repeated = row.attempts.length > 1 ? h("div", { class: "soft" }, `${row.attempts.length} attempts`) : null;
    return h("tr", { onclick: go },
      h("td", {}, badge(row.verdict), repeated),
      h("td", {}, h("a", { class: "name text", href: link(row.id) }, row.name), h("div", { class: "soft text" }, [row.suite, row.id !== row.name ? row.id : ""].filter(Boolean).join(" · "))),
      h("td", { class: "why" }, why(row)),
      h("td", {}, row.requirements.map((id) => h("span", { class: "tag" }, id))),
      h("td", {}, row.tags.map((tag) => h("span", { class: "tag" }, tag))),
      h("td", { class: "num" }, row.time === null ? "" : seconds(row.time)));
  }

  function matches(row) {
    if (filter.verdicts.size && !filter.verdicts.has(row.verdict)) return false;
    if (filter.requirement && !row.requirements.includes(filter.requirement)) return false;
    if (filter.tag && !row.tags.includes(filter.tag)) return false;
    const text = [row.name, row.id, row.suite, row.message, ...row.requirements, ...row.tags].join("\n").toLowerCase();
    return filter.text.toLowerCase().split(/\s+/).every((word) => text.includes(word));
  }

  function picker(key, name, values, refresh) {
    const change = (event) => { filter[key] = event.target.value; refresh(); };
    const select = h("select", { "aria-label": name, "data-key": key, onchange: change }, h("option", { value: "" }, `any ${name}`), values.map((value) => h("option", { value }, value)));
    select.value = filter[key];
    return select;
  }

  function casesPanel(body, count, refresh) {
    const all = (key) => [...new Set(run.cases.flatMap((row) => row[key]))].sort();
    const search = h("input", { type: "search", placeholder: "filter by text", "aria-label": "filter by text", oninput: (event) => { filter.text = event.target.value; refresh(); } });
    search.value = filter.text;
    const heads = ["Verdict", "Case", "Why", "Requirements", "Tags", "Bench time"].map((name) => h("th", {}, name));
    return panel(h("div", { class: "row", style: "margin-bottom:8px" }, h("h2", {}, "Cases"), search, picker("requirement", "requirement", all("requirements"), refresh), picker("tag", "tag", all("tags"), refresh), count),
      h("table", { class: "cases" }, h("thead", {}, h("tr", {}, heads)), body));
  }

  function showList() {
    const body = h("tbody"), count = h("span", { class: "soft" });
    const refresh = () => {
      const shown = cases.filter(matches);
      body.replaceChildren(...shown.map(caseRow));
      count.textContent = shown.length === cases.length ? `${cases.length} cases` : `${shown.length} of ${cases.length} cases`;
    };
    const choose = (id) => { filter.requirement = id; document.querySelector("[data-key=requirement]").value = id; refresh(); };
    app.replaceChildren(factsPanel(), verdictPanel(refresh), coveragePanel(choose) || "", casesPanel(body, count, refresh));
    refresh();
  }

  /* ---- one case ---- */
  const pair = (name, value, cls) => value === null || value === undefined || value === "" ? null : [h("dt", {}, name), h("dd", { class: `text ${cls || ""}` }, value)];

  function crop(picture) {
    const scale = Math.max(1, Math.min(10, Math.floor(340 / picture.width), Math.floor(260 / picture.height)));
    const image = h("img", { src: picture.uri, width: picture.width * scale, height: picture.height * scale, alt: `crop of ${picture.name}` });
    return h("figure", { class: "crop" }, image, h("figcaption", {}, `${picture.name} at ${seconds(picture.t)}, ${picture.width} x ${picture.height} px`, scale > 1 ? `, enlarged ${scale} times` : ""));
  }

  function whole(picture) {
    const figure = h("figure", { class: "whole" }, h("img", { src: picture.uri, alt: `whole frame of ${picture.name}`, onclick: () => figure.classList.toggle("big") }),
      h("figcaption", {}, `${picture.name}, whole frame at ${seconds(picture.t)}. ${picture.note}`));
    return figure;
  }

  function checkFacts(check) {
    const waited = check.since === null || check.since === check.t ? null : `${seconds(check.since)} on${check.within ? `, allowed ${seconds(check.within)}` : ""}`;
    const stamp = [check.origin, check.bound === null ? "" : `± ${short(check.bound * 1000)} ms`].filter(Boolean).join(" ");
    return h("dl", { class: check.ok ? "ok" : "" }, pair("expected", check.expected, "expected"), pair("seen", check.seen, "seen"),
      pair("check", check.name), pair("target", check.target), pair("at", seconds(check.t)), pair("watched", waited), pair("stamp", stamp),
      pair("score", check.score === null ? null : `${short(check.score)}${check.margin === null ? "" : `, margin ${short(check.margin)}`}`), pair("detail", check.detail));
  }

  function took(detail) {
    return `${detail.verdict === "pass" ? "" : `decided at ${seconds(detail.focus)} of `}${seconds(detail.end)} bench time`;
  }

  function verdictBlock(row, detail) {
    const pictures = (detail && detail.pictures) || [], failed = detail ? detail.checks.filter((check) => !check.ok) : [];
    const shown = detail && detail.verdict === "fail" ? failed[failed.length - 1] : null;
    const seen = new Set(shown ? [shown.crop, shown.whole] : []);
    if (detail && detail.finalPicture !== null && (!shown || shown.whole === null)) seen.add(detail.finalPicture);
    const source = detail || row, [first, ...rest] = source.message.split("\n"), cause = source.firstCause && !source.message.includes(source.firstCause) ? source.firstCause : "";
    return h("section", { class: `panel verdict ${verdictClass(source.verdict)}` },
      h("div", { class: "row" }, badge(source.verdict), h("span", { class: "soft" }, detail ? took(detail) : "")),
      h("div", { class: "message text" }, first || (source.verdict === "pass" ? "Passed." : "No message was recorded.")), rest.length ? h("div", { class: "text" }, rest.join("\n")) : null,
      source.where ? h("div", { class: "soft text" }, `at ${source.where}`) : null, cause ? h("div", { class: "soft text" }, `first cause: ${cause}`) : null,
      h("div", { class: "evidence" }, shown ? checkFacts(shown) : null,
        [...seen].filter((n) => pictures[n]).map((n) => pictures[n].crop ? crop(pictures[n]) : whole(pictures[n]))));
  }

  function jump(t) {
    if (!timeline) return;
    timeline.zoom(t - 2, t + 1);
    timeline.point(t);
    document.querySelector(".timeline").scrollIntoView({ block: "nearest" });
  }
  const timed = (t, cls, ...cells) => h("tr", { "data-t": t, class: cls, onclick: () => jump(t) }, h("td", { class: "num" }, t.toFixed(3)), cells.map((cell) => h("td", { class: "text" }, cell)));

  function timelinePanel(detail) {
    const host = h("div", { class: "timeline" }), button = (name, action) => h("button", { class: "button", onclick: action }, name);
    const near = () => timeline.zoom(detail.focus - 6, detail.focus + 2);
    const section = panel(h("div", { class: "row" }, h("h2", {}, "Timeline"), button("whole case", () => timeline.whole()), button("around the verdict", near),
      h("span", { class: "soft" }, "drag to zoom, double click for the whole case; the dashed line is the moment that decided"), h("span", { class: "grow" }),
      detail.thinned.length ? button("what is left out", () => document.getElementById("thinned").scrollIntoView()) : null), host);
    return { section, start: () => {
      timeline = Timeline.make({ ...detail, color: COLOR[detail.verdict] }, host);
      if (detail.verdict !== "pass" && detail.end > 20) near();
      timeline.point(detail.focus);
    } };
  }

  function checksPanel(detail) {
    if (!detail.checks.length) return null;
    const open = h("td", { colspan: 7 });
    const rows = detail.checks.map((check) => timed(check.t, check.ok ? "" : "bad", h("span", { class: check.ok ? "good" : "wrong" }, check.ok ? "✓" : "✗"), check.name, check.target, check.expected, check.seen,
      [check.score === null ? "" : short(check.score), check.margin === null ? "" : ` (margin ${short(check.margin)})`],
      check.crop === null ? "" : h("button", { class: "button", onclick: (event) => { event.stopPropagation(); event.target.closest("tr").after(h("tr", {}, open)); open.replaceChildren(crop(detail.pictures[check.crop])); } }, "picture")));
    return panel(h("h2", {}, `Checks (${detail.checks.length})`), h("div", { class: "scroll" }, table(["t [s]", "", "Check", "Target", "Expected", "Seen", "Score", ""], rows)));
  }

  function consolePanel(name, lines, focus) {
    if (!lines.length) return null;
    const rows = lines.map((line) => timed(line.t, line.t > focus ? "late" : "", line.name, line.dir, h("span", { class: "mono console" }, line.text.replace(/[\r\n]+$/, ""))));
    return panel(h("h2", {}, `${name} (${lines.length})`), h("div", { class: "scroll", "data-focus": focus }, table(["t [s]", "", "", "Text"], rows, { class: "lines" })));
  }

  function framesPanel(detail) {
    if (!detail.frames.length) return null;
    const body = h("tbody"), fill = (text) => {
      const words = text.toLowerCase().split(/\s+/);
      body.replaceChildren(...detail.frames.filter((frame) => words.every((word) => frame.slice(1, 4).join(" ").toLowerCase().includes(word))).map(([t, bus, id, flags, data]) =>
        timed(t, "", `${((t - detail.focus) * 1000).toFixed(1)}`, bus, h("code", {}, id), flags, h("code", {}, data))));
    };
    fill("");
    const search = h("input", { type: "search", placeholder: "filter by bus, id, flag", "aria-label": "filter frames", oninput: (event) => fill(event.target.value) });
    return panel(h("div", { class: "row" }, h("h2", {}, `CAN frames up to the verdict (${detail.frames.length})`), search),
      h("div", { class: "scroll", "data-focus": detail.focus }, h("table", {}, h("thead", {}, h("tr", {}, ["t [s]", "Δ [ms]", "Bus", "Id", "Flags", "Data"].map((name) => h("th", {}, name)))), body)));
  }

  function flat(object, prefix = "") {
    return Object.entries(object).flatMap(([key, value]) => value !== null && typeof value === "object" ? flat(value, `${prefix}${key}.`) : [`${prefix}${key} ${typeof value === "number" ? short(value) : value}`]);
  }

  function svg(tag, attributes, text) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text !== undefined) element.textContent = text;
    return element;
  }

  function histogram(item) {
    const NOT_A_LIMIT = /^(n|k|confidence|coverage|quantile|samples)$/i;
    const limits = Object.entries(item.limit).filter(([name, value]) => typeof value === "number" && !NOT_A_LIMIT.test(name));
    const spread = Math.max(Number(item.uncertainty.U ?? item.uncertainty.expanded) || 0, 0);
    const known = [...item.edges, ...limits.flatMap(([, value]) => [value - spread, value + spread])], low = Math.min(...known), high = Math.max(...known), pad = (high - low) * 0.05 || 1;
    const x = (value) => 10 + 540 * (value - low + pad) / (high - low + 2 * pad), top = Math.max(...item.counts, 1);
    const picture = svg("svg", { viewBox: "0 0 560 170", width: "560", role: "img" });
    for (const [, value] of limits) if (spread > 0) picture.append(svg("rect", { x: x(value - spread), y: 18, width: x(value + spread) - x(value - spread), height: 124, fill: "var(--fail)", opacity: 0.1 }));
    item.counts.forEach((count, n) => picture.append(svg("rect", { x: x(item.edges[n]), y: 142 - 116 * count / top, width: Math.max(x(item.edges[n + 1]) - x(item.edges[n]) - 1, 1), height: 116 * count / top, fill: "var(--series)", opacity: 0.75 })));
    picture.append(svg("line", { x1: 10, x2: 550, y1: 142.5, y2: 142.5, stroke: "var(--line)" }));
    for (const [name, value] of limits) {
      picture.append(svg("line", { x1: x(value), x2: x(value), y1: 16, y2: 146, stroke: "var(--fail)", "stroke-width": 1.5 }));
      picture.append(svg("text", { x: x(value), y: 11, "text-anchor": x(value) > 280 ? "end" : "start" }, `limit ${name} ${short(value)} ${item.unit}${spread ? `, shaded ± ${short(spread)}` : ""}`));
    }
    for (const n of [0, 0.25, 0.5, 0.75, 1]) picture.append(svg("text", { x: x(low + n * (high - low)), y: 160, "text-anchor": "middle" }, short(Number((low + n * (high - low)).toPrecision(4)))));
    return picture;
  }

  function measurementsPanel(detail) {
    return detail.measurements.map((item) => {
      const judged = item.ok === null ? null : h("span", { class: item.ok ? "good" : "wrong" }, item.ok ? "✓ within its limit" : "✗ not within its limit");
      const uncertainty = flat(item.uncertainty), limit = flat(item.limit);
      return panel(h("div", { class: "row" }, h("h2", {}, item.name), judged, h("span", { class: "soft" }, `${item.n} samples in ${item.unit || "no unit"}${item.kind ? `, ${item.kind}` : ""}`)),
        h("div", { class: "evidence" }, item.n ? h("div", {}, histogram(item)) : null, h("dl", {}, pair("statistics", flat(item.statistics).join("\n")), pair("limit", limit.join(", ") || "none"),
          pair("uncertainty", uncertainty.join("\n") || "none stated", uncertainty.length ? "" : "missing"), pair("source", item.source), pair("at", seconds(item.t)))));
    });
  }

  function stepsPanel(detail) {
    if (!detail.steps.length) return null;
    const rows = detail.steps.map((step) => {
      const name = h("span", {}, step.name, step.args.length ? h("span", { class: "soft" }, `  ${step.args.join("  ")}`) : null);
      name.style.paddingLeft = `${step.depth * 16}px`;
      const bad = step.t1 === null || /fail|error|fault/i.test(step.status);
      return timed(step.t0, bad ? "bad" : "", name, step.t1 === null ? "never ended" : step.status, step.t1 === null ? "" : seconds(step.t1 - step.t0));
    });
    return panel(h("h2", {}, `Steps (${rows.length})`), h("div", { class: "scroll" }, table(["t [s]", "Step", "Status", "Took"], rows)));
  }

  function faultsPanel(detail) {
    const faults = detail.faults.map((item) => timed(item.t, "bad", item.verdict, item.what, item.where, item.remedy, item.cause));
    const late = detail.health.map((item) => timed(item.t, "", item.what, item.late === null ? "" : `${short(item.late * 1000)} ms`, item.allowed === null ? "" : `${short(item.allowed * 1000)} ms`));
    return [faults.length ? panel(h("h2", {}, "Faults"), table(["t [s]", "Verdict", "What", "Where", "Remedy", "Cause"], faults)) : null,
      late.length ? panel(h("h2", {}, "The bench was late"), h("div", { class: "scroll" }, table(["t [s]", "What", "Late", "Allowed"], late))) : null];
  }

  function caseHead(row, attempt) {
    const bad = cases.filter((item) => item.verdict !== "pass" && item.verdict !== "not run"), n = bad.indexOf(row), next = bad[n + 1];
    const files = attempt ? [h("a", { href: attempt.journal }, "journal.mcap"), attempt.trace ? h("a", { href: attempt.trace }, "trace.blf") : null] : [];
    const attempts = row.attempts.length > 1 ? row.attempts.map((item) => h("a", { class: "tag", href: link(row.id, item.number) }, `attempt ${item.number}: ${item.verdict}`)) : [];
    return h("div", {}, h("div", { class: "row" }, h("a", { href: "#" }, "← all cases"), h("span", { class: "grow" }), next ? h("a", { href: link(next.id) }, "next that did not pass →") : null),
      h("div", { class: "row", style: "margin-top:6px" }, h("h1", { class: "text" }, row.name), h("span", { class: "grow" }), files),
      h("div", { class: "row soft" }, h("span", { class: "text" }, [row.suite, row.id, row.source].filter(Boolean).join(" · ")), row.requirements.map((id) => h("span", { class: "tag" }, id)), row.tags.map((tag) => h("span", { class: "tag" }, tag)), attempts));
  }

  function caseNotes(detail) {
    const facts = [["starts from", detail.start], ["seed", detail.seed], ["runner", detail.runner]].filter(([, value]) => value).map((item) => item.join(" "));
    return [detail.doc || facts.length ? h("div", { class: "soft text" }, [detail.doc, facts.join(", ")].filter(Boolean).join("\n")) : null,
      detail.thinned.length ? h("details", { class: "panel", id: "thinned", open: "" }, h("summary", {}, "What this page leaves out or approximates; the journal has everything"), h("ul", {}, detail.thinned.map((text) => h("li", { class: "text" }, text)))) : null];
  }

  function showCase(row, number) {
    const attempt = row.attempts.find((item) => item.number === number) || row.attempts[row.attempts.length - 1];
    const detail = attempt ? read(`case-${attempt.block}`) : null;
    if (!detail) {
      const why = attempt ? "The details did not fit into this page; the journal has them." : "This case left no journal.";
      app.replaceChildren(caseHead(row, attempt), verdictBlock(row, null), panel(h("span", { class: "soft" }, why)));
      return;
    }
    const lanes = timelinePanel(detail);
    const parts = [caseHead(row, attempt), verdictBlock(row, detail), lanes.section, checksPanel(detail), measurementsPanel(detail), faultsPanel(detail),
      h("div", { class: "cols" }, consolePanel("Console", detail.console, detail.focus) || "", framesPanel(detail) || ""), stepsPanel(detail), consolePanel("Events and notes", detail.notes, detail.focus), caseNotes(detail)];
    app.replaceChildren(...parts.flat(2).filter(Boolean));
    lanes.start();
    document.querySelectorAll("[data-focus]").forEach(scrollToFocus);
    document.querySelectorAll(".scroll tr.bad:last-of-type").forEach((bad) => { bad.closest(".scroll").scrollTop = bad.offsetTop - 60; });
  }

  function scrollToFocus(box) {
    const rows = [...box.querySelectorAll("tr[data-t]")], last = rows.filter((item) => Number(item.dataset.t) <= Number(box.dataset.focus)).pop();
    if (last) box.scrollTop = last.offsetTop - box.clientHeight + 60;
  }

  function route() {
    if (timeline) { timeline.destroy(); timeline = null; }
    const wanted = new URLSearchParams(location.hash.slice(1).replaceAll("+", "%2B")), row = run.cases.find((item) => item.id === wanted.get("case"));
    if (row) showCase(row, Number(wanted.get("attempt"))); else showList();
    scrollTo(0, 0);
  }
  addEventListener("hashchange", route);
  addEventListener("keydown", (event) => { if (event.key === "Escape" && location.hash.length > 1) location.hash = ""; });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", route);
  route();
})();
