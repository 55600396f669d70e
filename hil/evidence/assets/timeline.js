"use strict";
/* One time axis, many lanes. Every lane is a uPlot, so that cursor and zoom are shared by one sync key. */
const Timeline = (() => {
  const AXIS = 58;
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const last = (list, t, time) => {
    let low = 0, high = list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (time(list[middle]) <= t) low = middle + 1; else high = middle;
    }
    return low - 1;
  };
  const nearest = (list, t, time) => {
    const n = last(list, t, time), a = list[n], b = list[n + 1];
    if (!a || !b) return a || b;
    return t - time(a) <= time(b) - t ? a : b;
  };
  const short = (value) => String(Number(value.toPrecision(6)));
  const seconds = (t) => `${t.toFixed(3)} s`;

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
        const at = x(check.t), size = 4 * box.r;
        c.lineWidth = 2 * box.r;
        c.beginPath();
        if (check.since !== null) { c.moveTo(x(check.since), y); c.lineTo(at, y); }
        if (check.ok) c.moveTo(at + size, y), c.arc(at, y, size, 0, 7);
        else for (const d of [1, -1]) { c.moveTo(at - 1.3 * size, y - d * 1.3 * size); c.lineTo(at + 1.3 * size, y + d * 1.3 * size); }
        c.stroke();
        if (check.ok) c.fill();
      }
    });
  }

  function drawSteps(detail, colors) {
    return (u) => clipped(u, (c, x, box) => {
      const height = 16 * box.r;
      c.font = `${11 * box.r}px system-ui, sans-serif`;
      c.textBaseline = "middle";
      c.textAlign = "left";
      for (const step of detail.steps) {
        const x0 = Math.max(x(step.t0), box.left - 2), x1 = x(step.t1 === null ? detail.end : step.t1);
        const y = box.top + 2 * box.r + step.depth * (height + 2 * box.r), width = Math.max(x1 - x0 - box.r, box.r);
        const bad = step.t1 === null || /fail|error|fault/i.test(step.status);
        c.globalAlpha = bad ? 0.35 : 0.18;
        c.fillStyle = bad ? colors.fail : colors.accent;
        c.fillRect(x0, y, width, height);
        c.globalAlpha = 1;
        if (width < 26 * box.r) continue;
        c.save();
        c.beginPath(); c.rect(x0, y, width, height); c.clip();
        c.fillStyle = colors.ink;
        c.fillText(step.name, x0 + 4 * box.r, y + height / 2);
        c.restore();
      }
    });
  }

  function drawTicks(items, color) {
    return (u) => clipped(u, (c, x, box) => {
      c.strokeStyle = color;
      c.lineWidth = 1.5 * box.r;
      c.beginPath();
      for (const item of items) {
        c.moveTo(x(item.t), box.top + 3 * box.r);
        c.lineTo(x(item.t), box.top + box.height - 3 * box.r);
      }
      c.stroke();
    });
  }

  function stepsAt(detail, t) {
    const on = detail.steps.filter((step) => step.t0 <= t && t <= (step.t1 === null ? detail.end : step.t1));
    return on.length ? on[on.length - 1].name : "";
  }

  function eventLanes(detail, colors) {
    const lanes = [], at = (item) => item.t;
    if (detail.checks.length) lanes.push({
      name: "checks", height: 30, draw: drawChecks(detail, colors),
      read: (t) => { const k = nearest(detail.checks, t, at); return k ? `${k.ok ? "✓" : "✗"} ${k.name || k.target}` : ""; },
    });
    if (detail.steps.length) {
      const depth = 1 + Math.min(7, Math.max(...detail.steps.map((step) => step.depth)));
      lanes.push({ name: "steps", height: 18 * depth + 6, draw: drawSteps(detail, colors), read: (t) => stepsAt(detail, t) });
    }
    for (const [name, items, color] of [["console", detail.console, colors.soft], ["events", detail.notes, colors.supply],
      ["bench lateness", detail.health, colors.inconclusive], ["bench faults", detail.faults, colors.bench]]) {
      if (!items.length) continue;
      const read = (t) => { const n = last(items, t, at); return n < 0 ? "" : items[n].text || items[n].what; };
      lanes.push({ name, height: 26, draw: drawTicks(items, color), read });
    }
    return lanes;
  }

  function labelled(series, value) {
    const label = series.labels[String(value)];
    return label === undefined ? short(value) : label;
  }

  function seriesLane(series, end, colors) {
    const t = [...series.t], v = [...series.v];
    if (t.length && t[t.length - 1] < end) { t.push(end); v.push(v[v.length - 1]); }
    const kind = { signal: ["series", 62], supply: ["supply", 54], "bus load": ["load", 50] }[series.group] || ["series", 62];
    const prefix = series.group === "bus load" ? "≈ load of " : "";
    return {
      name: prefix + series.name, height: kind[1], color: colors[kind[0]], data: [t, v], unit: series.unit, zero: series.group !== "signal",
      tick: (value) => labelled(series, value), enumerated: Object.keys(series.labels).length > 0,
      read: (at) => { const n = last(t, at, (x) => x); return n < 0 ? "" : `${labelled(series, v[n])} ${series.unit}`; },
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
      cursor: { sync: { key }, y: false, points: { show: false }, drag: { x: true, y: false } },
      scales: { x: { time: false, range: () => [...view] }, y: { range: lane.data ? yRange(lane) : () => [0, 1] } },
      axes: [
        { ...base, side: isAxis ? 0 : 2, size: isAxis ? 22 : 0, gap: 2, values: isAxis ? (u, list) => list.map((t) => `${short(t)} s`) : () => [] },
        { ...base, size: AXIS, gap: 4, space: 18, grid: lane.data ? grid : { show: false },
          splits: lane.enumerated ? () => [...new Set(lane.data[1])].slice(0, 6) : undefined,
          values: lane.data ? (u, list) => list.map((v) => v === null ? "" : lane.tick(v).slice(0, 9)) : () => [] },
      ],
      series: [{}, { stroke: lane.color, width: 1.5, points: { show: false }, paths: uPlot.paths.stepped({ align: 1 }) }],
      hooks: { drawClear: [focusLine(context.detail, colors)], draw: lane.draw ? [lane.draw] : [],
        setCursor: [(u) => { if (u.cursor.left >= 0) context.read(lane, u.posToVal(u.cursor.left, "x")); }] },
    };
  }

  function make(detail, host) {
    const colors = Object.fromEntries(["pass", "fail", "bench", "usage", "inconclusive", "not-run", "ink", "soft", "line", "grid", "accent", "series", "supply", "load"].map((name) => [name, css(name)]));
    const view = [0, Math.max(detail.end, 0.001)], plots = [];
    const context = { detail, colors, view, key: `bench-${detail.number}`, width: () => Math.max(host.clientWidth - 190, 200),
      read: (lane, t) => { lane.value.textContent = lane.isAxis ? `t = ${seconds(t)}` : lane.read(t); } };
    const lanes = [{ name: "bench time", height: 24, isAxis: true, read: () => "" }, ...eventLanes(detail, colors),
      ...detail.series.map((series) => seriesLane(series, detail.end, colors))];
    for (const lane of lanes) {
      const row = document.createElement("div"), label = document.createElement("div"), name = document.createElement("b"), area = document.createElement("div");
      lane.value = document.createElement("span");
      row.className = lane.isAxis ? "lane axis" : "lane";
      label.className = "label";
      name.textContent = lane.name;
      label.title = lane.unit ? `${lane.name} [${lane.unit}]` : lane.name;
      label.append(...(lane.isAxis ? [lane.value] : [name, lane.value]));
      row.append(label, area);
      host.append(row);
      plots.push(new uPlot(options(lane, context), lane.data || [[...view], [null, null]], area));
    }
    const zoom = (t0, t1) => plots.forEach((u) => u.setScale("x", { min: Math.max(t0, view[0]), max: Math.min(t1, view[1]) }));
    const point = (t) => queueMicrotask(() => { // only after uPlot has set its scales, which it does in a microtask
      plots.forEach((u) => u.setCursor({ left: u.valToPos(t, "x"), top: 1 }, false));
      lanes.forEach((lane) => context.read(lane, t));
    });
    const resize = new ResizeObserver(() => plots.forEach((u, n) => u.setSize({ width: context.width(), height: lanes[n].height })));
    resize.observe(host);
    return { zoom, point, whole: () => zoom(...view), destroy: () => { resize.disconnect(); plots.forEach((u) => u.destroy()); } };
  }
  return { make, seconds, short };
})();
