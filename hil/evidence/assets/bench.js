"use strict";
/* What the bench measured of itself: in one case, and in short for the whole run. */
const Itself = (() => {
  const { h, badge, link, table, seconds } = Page;
  const there = (value) => value !== null && value !== undefined;
  const time = (value) => !there(value) ? "" : value >= 1 ? `${Number(value.toPrecision(3))} s` : value >= 1e-3 ? `${Number((value * 1e3).toPrecision(3))} ms` : `${Math.round(value * 1e6)} µs`;
  const share = (value) => there(value) ? `${Math.round(value * 100)} %` : "";
  const num = (value, cls) => h("td", { class: `num ${cls || ""}` }, value);
  const spread = (item) => [num(time(item.p50)), num(time(item.p99)), num(time(item.max)), num(there(item.max_at) && item.count ? seconds(item.max_at) : "")];
  const lost = (item) => [item.lost ? `${item.lost}` : "", item.uncounted ? `${item.uncounted} × unknown` : ""].filter(Boolean).join(" + ") || "0";

  function loadLine(load) {
    const parts = [there(load.process) ? `the bench's process used ${share(load.process)} of a core` : "", there(load.busy) ? `the machine was ${share(load.busy)} busy` : "", load.stolen ? `${share(load.stolen)} of its time was stolen` : ""];
    return parts.filter(Boolean).join(", ");
  }

  function headline(bench) {
    const worst = bench.cycles[0], parts = [worst ? `cycles off by ${time(worst.max)} at most` : "", bench.received.length ? `frames read after ${time(Math.max(...bench.received.map((item) => item.max || 0)))} at most` : ""];
    const missing = bench.received.reduce((sum, item) => sum + item.lost + item.uncounted, 0);
    parts.push(missing ? "frames lost" : "no frames known to be lost", bench.blind ? `late or blind ${bench.blind} times` : "never late");
    return parts.filter(Boolean).join(", ");
  }

  function details(bench) {
    if (!bench) return null;
    const received = bench.received.map((item) => h("tr", {}, h("td", {}, item.bus), h("td", { class: "soft" }, [item.stamps, there(item.bound) ? ` ±${time(item.bound)}` : ""]), num(item.count), spread(item), num(lost(item), item.lost + item.uncounted ? "wrong" : "")));
    const cycles = bench.cycles.map((item) => h("tr", {}, h("td", { class: "text" }, item.message), h("td", {}, item.bus), h("td", { class: "soft" }, item.by), num(time(item.cycle)), num(item.count), spread(item)));
    const more = [bench.timers && bench.timers.count ? `Its own timers were late by ${time(bench.timers.p99)} (99th percentile), ${time(bench.timers.max)} at most.` : "", bench.load ? `In this case ${loadLine(bench.load)}.` : "", there(bench.allowed) ? `Allowed lag: ${time(bench.allowed)}.` : ""];
    return h("details", { class: "panel", id: "bench-itself", open: bench.blind ? "" : null }, h("summary", {}, `The bench itself: ${headline(bench)}`),
      h("div", { class: "inner" }, h("p", { class: "soft" }, more.filter(Boolean).join(" ")),
        received.length ? [h("h3", {}, "How long after its stamp a frame was read"), table(["Bus", "Stamps", "Frames", "Median", "99\u00a0%", "Most", "at", "Lost"], received, { class: "measured received" })] : null,
        cycles.length ? [h("h3", {}, `How far the cycles that it sent were off${bench.more ? ` (the worst ${cycles.length} of ${cycles.length + bench.more})` : ""}`), h("div", { class: "scroll" }, table(["Message", "Bus", "Sent by", "Cycle", "Frames", "Median", "99\u00a0%", "Most", "at"], cycles, { class: "measured cycles" }))] : null));
  }

  const ns = (value) => there(value) ? time(value / 1e9) : "";

  function overview(run) {
    if (!run.bench) return null;
    const rows = run.bench.cases.map((item) => h("tr", {}, h("td", {}, badge(item.verdict)), h("td", {}, h("a", { class: "text", href: link(item.id) }, item.case)),
      num(ns(item.cycle_p99_ns)), num(ns(item.cycle_max_ns)), h("td", { class: "soft text" }, item.cycle_worst || ""), num(ns(item.lag_p99_ns)), num(ns(item.lag_max_ns)), num(lost(item), item.lost + item.uncounted ? "wrong" : ""), num(ns(item.timer_max_ns)), num(share(item.process)), num(share(item.busy)), num(item.blind || "")));
    const heads = ["Verdict", "Case", "Cycles off 99\u00a0%", "most", "Worst message", "Read after 99\u00a0%", "most", "Lost", "Timers late", "Process", "Machine", "Late, blind"];
    return h("details", { class: "panel", id: "bench-itself" }, h("summary", {}, `The bench itself: ${run.bench.line}`), h("div", { class: "inner" }, table(heads, rows, { class: "measured overview" })));
  }

  return { details, overview };
})();
