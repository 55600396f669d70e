"use strict";
/* What all parts of the page use. Everything from the data goes in as text; nothing is ever parsed as HTML. */
const Page = (() => {
  const ORDER = ["fail", "bench fault", "usage error", "inconclusive", "not run", "pass"];
  const MARK = { pass: "✓", fail: "✗", "bench fault": "⚡", inconclusive: "?", "not run": "–", "usage error": "!" };
  const COLOR = { pass: "pass", fail: "fail", "bench fault": "bench", inconclusive: "inconclusive", "not run": "not-run", "usage error": "usage" };
  const WHOSE = { fail: "the ECU", "bench fault": "the bench", "usage error": "the test", inconclusive: "open: the evidence does not decide" };
  const WORDS = {
    score: "how sure the reader was of what it saw, 0 to 1",
    margin: "how far that lay from the threshold that would turn the check, as a part of the whole (of a brightness, of a tolerance); negative: the check failed by so much",
    stamp: "where the time of the picture comes from, and by how much it may be wrong. sim: bench time of the virtual bench; kernel, hardware: of the device that took it; host: when this program had it",
    "picture of": "when the picture was drawn that decided; the check itself may have watched longer",
    measured: "the figures that the reader decided by, each with its threshold",
  };
  const run = JSON.parse(document.getElementById("run").textContent);

  function h(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
    }
    element.append(...children.flat(4).filter((child) => child !== null && child !== undefined && child !== ""));
    return element;
  }

  function svg(tag, attributes, ...children) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  /* A block of the page: base64 of zlib of JSON; null if it didn't fit into the page. */
  async function unpack(id) {
    const block = document.getElementById(id);
    if (!block) return null;
    const letters = atob(block.textContent), bytes = Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
    const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return JSON.parse(await new Response(plain).text());
  }

  function series(packed) {
    let t = 0;
    return { ...packed, labels: packed.labels || {}, t: packed.dt.map((step) => (t += step) / 1e6) };
  }

  /* The signals that were on the buses, each with its name, unit and labels out of the table of its network. */
  async function wired(detail) {
    const rows = detail.wire.length ? await unpack(`signals-${detail.signals}`) : null;
    return rows ? detail.wire.map(([row, dt, v]) => series({ name: rows[row][0], unit: rows[row][1], labels: rows[row][2], group: "wire", dt, v })) : [];
  }

  const picture = (item) => { const block = document.getElementById(`picture-${item.picture}`); return block ? block.textContent : ""; };
  const short = (value) => String(Number(value.toPrecision(6)));
  const rough = (value) => String(Number(value.toPrecision(4)));
  const seconds = (t) => `${t.toFixed(3)} s`;
  const verdictClass = (verdict) => `v v-${verdict.replaceAll(" ", "-")}`;
  const badge = (verdict) => h("span", { class: `badge ${verdictClass(verdict)}` }, `${MARK[verdict]} ${verdict}`);
  const link = (id, attempt) => `#case=${encodeURIComponent(id)}${attempt ? `&attempt=${attempt}` : ""}`;
  const panel = (...children) => h("section", { class: "panel" }, ...children);
  const table = (heads, rows, attributes) => h("table", attributes, h("thead", {}, h("tr", {}, heads.map((name) => h("th", { scope: "col" }, name)))), h("tbody", {}, rows));
  const pair = (name, value, cls) => value === null || value === undefined || value === "" ? null : [h("dt", {}, WORDS[name] ? word(name) : name), h("dd", { class: `text ${cls || ""}` }, value)];
  const word = (name, text) => h("abbr", { title: WORDS[name], tabindex: 0 }, text || name);
  const legend = (...names) => h("details", { class: "legend" }, h("summary", {}, `What ${names.join(", ")} mean`), h("dl", {}, names.map((name) => [h("dt", {}, name), h("dd", {}, WORDS[name])])));
  const tags = (names) => names.map((name) => h("span", { class: "tag" }, name));

  /* Text that may be broken behind the signs that names are made of. */
  const breakable = (text) => text.split(/(?<=[_./:])/).flatMap((part, n) => n ? [h("wbr"), part] : [part]);

  function counted(count, verdict) {
    const many = { fail: "failed", pass: "passed", "bench fault": count === 1 ? "bench fault" : "bench faults", "usage error": count === 1 ? "usage error" : "usage errors" };
    return `${count} ${many[verdict] || verdict}`;
  }

  const many = (count, one, more) => `${count} ${count === 1 ? one : more || `${one}s`}`;

  return { ORDER, MARK, COLOR, WHOSE, run, h, svg, word, legend, unpack, series, wired, picture, short, rough, seconds, verdictClass, badge, link, panel, table, pair, tags, breakable, counted, many };
})();
