"use strict";
/* One case: the verdict and what decided it, its timeline, and tables of all that happened. */
const Case = (() => {
  const { COLOR, WHOSE, h, word, legend, many, badge, verdictClass, link, panel, table, pair, tags, short, rough, seconds } = Page;
  let timeline = null, detail = null, follow = () => {};

  const DARK = 96;

  /* The highest level of a picture's pixels, 0 to 255. */
  function brightest(image) {
    const canvas = h("canvas", { width: image.naturalWidth, height: image.naturalHeight }), pen = canvas.getContext("2d");
    pen.drawImage(image, 0, 0);
    const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
    let most = 0;
    for (let n = 0; n < data.length; n += 4) most = Math.max(most, data[n], data[n + 1], data[n + 2]);
    return most;
  }

  /* Beside a picture in which nothing can be seen: the same, brightened, and called so. */
  function brightened(image, figure) {
    const most = brightest(image);
    if (most >= DARK || !figure.parentNode) return;
    const factor = Math.min(25, Math.floor(220 / Math.max(most, 1))), copy = h("img", { src: image.src, width: image.width, height: image.height, alt: `${image.alt}, brightened` });
    copy.style.filter = `brightness(${factor})`;
    figure.after(h("figure", { class: "crop brightened" }, h("span", { class: "frame" }, copy), h("figcaption", {}, `The same, brightened ${factor} times to be seen; its brightest level is ${most} of 255`)));
  }

  function crop(item, small) {
    const room = small ? [150, 110] : [240, 200], scale = Math.max(1, Math.min(10, Math.floor(room[0] / item.width), Math.floor(room[1] / item.height)));
    const image = h("img", { width: item.width * scale, height: item.height * scale, alt: `crop of ${item.name}`, onclick: () => look(item), onload: () => brightened(image, figure) });
    const figure = h("figure", { class: "crop" }, image, h("figcaption", {}, `${item.name} at ${seconds(item.t)}, ${item.width} x ${item.height} px`, scale > 1 ? `, enlarged ${scale} times` : ""));
    image.src = Page.picture(item);
    return figure;
  }

  /* A whole frame; where the check looked is framed. */
  function whole(item, check) {
    const open = h("button", { class: "picture", "aria-label": `enlarge ${item.name}`, onclick: () => look(item) }, h("img", { src: Page.picture(item), alt: `whole frame of ${item.name}` }), check && check.region ? region(check.region, item.full) : null);
    return h("figure", { class: "whole" }, open, h("figcaption", {}, `${item.name}, whole frame at ${seconds(item.t)}. ${check && check.region ? "Framed: where the check looked. " : ""}${item.note}`));
  }

  function region([left, top, width, height], [full, tall]) {
    const box = h("span", { class: "region" });
    Object.assign(box.style, { left: `${100 * left / full}%`, top: `${100 * top / tall}%`, width: `${100 * width / full}%`, height: `${100 * height / tall}%` });
    return box;
  }

  /* A picture as large as it goes, in front of the page. */
  function look(item) {
    const box = h("dialog", { class: item.crop ? "viewer crop" : "viewer", "aria-label": item.name }, h("div", { class: "row" }, h("b", {}, item.name), h("span", { class: "soft" }, `at ${seconds(item.t)}, ${item.width} x ${item.height} px. ${item.note}`), h("span", { class: "grow" }), h("button", { class: "button", autofocus: "", onclick: () => box.close() }, "close")), h("img", { src: Page.picture(item), alt: item.name, width: item.crop ? item.width * Math.max(1, Math.min(12, Math.floor(900 / item.width))) : null }));
    box.addEventListener("close", () => box.remove());
    box.addEventListener("click", (event) => { if (event.target === box) box.close(); });
    document.body.append(box);
    box.showModal();
  }

  function checkFacts(check) {
    const waited = check.since === null || check.since === check.t ? null : `from ${seconds(check.since)}${check.within ? `, allowed ${seconds(check.within)}` : ""}`;
    const stamp = [check.origin, check.bound === null ? "" : `± ${short(check.bound * 1000)} ms`].filter(Boolean).join(" ");
    return h("dl", { class: check.ok ? "ok" : "" }, pair("expected", check.expected, "expected"), pair("seen", check.seen, "seen"),
      pair("check", check.name), pair("target", check.target), pair("decided at", seconds(check.t)), pair("picture of", check.looked === check.t ? null : seconds(check.looked)), pair("watched", waited), pair("stamp", stamp),
      pair("score", check.score === null ? null : `${rough(check.score)} of 1, how sure it is of ${check.seen.length > 24 ? "what was seen" : `'${check.seen}'`}`),
      pair("margin", check.margin === null ? null : `${rough(check.margin)}${check.margin < 0 && !check.ok ? ", below 0: by so much it failed" : check.margin >= 0 && check.ok ? ", so far from a failure" : ""}`), pair("measured", check.measured), pair("detail", check.detail));
  }

  /* A case that was left out before anything happened: there is no time to speak of. */
  const nothing = () => detail.verdict === "not run" && !detail.end;
  const took = () => `${detail.verdict === "pass" ? "" : `decided at ${seconds(detail.focus)} of `}${seconds(detail.end)} bench time`;

  const checkOf = (cause) => cause && cause.check !== null ? detail.checks[cause.check] : null;
  const there = (n) => { const item = n === null ? null : detail.pictures[n]; return item && Page.picture(item) ? item : null; };

  /* The first cause in full: what its check wanted and saw, the crop, the whole frame. */
  function evidence(shown) {
    const cut = shown && there(shown.crop), mine = shown && there(shown.whole), last = mine ? null : there(detail.finalPicture);
    return h("div", { class: "evidence" }, shown ? checkFacts(shown) : null, cut ? crop(cut) : null, mine ? whole(mine, shown) : null, last && last !== cut ? whole(last) : null);
  }

  /* What else failed, each with its own expected and seen, and its crop if it has one. */
  function furtherCauses() {
    const [, ...more] = detail.causes;
    if (!more.length) return null;
    return h("div", { class: "further" }, h("h3", {}, `${many(more.length, "more failure")} in this case`), h("ol", { start: 2 }, more.map((cause) => h("li", {}, further(cause, checkOf(cause))))));
  }

  function further(cause, check) {
    const when = cause.t === null ? null : h("button", { class: "button", title: "show on the timeline", onclick: () => jump(cause.t) }, seconds(cause.t)), cut = check && there(check.crop);
    const times = cause.times > 1 ? h("span", { class: "soft" }, `failed ${cause.times} times`) : null;
    const said = check ? [h("div", {}, "expected ", h("b", {}, check.expected), " · seen ", h("b", { class: "wrong" }, check.seen)), check.detail ? h("div", { class: "soft text" }, check.detail) : null, check.measured ? h("div", { class: "soft text" }, `measured: ${check.measured}`) : null] : null;
    return [h("div", { class: "row" }, check ? h("b", { class: "text" }, check.target || check.name) : h("span", { class: "text" }, cause.text), when, times), said, cut ? h("div", { class: "row top" }, crop(cut, true)) : null];
  }

  function verdictBlock(row) {
    const source = detail || row, main = detail && detail.causes[0], [first, ...rest] = ((main && main.text) || source.message).split("\n"), check = checkOf(main), times = main && main.times > 1 ? `the same failed ${main.times} times` : "", cause = source.firstCause && !source.message.includes(source.firstCause) ? source.firstCause : "";
    return h("section", { class: `panel verdict ${verdictClass(source.verdict)}` },
      h("div", { class: "row" }, badge(source.verdict), WHOSE[source.verdict] ? h("b", { class: `whose ${verdictClass(source.verdict)}` }, WHOSE[source.verdict]) : null, h("span", { class: "soft" }, detail && !nothing() ? took() : "")),
      h("div", { class: source.verdict === "pass" && first ? "message text remark" : "message text" }, first || (source.verdict === "pass" ? "Passed." : "No message was recorded.")), rest.length ? h("div", { class: "text" }, rest.join("\n")) : null,
      source.where ? h("div", { class: "soft text" }, `at ${source.where}`) : null, cause ? h("div", { class: "soft text" }, `first cause: ${cause}`) : null,
      times ? h("div", { class: "soft" }, times) : null, detail ? [evidence(check), furtherCauses(), check ? legend("score", "margin", "stamp") : null] : null);
  }

  function jump(t) {
    if (!timeline) return;
    const [t0, t1] = timeline.range();
    if (t < t0 || t > t1 || t1 - t0 > 30) timeline.zoom(t - 2, t + 1);
    timeline.point(t);
    follow(t);
  }

  function timed(item, cls, ...cells) {
    const { t } = item, row = h("tr", { "data-t": t, class: cls, onclick: () => jump(t) }, h("td", { class: "num" }, h("button", { class: "t", title: "show on the timeline" }, t.toFixed(3))), cells.map((cell) => h("td", { class: "text" }, cell)));
    item.row = row;
    return row;
  }

  function showRow(item) {
    if (!item || !item.row) return;
    item.row.scrollIntoView({ block: "center" });
    item.row.classList.add("flash");
    setTimeout(() => item.row.classList.remove("flash"), 1500);
  }

  const button = (name, action, title) => h("button", { class: "button", onclick: action, title: title || null, "aria-label": title || name }, name);
  const near = () => timeline.zoom(detail.focus - 6, detail.focus + 2);

  function keys(event) {
    const keep = { ArrowLeft: () => timeline.pan(-0.2), ArrowRight: () => timeline.pan(0.2), "+": () => timeline.scaled(0.7), "-": () => timeline.scaled(1.4), Home: () => timeline.whole(), v: near }[event.key];
    if (!keep || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keep();
  }

  function timelinePanel(t) {
    const host = h("div", { class: "timeline", tabindex: 0, role: "group", "aria-label": "timeline; arrows move, plus and minus zoom, Home shows the whole case, v the verdict", onkeydown: keys });
    const section = panel(h("div", { class: "row" }, h("h2", {}, "Timeline"), button("whole case", () => timeline.whole()), button("around the verdict", near),
      button("−", () => timeline.scaled(1.6), "zoom out"), button("+", () => timeline.scaled(0.6), "zoom in"), button("◀", () => timeline.pan(-0.3), "earlier"), button("▶", () => timeline.pan(0.3), "later"),
      h("span", { class: "soft hint" }, `drag or ctrl+wheel zooms, shift+wheel moves; dashed: the moment that decided${Object.keys(detail.silent).length ? "; dotted: the last value of a message that is overdue, three cycles without a frame" : ""}`), h("span", { class: "grow" }),
      detail.thinned.length ? button("what is left out", () => document.getElementById("thinned").scrollIntoView()) : null), host);
    return { section, start: () => {
      timeline = Timeline.make({ ...detail, color: COLOR[detail.verdict] }, host, { look, show: showRow, cursor: (time) => follow(time) });
      if (detail.verdict !== "pass" && detail.end > 20) near();
      if (t === null) timeline.point(detail.focus); else jump(Number(t) || 0);
    } };
  }

  function checksPanel() {
    if (!detail.checks.length) return null;
    const open = h("td", { colspan: 8 });
    const show = (event, check) => { event.stopPropagation(); event.target.closest("tr").after(h("tr", {}, open)); open.replaceChildren(h("div", { class: "row top" }, crop(detail.pictures[check.crop]))); };
    const rows = detail.checks.map((check) => timed(check, check.ok || check.declared ? "" : "bad", h("span", { class: check.ok ? "good" : "wrong" }, check.ok ? "✓" : "✗"), check.declared ? `${check.name} (declared to fail)` : check.name, check.target, check.expected, check.seen,
      [check.score === null ? "" : rough(check.score), check.margin === null ? "" : ` (margin ${rough(check.margin)})`],
      check.crop === null || !Page.picture(detail.pictures[check.crop]) ? "" : h("button", { class: "button", onclick: (event) => show(event, check) }, "picture")));
    return panel(h("h2", {}, `Checks (${detail.checks.length})`), h("div", { class: "scroll" }, table(["t [s]", "", "Check", "Target", "Expected", "Seen", [word("score", "Score"), " (", word("margin"), ")"], ""], rows, { class: "checks" })));
  }

  function linesPanel(name, lines) {
    if (!lines.length) return null;
    const rows = lines.map((line) => timed(line, line.t > detail.focus ? "late" : "", line.name, line.dir, h("span", { class: "mono console" }, line.text.replace(/[\r\n]+$/, ""))));
    return panel(h("h2", {}, `${name} (${lines.length})`), h("div", { class: "scroll", "data-focus": detail.focus }, table(["t [s]", "", "", "Text"], rows, { class: "lines" })));
  }

  function eventsPanels() {
    const lanes = [...new Set(detail.events.map((item) => item.lane))].sort();
    return lanes.map((lane) => {
      const items = detail.events.filter((item) => item.lane === lane), lasted = (item) => item.until === null ? "" : seconds(item.until - item.t);
      const rows = items.map((item) => timed(item, item.bad ? "bad" : "", h("span", { class: "mono console" }, item.text), lasted(item)));
      return panel(h("h2", {}, `${lane} (${items.length})`), h("div", { class: "scroll", "data-focus": detail.focus }, table(["t [s]", "What", items.some((item) => item.until !== null) ? "Took" : ""], rows, { class: "happened" })));
    });
  }

  function framesPanel() {
    if (!detail.frames.length) return null;
    const body = h("tbody"), all = detail.frames.map(([t, bus, id, flags, data, message, signals]) => ({ t, bus, id, flags, data, message, signals, find: [bus, id, flags, message, signals].join(" ").toLowerCase() }));
    const fill = (text) => {
      const words = text.toLowerCase().split(/\s+/);
      body.replaceChildren(...all.filter((frame) => words.every((word) => frame.find.includes(word))).map((frame) =>
        timed(frame, "", ((frame.t - detail.focus) * 1000).toFixed(1), frame.bus, h("code", {}, frame.id), frame.message, h("span", { class: "signals" }, frame.signals), h("code", {}, frame.data), frame.flags)));
    };
    fill("");
    const search = h("input", { type: "search", placeholder: "filter by bus, id, message, signal", "aria-label": "filter frames", oninput: (event) => fill(event.target.value) });
    const heads = ["t [s]", "Δ [ms]", "Bus", "Id", "Message", "Signals", "Data", "Flags"].map((name) => h("th", { scope: "col" }, name));
    return panel(h("div", { class: "row" }, h("h2", {}, `CAN frames up to the ${detail.verdict === "pass" ? "end" : "verdict"} (${all.length})`), search),
      h("div", { class: "scroll", "data-focus": detail.focus }, h("table", { class: "frames" }, h("thead", {}, h("tr", {}, heads)), body)));
  }

  /* Every signal of the buses, with its value at the cursor; a button draws it on the timeline. */
  function signalsPanel() {
    const all = [...detail.series.filter((item) => item.group === "signal"), ...detail.wire], MOST = 60;
    if (!detail.wire.length) return null;
    all.sort((a, b) => (b.v.length > 1) - (a.v.length > 1));
    const body = h("tbody"), count = h("span", { class: "soft", role: "status" });
    let shown = [], time = detail.focus;
    const read = () => shown.forEach(({ item, value }) => { value.textContent = Timeline.valueAt(item, time); });
    const fill = (text) => {
      const words = text.toLowerCase().split(/\s+/), found = all.filter((item) => words.every((word) => item.name.toLowerCase().includes(word)));
      shown = found.slice(0, MOST).map((item) => ({ item, value: h("td", { class: "text value" }) }));
      count.textContent = `${found.length} signals${found.length > MOST ? `, the first ${MOST} are listed` : ""}`;
      body.replaceChildren(...shown.map(({ item, value }) => h("tr", {}, h("td", {}, button("draw", () => { timeline.add(item); timeline.point(time); }, `draw ${item.name}`)), h("td", { class: "text" }, item.name), value, h("td", { class: "soft nowrap" }, item.v.length > 1 ? `${item.v.length} values` : "constant"))));
      read();
    };
    follow = (t) => { time = t; read(); };
    fill("");
    const search = h("input", { type: "search", placeholder: "filter signals", "aria-label": "filter signals", oninput: (event) => fill(event.target.value) });
    return panel(h("div", { class: "row" }, h("h2", {}, "Signals on the buses, at the cursor"), search, count), h("div", { class: "scroll" }, h("table", { class: "wire" }, body)));
  }

  function stepsPanel() {
    if (!detail.steps.length) return null;
    const rows = detail.steps.map((step) => {
      const name = h("span", {}, step.name, step.args.length ? h("span", { class: "soft" }, `  ${step.args.join("  ")}`) : null);
      name.style.paddingLeft = `${step.depth * 16}px`;
      return timed({ t: step.t0 }, Timeline.bad(step) ? "bad" : "", name, step.t1 === null ? "never ended" : step.status, step.t1 === null ? "" : seconds(step.t1 - step.t0));
    });
    return panel(h("h2", {}, `Steps (${rows.length})`), h("div", { class: "scroll" }, table(["t [s]", "Step", "Status", "Took"], rows, { class: "steps" })));
  }

  function faultsPanel() {
    const faults = Timeline.FAULTS.map(([verdict, name]) => [name, detail.faults.filter((item) => item.verdict === verdict).map((item) => timed(item, "bad", item.what, item.where, item.remedy, item.cause))]).filter(([, rows]) => rows.length), ms = (value) => value === null ? "" : `${short(value * 1000)} ms`;
    const late = detail.health.map((item) => timed(item, "", item.what, ms(item.late), ms(item.allowed)));
    return [...faults.map(([name, rows]) => panel(h("h2", {}, `${name[0].toUpperCase()}${name.slice(1)}${name === "usage errors" ? ": mistakes of the test" : ""}`), h("div", { class: "scroll" }, table(["t [s]", "What", "Where", "Remedy", "Cause"], rows)))),
      late.length ? panel(h("h2", {}, "The bench was late"), h("div", { class: "scroll" }, table(["t [s]", "What", "Late", "Allowed"], late))) : null];
  }

  function head(row, attempt) {
    const bad = List.sorted().filter((item) => item.verdict !== "pass" && item.verdict !== "not run"), n = bad.indexOf(row), next = bad[n + 1];
    const files = attempt ? [h("a", { href: attempt.journal }, "journal.mcap"), attempt.trace ? h("a", { href: attempt.trace }, "trace.blf") : null] : [];
    const attempts = row.attempts.length > 1 ? row.attempts.map((item) => h("a", { class: "tag", href: link(row.id, item.number) }, `attempt ${item.number}: ${item.verdict}`)) : [];
    return h("div", {}, h("div", { class: "row" }, h("a", { href: "#" }, "← all cases"), h("span", { class: "grow" }), next ? h("a", { href: link(next.id) }, "next that did not pass →") : null),
      h("div", { class: "row title" }, h("h1", { class: "text" }, row.name), h("span", { class: "grow" }), files),
      h("div", { class: "row soft" }, h("span", { class: "text" }, [row.suite, row.id, row.source].filter(Boolean).join(" · ")), tags(row.requirements), tags(row.tags), attempts));
  }

  function notes() {
    const facts = [["starts from", detail.start], ["seed", detail.seed], ["runner", detail.runner]].filter(([, value]) => value).map((item) => item.join(" "));
    return [detail.doc || facts.length ? h("div", { class: "soft text" }, [detail.doc, facts.join(", ")].filter(Boolean).join("\n")) : null,
      detail.thinned.length ? h("details", { class: "panel", id: "thinned", open: "" }, h("summary", {}, "What this page leaves out or approximates; the journal has everything"), h("ul", {}, detail.thinned.map((text) => h("li", { class: "text" }, text)))) : null];
  }

  function scrollToFocus(box) {
    const rows = [...box.querySelectorAll("tr[data-t]")], last = rows.filter((item) => Number(item.dataset.t) <= Number(box.dataset.focus)).pop();
    if (last) box.scrollTop = last.offsetTop - box.clientHeight + 60;
  }

  /* Show a case; `current` says whether the reader still wants it once it is unpacked. */
  async function show(app, row, number, t, current) {
    const attempt = row.attempts.find((item) => item.number === number) || row.attempts[row.attempts.length - 1];
    const unpacked = attempt ? await Page.unpack(`case-${attempt.block}`) : null;
    const wire = unpacked && await Page.wired(unpacked);
    if (!current()) return;
    detail = unpacked && { ...unpacked, series: unpacked.series.map(Page.series), wire };
    if (detail) [...detail.series, ...detail.wire].forEach((item) => { item.silent = detail.silent[item.name.slice(0, item.name.lastIndexOf("."))]; });
    if (!detail) {
      const why = attempt ? "The details did not fit into this page; the journal has them." : "This case left no journal.";
      app.replaceChildren(head(row, attempt), verdictBlock(row), panel(h("span", { class: "soft" }, why)));
      return;
    }
    const lanes = timelinePanel(t);
    const parts = [head(row, attempt), verdictBlock(row), nothing() ? null : lanes.section, checksPanel(), detail.measurements.map(Figures.details), faultsPanel(), Itself.details(detail.bench), h("div", { class: "cols" }, eventsPanels()),
      framesPanel(), h("div", { class: "cols" }, linesPanel("Console", detail.console) || "", signalsPanel() || ""), stepsPanel(), linesPanel("Events and notes", detail.notes), notes()];
    app.replaceChildren(...parts.flat(2).filter(Boolean));
    if (!nothing()) lanes.start();
    document.querySelectorAll("[data-focus]").forEach(scrollToFocus);
    document.querySelectorAll(".scroll tr.bad:last-of-type").forEach((row) => { row.closest(".scroll").scrollTop = row.offsetTop - 60; });
  }

  function leave() {
    if (timeline) timeline.destroy();
    timeline = detail = null;
    follow = () => {};
  }

  return { show, leave };
})();
