"use strict";
/* The first view: what was tested, what came of it, which requirements and latencies, and the list of cases. */
const List = (() => {
  const { ORDER, MARK, WHOSE, run, h, badge, verdictClass, link, panel, table, tags, breakable, counted, many, seconds } = Page;
  const filter = { text: "", verdicts: new Set(), requirement: "", suite: "", tag: "" };
  const sorting = { key: "verdict", down: false };
  const KEYS = { verdict: (row) => ORDER.indexOf(row.verdict), name: (row) => row.name.toLowerCase(), suite: (row) => row.suite.toLowerCase(), time: (row) => row.time ?? -1 };
  const numbered = run.cases.map((row, n) => ({ row, n }));

  function sorted() {
    const key = KEYS[sorting.key], sign = sorting.down ? -1 : 1;
    const order = (a, b) => { const x = key(a.row), y = key(b.row); return x === y ? a.n - b.n : sign * (x < y ? -1 : 1); };
    return [...numbered].sort(order).map(({ row }) => row);
  }

  function fact(item) {
    const missing = item.value === "not recorded";
    return [h("dt", {}, item.label), h("dd", missing ? { class: "missing" } : {}, item.value)];
  }

  function hashes(group) {
    return run.facts.filter((item) => item.group === group).map((item) => h("span", { title: item.full }, h("span", { class: "soft" }, item.label, " "), h("code", {}, item.value)));
  }

  function factsPanel() {
    const of = (group) => run.facts.filter((item) => item.group === group), files = hashes("Files"), pictures = hashes("Templates");
    const groups = [["DUT", "Device under test"], ["Bench", "Bench"], ["Run", "Run"]], more = of("How");
    return panel(h("div", { class: "facts" },
      groups.map(([group, title]) => h("div", {}, h("h2", {}, title), h("dl", {}, of(group).map(fact)))),
      more.length ? h("div", { class: "files" }, more.map((item) => h("span", { class: "text" }, h("span", { class: "soft" }, item.label, " "), h("code", {}, item.value)))) : null,
      files.length ? h("div", { class: "files" }, h("span", { class: "soft" }, "SHA-256"), files) : null,
      pictures.length ? h("details", {}, h("summary", {}, `and ${many(pictures.length, "template")} of symbols`), h("div", { class: "files" }, pictures)) : null));
  }

  function headline() {
    const bad = ORDER.slice(0, 4).filter((verdict) => run.counts[verdict]), all = many(run.cases.length, "case");
    if (!run.cases.length) return "No case was selected";
    if (bad.length) return bad.map((verdict) => counted(run.counts[verdict], verdict)).join(", ") + ` of ${all}`;
    if (run.mistakes.length) return `The suites have mistakes; ${all} ran`;
    return run.counts["not run"] ? `${run.counts.pass} passed, ${run.counts["not run"]} not run` : run.cases.length === 1 ? "The case passed" : `All ${all} passed`;
  }

  function chip(verdict, refresh) {
    const count = run.counts[verdict] || 0, on = filter.verdicts.has(verdict);
    const toggle = (event) => {
      if (!filter.verdicts.delete(verdict)) filter.verdicts.add(verdict);
      event.currentTarget.classList.toggle("on", filter.verdicts.has(verdict));
      event.currentTarget.setAttribute("aria-pressed", filter.verdicts.has(verdict));
      refresh();
    };
    return h("button", { class: `chip ${verdictClass(verdict)}${count ? "" : " zero"}${on ? " on" : ""}`, "aria-pressed": String(on), onclick: toggle }, h("b", {}, `${count}`), `${MARK[verdict]} ${verdict}`);
  }

  /* What is remarked on passes, with the cases: they are green, and nobody would look at them. */
  function remarks() {
    const odd = run.cases.filter((row) => row.verdict === "pass" && row.message), texts = [...new Set(odd.map((row) => row.message))];
    return texts.map((text) => {
      const cases = odd.filter((row) => row.message === text), more = cases.length > 5 ? ` and ${cases.length - 5} more` : "";
      return h("div", { class: "warning text" }, `${cases.length === 1 ? "1 pass" : `${cases.length} passes`}: ${text}: `, cases.slice(0, 5).map((row, n) => [n ? ", " : "", h("a", { href: link(row.id) }, row.name)]), more);
    });
  }

  function verdictPanel(refresh) {
    const bar = ORDER.filter((verdict) => run.counts[verdict]).map((verdict) => {
      const part = h("span", { class: verdictClass(verdict), title: `${run.counts[verdict]} ${verdict}` });
      part.style.flex = run.counts[verdict];
      return part;
    });
    const links = run.links.map((item) => h("a", { href: item.href }, item.name));
    return panel(h("div", { class: "row" }, h("h1", {}, headline()), h("span", { class: "grow" }), links),
      h("div", { class: "bar", role: "presentation" }, bar), h("div", { class: "row chips" }, ORDER.map((verdict) => chip(verdict, refresh))),
      run.mistakes.map((text) => h("div", { class: "warning text" }, `mistake in the suites: ${text}`)),
      remarks(),
      run.bench && run.bench.lost ? h("div", { class: "warning text" }, `${run.bench.lost} (see "The bench itself")`) : null,
      run.warnings.map((text) => h("div", { class: "warning text" }, text)));
  }

  function requirementRow(item, names, choose) {
    const pick = (event) => { event.preventDefault(); choose(item.id); };
    return h("tr", {},
      h("td", { class: "nowrap" }, h("a", { href: "#", title: "only the cases of this requirement", onclick: pick }, item.id)),
      h("td", {}, item.title || h("span", { class: "missing" }, "not in the list of requirements")),
      h("td", { class: "soft" }, item.source),
      h("td", { class: "nowrap" }, item.verdict ? badge(item.verdict) : h("span", { class: "missing" }, "no case")),
      h("td", { class: "num" }, item.cases.length),
      h("td", {}, item.cases.map((id, n) => [n ? ", " : "", h("a", { href: link(id) }, names[id] || id)])));
  }

  function coveragePanel(choose, open) {
    if (!run.requirements.length) return null;
    const of = (verdict) => run.requirements.filter((item) => item.verdict === verdict).length, orphans = run.cases.filter((row) => !row.requirements.length);
    const counts = [...ORDER.filter(of).map((verdict) => counted(of(verdict), verdict)), of(null) ? `${of(null)} without a case` : ""].filter(Boolean);
    const names = Object.fromEntries(run.cases.map((row) => [row.id, row.name]));
    const rank = (item) => (item.verdict ? ORDER.indexOf(item.verdict) : ORDER.length);
    const rows = [...run.requirements].sort((a, b) => rank(a) - rank(b)).map((item) => requirementRow(item, names, choose));
    const more = orphans.length ? h("p", {}, h("b", {}, `${many(orphans.length, "case")} without a requirement: `), orphans.map((row, n) => [n ? ", " : "", h("a", { href: link(row.id) }, row.name)])) : null;
    const summary = `${many(run.requirements.length, "requirement")}: ${counts.join(", ")}${orphans.length ? `; ${many(orphans.length, "case")} without a requirement` : ""}`;
    return h("details", { class: "panel", id: "requirements", open: open ? "" : null }, h("summary", {}, summary),
      h("div", { class: "inner" }, table(["Requirement", "Title", "Source", "Verdict", "Cases", "Verified by"], rows), more));
  }

  function latencyPanel(open) {
    if (!run.latencies.length) return null;
    const wrong = run.latencies.filter((item) => item.ok === false).length, mute = run.cases.filter((row) => row.reason && row.reason.seen === "no reaction").length;
    const summary = `${many(run.latencies.length, "measurement")}: ${wrong ? `${wrong} not shown to be within the limit` : "all within the limits"}${mute ? `; without a reaction, hence not measured: ${many(mute, "case")}` : ""}`;
    return h("details", { class: "panel", id: "latencies", open: open ? "" : null }, h("summary", {}, summary), h("div", { class: "inner" }, Figures.overview(run.latencies)));
  }

  function why(row) {
    if (row.verdict === "pass") return row.message ? h("div", { class: "text clip remark" }, row.message) : null;
    const whose = WHOSE[row.verdict], when = row.at === null || row.verdict === "not run" ? "" : `, at ${seconds(row.at)}`;
    const fault = whose ? h("div", { class: `whose ${verdictClass(row.verdict)}` }, `${whose}${when}`) : null;
    if (!row.reason) return [fault, h("div", { class: "text clip" }, row.message)];
    const { text, more, expected, seen } = row.reason;
    return [fault, expected === null ? null : h("div", {}, "expected ", h("b", {}, expected), " · seen ", h("b", { class: "wrong" }, seen)),
      h("div", { class: `text clip ${expected === null ? "" : "soft"}` }, text), more ? h("div", { class: "more" }, `and ${many(more, "more failure")}`) : null];
  }

  function caseRow(row, withWhy) {
    const go = (event) => { if (event.target.tagName !== "A" && !String(getSelection())) location.hash = link(row.id); };
    const repeated = row.attempts.length > 1 ? h("div", { class: "soft" }, `${row.attempts.length} attempts`) : null;
    return h("tr", { onclick: go },
      h("td", {}, badge(row.verdict), repeated),
      h("td", {}, h("a", { class: "name text", href: link(row.id) }, breakable(row.name)), h("div", { class: "soft text small" }, breakable(row.id))),
      withWhy ? h("td", { class: "why" }, why(row)) : null,
      h("td", { class: "soft suite" }, breakable(row.suite)),
      h("td", {}, tags(row.requirements)),
      h("td", {}, tags(row.tags)),
      h("td", { class: "num" }, row.time === null || (row.verdict === "not run" && !row.time) ? "" : seconds(row.time)));
  }

  function matches(row) {
    if (filter.verdicts.size && !filter.verdicts.has(row.verdict)) return false;
    if (filter.requirement && !row.requirements.includes(filter.requirement)) return false;
    if (filter.tag && !row.tags.includes(filter.tag)) return false;
    if (filter.suite && row.suite !== filter.suite) return false;
    const text = [row.name, row.id, row.suite, row.message, ...row.requirements, ...row.tags].join("\n").toLowerCase();
    return filter.text.toLowerCase().split(/\s+/).every((word) => text.includes(word));
  }

  function picker(key, name, values, refresh) {
    const change = (event) => { filter[key] = event.target.value; refresh(); };
    const select = h("select", { "aria-label": name, "data-key": key, onchange: change }, h("option", { value: "" }, `any ${name}`), values.map((value) => h("option", { value }, value)));
    select.value = filter[key];
    return values.length ? select : null;
  }

  function head(key, name, refresh) {
    if (!key) return h("th", { scope: "col" }, name);
    const by = () => { sorting.down = sorting.key === key && !sorting.down; sorting.key = key; refresh(); };
    return h("th", { scope: "col", "data-sort": key }, h("button", { class: "sort", onclick: by }, name));
  }

  function casesPanel(body, count, refresh, withWhy) {
    const all = (key) => [...new Set(run.cases.flatMap((row) => row[key]))].filter(Boolean).sort();
    const search = h("input", { type: "search", placeholder: "filter by text", "aria-label": "filter by text", oninput: (event) => { filter.text = event.target.value; refresh(); } });
    search.value = filter.text;
    const heads = [head("verdict", "Verdict", refresh), head("name", "Case", refresh), withWhy ? head("", "Whose fault, what was seen") : null, head("suite", "Suite", refresh), head("", "Requirements"), head("", "Tags"), head("time", "Bench time", refresh)];
    return panel(h("div", { class: "row filters" }, h("h2", {}, "Cases"), search, picker("requirement", "requirement", all("requirements"), refresh), picker("suite", "suite", all("suite"), refresh), picker("tag", "tag", all("tags"), refresh), count),
      h("table", { class: "cases" }, h("thead", {}, h("tr", {}, heads)), body));
  }

  function mark(app) {
    app.querySelectorAll("th[data-sort]").forEach((cell) => {
      const on = cell.dataset.sort === sorting.key;
      cell.setAttribute("aria-sort", on ? (sorting.down ? "descending" : "ascending") : "none");
    });
  }

  /* Show the list; `place` is "requirements" or "latencies" to begin there, `strange` a case that was asked for and isn't here. */
  function show(app, place, strange) {
    const body = h("tbody"), count = h("span", { class: "soft", role: "status" }), withWhy = run.cases.some((row) => row.verdict !== "pass" || row.message);
    const refresh = () => {
      const shown = sorted().filter(matches);
      body.replaceChildren(...shown.map((row) => caseRow(row, withWhy)));
      count.textContent = shown.length === run.cases.length ? many(shown.length, "case") : `${shown.length} of ${many(run.cases.length, "case")}`;
      mark(app);
    };
    const choose = (id) => { filter.requirement = id; document.querySelector("[data-key=requirement]").value = id; refresh(); document.querySelector(".cases").scrollIntoView({ block: "nearest" }); };
    app.replaceChildren(strange ? panel(h("div", { class: "warning text", role: "alert" }, `There is no case '${strange}' in this report. These are its cases; the address may be of another run.`)) : "", factsPanel(), verdictPanel(refresh), coveragePanel(choose, place === "requirements") || "", latencyPanel(place === "latencies") || "", Itself.overview(run) || "", casesPanel(body, count, refresh, withWhy));
    refresh();
    const wanted = place && document.getElementById(place);
    if (wanted) wanted.scrollIntoView();
  }

  return { show, sorted };
})();
