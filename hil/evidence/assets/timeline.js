"use strict";
/* One time axis, many lanes. Every lane is a uPlot, so that cursor and zoom are shared by one sync key. */
const Timeline = (() => {
  const { short, seconds } = Page, LABEL = 190, AXIS = 66, THUMB = 54, NARROW = "(max-width: 700px)";
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const last = (list, t, time) => {
    let low = 0, high = list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (time(list[middle]) <= t) low = middle + 1; else high = middle;
    }
    return low - 1;
  };
  const at = (item) => item.t;
  const nearest = (list, t) => list.reduce((best, item) => best === null || Math.abs(item.t - t) < Math.abs(best.t - t) ? item : best, null);

  function clipped(u, draw) {
    const { left, top, width, height } = u.bbox, c = u.ctx, r = devicePixelRatio;
    c.save();
    c.beginPath();
    c.rect(left, top, width, height);
    c.clip();
    draw(c, (t) => u.valToPos(t, "x", true), { left, top, width, height, r });
    c.restore();
  }

  function focusLine(detail, colors) {
    return (u) => clipped(u, (c, x, box) => {
      c.strokeStyle = detail.verdict === "pass" ? colors.line : colors[detail.color];
      c.lineWidth = box.r;
      c.setLineDash([4 * box.r, 3 * box.r]);
      c.beginPath();
      c.moveTo(x(detail.focus), box.top);
      c.lineTo(x(detail.focus), box.top + box.height);
      c.stroke();
    });
  }

  function drawChecks(detail, colors) {
    return (u) => clipped(u, (c, x, box) => {
      const y = box.top + box.height / 2;
      for (const check of [...detail.checks].sort((a, b) => b.ok - a.ok)) {
        c.strokeStyle = c.fillStyle = check.ok ? colors.pass : colors.fail;
        const mark = x(check.t), size = 4 * box.r;
        c.lineWidth = 2 * box.r;
        c.beginPath();
        if (check.since !== null) { c.moveTo(x(check.since), y); c.lineTo(mark, y); }
        if (check.ok) c.moveTo(mark + size, y), c.arc(mark, y, size, 0, 7);
        else for (const d of [1, -1]) { c.moveTo(mark - 1.3 * size, y - d * 1.3 * size); c.lineTo(mark + 1.3 * size, y + d * 1.3 * size); }
        c.stroke();
        if (check.ok) c.fill();
      }
    });
  }

  const bad = (step) => step.t1 === null || /fail|error|fault/i.test(step.status);

  function drawSteps(detail, colors) {
    return (u) => clipped(u, (c, x, box) => {
      const height = 16 * box.r;
      c.font = `${11 * box.r}px system-ui, sans-serif`;
      c.textBaseline = "middle";
      c.textAlign = "left";
      for (const step of detail.steps) {
        const x0 = Math.max(x(step.t0), box.left - 2), x1 = x(step.t1 === null ? detail.end : step.t1);
        const y = box.top + 2 * box.r + step.depth * (height + 2 * box.r), width = Math.max(x1 - x0 - box.r, box.r);
        c.globalAlpha = bad(step) ? 0.35 : 0.18;
        c.fillStyle = bad(step) ? colors.fail : colors.accent;
        c.fillRect(x0, y, width, height);
        c.globalAlpha = 1;
        if (width < 26 * box.r) continue;
        c.save();
        c.beginPath(); c.rect(x0, y, width, height); c.clip();
        c.fillStyle = colors.ink;
        c.fillText([step.name, ...step.args].join("  "), x0 + 4 * box.r, y + height / 2);
        c.restore();
      }
    });
  }

  /* Events as ticks, those that took a while as bars, those that went wrong in red and in front. */
  function drawEvents(items, color, colors) {
    return (u) => clipped(u, (c, x, box) => {
      for (const item of [...items].sort((a, b) => Boolean(a.bad) - Boolean(b.bad))) {
        const left = x(item.t), right = item.until === null || item.until === undefined ? left : x(item.until);
        c.fillStyle = item.bad ? colors.fail : color;
        c.globalAlpha = 0.3;
        if (right > left + 2) c.fillRect(left, box.top + 4 * box.r, right - left, box.height - 8 * box.r);
        c.globalAlpha = 1;
        c.fillRect(left - 0.75 * box.r, box.top + 3 * box.r, (item.bad ? 2.5 : 1.5) * box.r, box.height - 6 * box.r);
      }
    });
  }

  /* Thumbnails where they were taken, the ones of failed checks first; what would lie over another is left to the zoom. */
  function thumbnails(pictures, colors) {
    const images = pictures.map((item) => {
      const image = new Image();
      image.src = Page.picture(item);
      return { item, image };
    });
    const placed = [];
    const draw = (u) => clipped(u, (c, x, box) => {
      placed.length = 0;
      const height = THUMB * box.r - 6 * box.r;
      for (const { item, image } of images) {
        if (!image.complete || !image.naturalWidth) continue;
        const width = Math.min(Math.max(height * image.naturalWidth / image.naturalHeight, 8 * box.r), 144 * box.r), tall = Math.min(height, width * image.naturalHeight / image.naturalWidth);
        const mark = x(item.t), left = Math.min(Math.max(mark - width / 2, box.left), box.left + box.width - width), y = box.top + 2 * box.r;
        if (mark < box.left - 2 || mark > box.left + box.width + 2 || placed.some((other) => left < other.left + other.width + 3 && other.left < left + width + 3)) continue;
        placed.push({ left, width, item });
        c.drawImage(image, left, y, width, tall);
        c.lineWidth = (item.failed ? 2 : 1) * box.r;
        c.strokeStyle = item.failed ? colors.fail : colors.line;
        c.strokeRect(left, y, width, tall);
        c.fillStyle = item.failed ? colors.fail : colors.soft;
        c.fillRect(mark - box.r / 2, y + tall, box.r, box.height - tall);
      }
    });
    const load = (u) => images.forEach(({ image }) => { if (!image.complete) image.onload = () => u.redraw(false); });
    const hit = (u) => { const left = u.bbox.left + u.cursor.left * devicePixelRatio; return placed.find((box) => box.left <= left && left <= box.left + box.width); };
    return { draw, load, hit };
  }

  function stepsAt(detail, t) {
    const on = detail.steps.filter((step) => step.t0 <= t && t <= (step.t1 === null ? detail.end : step.t1));
    return on.length ? on[on.length - 1].name : "";
  }

  const LANES = { monitor: "monitor", mqtt: "accent", diag: "supply", update: "usage", sound: "load", touch: "bench" };

  /* Whose fault it was has a lane of its own each. */
  const FAULTS = [["bench fault", "bench faults", "bench"], ["usage error", "usage errors", "usage"], ["inconclusive", "inconclusive", "inconclusive"]];

  function pictureLane(detail, colors, act) {
    const failed = new Set(detail.checks.filter((check) => !check.ok).flatMap((check) => [check.crop, check.whole]));
    const pictures = detail.pictures.map((item, n) => ({ ...item, failed: failed.has(n) })).filter((item) => Page.picture(item)).sort((a, b) => b.failed - a.failed || a.crop - b.crop || b.t - a.t);
    if (!pictures.length) return [];
    const strip = thumbnails(pictures, colors);
    return [{ name: "pictures", height: THUMB + 6, draw: strip.draw, init: strip.load, read: (t) => { const item = nearest(pictures, t); return item ? `${item.name} at ${seconds(item.t)}` : ""; },
      click: (u) => { const box = strip.hit(u); if (box) act.look(box.item); } }];
  }

  function eventLane(name, items, color, colors, act) {
    return { name, height: 26, draw: drawEvents(items, color, colors), read: (t) => { const n = last(items, t, at); return n < 0 ? "" : items[n].text || items[n].what; },
      click: (u, t) => act.show(nearest(items, t)) };
  }

  function eventLanes(detail, colors, act) {
    const lanes = [];
    if (detail.checks.length) lanes.push({
      name: "checks", height: 30, draw: drawChecks(detail, colors), click: (u, t) => act.show(nearest(detail.checks, t)),
      read: (t) => { const k = nearest(detail.checks, t); return k ? `${k.ok ? "✓" : "✗"} ${k.target || k.name}` : ""; },
    });
    if (detail.steps.length) {
      const depth = 1 + Math.min(7, Math.max(...detail.steps.map((step) => step.depth)));
      lanes.push({ name: "steps", height: 18 * depth + 6, draw: drawSteps(detail, colors), read: (t) => stepsAt(detail, t) });
    }
    lanes.push(...pictureLane(detail, colors, act));
    const kinds = [...new Set(detail.events.map((item) => item.lane))].sort();
    const groups = [...FAULTS.map(([verdict, name, color]) => [name, detail.faults.filter((item) => item.verdict === verdict), colors[color]]), ["bench lateness", detail.health, colors.inconclusive], ["console", detail.console, colors.soft],
      ...kinds.map((lane) => [lane, detail.events.filter((item) => item.lane === lane), colors[LANES[lane.split(" ")[0]]] || colors.supply]), ["events", detail.notes, colors.supply]];
    return [...lanes, ...groups.filter(([, items]) => items.length).map(([name, items, color]) => eventLane(name, items, color, colors, act))];
  }

  function labelled(series, value) {
    const label = series.labels[String(value)];
    return label === undefined ? short(value) : label;
  }

  function valueAt(series, t) {
    const n = last(series.t, t, (x) => x), silent = (series.silent || []).find(([from, until]) => from <= t && (until === null || t < until));
    return n < 0 ? "" : `${labelled(series, series.v[n])} ${series.unit}`.trim() + (silent ? `, the last value: overdue since ${seconds(silent[0])}` : "");
  }

  /* The staircase as two lines: solid, and dotted while the message was overdue. */
  function lines(series, end) {
    const t = [...series.t], v = [...series.v], solid = [...v], dotted = v.map(() => null), SHORT = 1e-6;
    const put = (at, line, dots) => { const n = last(t, at, (x) => x) + 1; t.splice(n, 0, at); solid.splice(n, 0, line); dotted.splice(n, 0, dots); };
    if (t.length && t[t.length - 1] < end) put(end, v[v.length - 1], null);
    for (const [from, until] of series.silent || []) {
      const n = last(series.t, from, (x) => x), value = v[n], to = until === null ? end : until;
      if (n < 0 || to <= from) continue;
      put(from, value, value);
      put(from + SHORT, null, value);
      put(Math.max(to - SHORT, from + 2 * SHORT), null, value);
      if (until === null) { const k = t.lastIndexOf(end); solid[k] = null; dotted[k] = value; }
      else put(to, valueFrom(series, to), null);
    }
    return [t, solid, dotted];
  }
  const valueFrom = (series, t) => series.v[last(series.t, t, (x) => x)];

  function seriesLane(series, end, colors) {
    const data = lines(series, end), { v } = series;
    const kind = { signal: ["series", 62], wire: ["series", 62], supply: ["supply", 54], "bus load": ["load", 50] }[series.group] || ["series", 62];
    return {
      name: series.group === "bus load" ? `load of ${series.name}` : series.name.replace(/^(.*::)?/, ""), title: `${series.name}${series.unit ? ` [${series.unit}]` : ""}`, height: kind[1], color: colors[kind[0]], data, values: v,
      zero: series.group === "supply" || series.group === "bus load", tick: (value) => labelled(series, value), enumerated: v.length > 0 && v.every((value) => String(value) in series.labels),
      read: (time) => valueAt(series, time),
    };
  }

  function yRange(lane) {
    return (u, low, high) => {
      if (low === null) return [0, 1];
      if (lane.zero) low = Math.min(low, 0);
      const pad = (high - low) * 0.12 || Math.abs(high) * 0.1 || 1;
      return [low < 0 || !lane.zero ? low - pad : low, high + pad];
    };
  }

  function options(lane, context) {
    const { colors, view, key } = context, isAxis = lane.isAxis;
    const grid = { stroke: colors.grid, width: 1 }, base = { stroke: colors.soft, font: "11px system-ui, sans-serif", grid, ticks: { show: isAxis, stroke: colors.grid, width: 1, size: 4 } };
    return {
      width: context.width(), height: lane.height, padding: [isAxis ? 0 : lane.data ? 7 : 2, 14, isAxis ? 0 : lane.data ? 7 : 2, 0], legend: { show: false },
      cursor: { sync: { key }, y: false, points: { show: false }, drag: { x: true, y: false, dist: 4 } },
      scales: { x: { time: false, range: () => [...view] }, y: { range: lane.data ? yRange(lane) : () => [0, 1] } },
      axes: [
        { ...base, side: isAxis ? 0 : 2, size: isAxis ? 22 : 0, gap: 2, values: isAxis ? (u, list) => list.map((t) => `${short(t)} s`) : () => [] },
        { ...base, size: AXIS, gap: 4, space: 18, grid: lane.data ? grid : { show: false },
          splits: lane.enumerated ? () => [...new Set(lane.values)].slice(0, 6) : undefined,
          values: lane.data ? (u, list) => list.map((v) => v === null ? "" : lane.tick(v).slice(0, 9)) : () => [] },
      ],
      series: [{}, { stroke: lane.color, width: 1.5, points: { show: false }, paths: uPlot.paths.stepped({ align: 1 }) },
        ...(lane.data ? [{ stroke: lane.color, width: 1.5, dash: [2, 4], points: { show: false }, paths: uPlot.paths.stepped({ align: 1 }) }] : [])],
      hooks: { drawClear: [focusLine(context.detail, colors)], draw: lane.draw ? [lane.draw] : [], ready: lane.init ? [lane.init] : [],
        setCursor: [(u) => { if (u.cursor.left >= 0) context.read(lane, u.posToVal(u.cursor.left, "x")); }] },
    };
  }

  function rowOf(lane, remove) {
    const row = document.createElement("div"), label = document.createElement("div"), name = document.createElement("b"), area = document.createElement("div");
    lane.value = document.createElement("span");
    row.className = lane.isAxis ? "lane axis" : "lane";
    label.className = "label";
    name.append(...Page.breakable(lane.name));
    label.title = lane.title || lane.name;
    label.append(...(lane.isAxis ? [lane.value] : [name, lane.value]));
    if (remove) {
      const button = document.createElement("button");
      button.className = "remove";
      button.textContent = "×";
      button.setAttribute("aria-label", `remove ${lane.name}`);
      button.addEventListener("click", remove);
      label.append(button);
    }
    row.append(label, area);
    return { row, area };
  }

  /* Draw the lanes of a case into `host`. `act` says what a click does: look(picture), show(item), cursor(t). */
  function make(detail, host, act) {
    const names = ["pass", "fail", "bench", "usage", "inconclusive", "not-run", "ink", "soft", "line", "grid", "accent", "series", "supply", "load", "monitor"];
    const colors = Object.fromEntries(names.map((name) => [name, css(name)]));
    const view = [0, Math.max(detail.end, 0.001)], shown = new Map();
    const context = { detail, colors, view, key: `bench-${detail.number}-${detail.end}`, width: () => Math.max(host.clientWidth - (matchMedia(NARROW).matches ? 0 : LABEL), 200),
      read: (lane, t) => { lane.value.textContent = lane.isAxis ? `t = ${seconds(t)}` : lane.read(t); if (lane.isAxis) act.cursor(t); } };
    const axis = { name: "bench time", height: 24, isAxis: true, read: () => "" };

    function put(lane, remove) {
      const { row, area } = rowOf(lane, remove);
      host.append(row);
      const u = new uPlot(options(lane, context), lane.data || [[...view], [null, null]], area);
      if (lane.click) u.over.addEventListener("click", () => { if (u.select.width < 4) lane.click(u, u.posToVal(u.cursor.left, "x")); });
      u.over.addEventListener("wheel", wheel, { passive: false });
      shown.set(lane, { u, row });
    }
    const plots = () => [...shown.values()].map(({ u }) => u);
    const range = () => { const { min, max } = shown.get(axis).u.scales.x; return [min, max]; };
    const zoom = (t0, t1) => {
      const width = Math.min(Math.max(t1 - t0, 1e-4), view[1]), left = Math.min(Math.max(t0, 0), view[1] - width);
      plots().forEach((u) => u.setScale("x", { min: left, max: left + width }));
    };
    const scaled = (factor, around) => { const [t0, t1] = range(), t = around === undefined ? (t0 + t1) / 2 : around; zoom(t - (t - t0) * factor, t + (t1 - t) * factor); };
    const pan = (part) => { const [t0, t1] = range(), by = (t1 - t0) * part; zoom(t0 + by, t1 + by); };
    function wheel(event) {
      const u = plots().find((plot) => plot.over === event.currentTarget), sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY);
      if (!sideways && !event.ctrlKey && !event.metaKey && !event.shiftKey) return;
      event.preventDefault();
      if (sideways || event.shiftKey) pan((event.deltaX || event.deltaY) / 1000);
      else scaled(event.deltaY > 0 ? 1.25 : 0.8, u.posToVal(u.cursor.left, "x"));
    }
    const point = (t) => queueMicrotask(() => { // only after uPlot has set its scales, which it does in a microtask
      plots().forEach((u) => u.setCursor({ left: u.valToPos(t, "x"), top: 1 }, false));
      [...shown.keys()].forEach((lane) => context.read(lane, t));
    });

    function add(series) {
      const key = [...shown.keys()].find((lane) => lane.source === series);
      if (key) return;
      const lane = { ...seriesLane(series, detail.end, colors), source: series };
      const [t0, t1] = range();
      put(lane, () => { const { u, row } = shown.get(lane); u.destroy(); row.remove(); shown.delete(lane); });
      zoom(t0, t1);
    }

    put(axis);
    for (const lane of [...eventLanes(detail, colors, act), ...detail.series.map((series) => seriesLane(series, detail.end, colors))]) put(lane);
    const resize = new ResizeObserver(() => shown.forEach(({ u }, lane) => u.setSize({ width: context.width(), height: lane.height })));
    resize.observe(host);
    return { zoom, point, pan, scaled, add, range, whole: () => zoom(...view), destroy: () => { resize.disconnect(); plots().forEach((u) => u.destroy()); } };
  }
  return { make, valueAt, nearest, bad, FAULTS };
})();
