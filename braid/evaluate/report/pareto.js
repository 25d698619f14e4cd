// The deciding score against cost.

// Models that no other beats in both score and cost.
const paretoFront = (points, cost, higher) => {
  const front = [],
    gain = (a, b) => (higher ? a.score - b.score : b.score - a.score);
  for (const point of [...points].sort((a, b) => a[cost] - b[cost] || gain(b, a)))
    if (!front.length || gain(point, front[front.length - 1]) > 0) front.push(point);
  return front;
};

// Gives every point the side for its label (align, dx, dy in pixels) where it covers least of the others.
const placeLabels = (points, x, y, width, fontSize) => {
  const taken = points.map((p) => ({left: x(p) - 9, right: x(p) + 9, top: y(p) - 9, bottom: y(p) + 9}));
  const overlap = (a, b) =>
    Math.max(0, Math.min(a.right, b.right) - Math.max(a.left, b.left)) *
    Math.max(0, Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top));
  for (const p of points) {
    const length = p.model.length * fontSize * 0.62,
      gap = p.chosen ? 17 : 11;
    const places = [
      ["left", gap, -8],
      ["right", -gap, -8],
      ["left", gap, 9],
      ["right", -gap, 9],
      ["center", 0, -gap - 9],
      ["center", 0, gap + 9],
    ].map(([align, dx, dy]) => {
      const left = x(p) + dx - (align === "left" ? 0 : align === "right" ? length : length / 2),
        middle = y(p) + dy;
      const box = {
        left,
        right: left + length,
        top: middle - fontSize / 2 - 1,
        bottom: middle + fontSize / 2 + 1,
      };
      const outside = Math.max(0, -box.left) + Math.max(0, box.right - width) + Math.max(0, -box.top);
      return {
        align,
        dx,
        dy,
        box,
        cost: taken.reduce((sum, other) => sum + overlap(box, other), 40 * outside),
      };
    });
    const {align, dx, dy, box} = places.reduce((best, place) => (place.cost < best.cost ? place : best));
    Object.assign(p, {align, dx, dy});
    taken.push(box);
  }
};

// Models as they are shown against their cost: as they ship, where some were deployed.
const shownModels = (r) =>
  r.models.some((m) => m.deployed && known(m.deployed.score))
    ? r.models
        .filter((m) => m.deployed && known(m.deployed.score))
        .map((m) => ({...m, ...m.deployed, params: m.params, macs: m.macs}))
    : r.models;

const costsOf = (r) => ({
  "latency (ms, batch 1, p50)": {key: "latencyP50", unit: 1, title: `Latency of one ${r.item} (ms, log scale)`},
  "file (MB)": {key: "bytes", unit: 1e6, title: "Exported file (MB, log scale)"},
  "parameters (millions)": {key: "params", unit: 1e6, title: "Parameters (millions, log scale)"},
  [`MACs (millions per ${r.item})`]: {
    key: "macs",
    unit: 1e6,
    title: `Multiply-accumulates per ${r.item} (millions, log scale)`,
  },
  "peak memory (MiB)": {key: "peakMemory", unit: 2 ** 20, title: "Peak memory (MiB, log scale)"},
});

const paretoSpec = (r, cost) => (width, t) => {
  const points = shownModels(r)
    .filter((m) => known(m[cost.key]) && m[cost.key] > 0 && known(m.score))
    .map((m) => ({
      model: m.name,
      family: m.family,
      cost: m[cost.key] / cost.unit,
      score: m.score,
      low: m.low ?? m.score,
      high: m.high ?? m.score,
      interval: m.low === null ? "–" : `${fixed(2)(m.low)} to ${r.score.text(m.high)}`,
      chosen: m.name === r.recommendation.model,
      scoreText: r.score.text(m.score),
      costText: significant(m[cost.key] / cost.unit),
    }));
  const front = paretoFront(points, "cost", r.score.higher);
  points.forEach((p) => {
    p.best = front.includes(p);
  });
  const costs = points.map((p) => p.cost),
    [low, high] = [Math.min(...costs) / 1.35, Math.max(...costs) * 1.35];
  const scores = points.flatMap((p) => [p.low, p.high]);
  const spread = Math.max(...scores) - Math.min(...scores);
  const margin = r.score.unit === "%" ? Math.max(0.5, 0.12 * spread) : 0.12 * spread || 0.5;
  const fontSize = narrow(width) ? 11 : 12.5,
    height = narrow(width) ? 330 : 400;
  const domain = r.score.domain(Math.min(...scores) - margin, Math.max(...scores) + margin);
  placeLabels(
    points,
    (p) => ((width - 50) * Math.log(p.cost / low)) / Math.log(high / low),
    (p) => ((height - 45) * (domain[1] - p.score)) / (domain[1] - domain[0]),
    width - 50,
    fontSize,
  );
  // The front goes on to the chart's edges: cheaper than its first model nothing is known.
  const edge = front.length ? [...front, {...front[front.length - 1], cost: high}] : [];
  const x = {
    field: "cost",
    type: "quantitative",
    title: cost.title,
    scale: {type: "log", domain: [low, high], nice: false},
    axis: {grid: false, tickCount: narrow(width) ? 4 : 8, format: "~g"},
  };
  const y = {
    field: "score",
    type: "quantitative",
    title: r.score.axis,
    scale: {domain, nice: false},
    axis: {tickCount: 6},
  };
  const color = {
    field: "family",
    type: "nominal",
    legend: null,
    scale: {domain: Object.keys(t.family), range: Object.values(t.family)},
  };
  return {
    width,
    height,
    data: {values: points},
    layer: [
      {
        data: {values: edge},
        mark: {type: "line", interpolate: "step-after", color: t.muted, strokeDash: [4, 4], strokeWidth: 1.5},
        encoding: {x, y},
      },
      {
        mark: {type: "rule", strokeWidth: 1.5, opacity: 0.55},
        encoding: {x, y: {...y, field: "low"}, y2: {field: "high"}, color},
      },
      {
        transform: [{filter: "datum.chosen"}],
        mark: {type: "point", filled: false, stroke: t.winner, strokeWidth: 2.5, size: 520},
        encoding: {x, y},
      },
      {
        mark: {type: "point", filled: true, size: 130, opacity: 1},
        encoding: {
          x,
          y,
          color,
          shape: familyShape(),
          tooltip: [
            {field: "model", title: "Model"},
            {field: "scoreText", title: r.score.heading},
            {field: "interval", title: "95% interval"},
            {field: "costText", title: cost.title.replace(", log scale", "")},
          ],
        },
      },
      {
        mark: {
          type: "text",
          align: {expr: "datum.align"},
          dx: {expr: "datum.dx"},
          dy: {expr: "datum.dy"},
          baseline: "middle",
          fontSize,
          fontWeight: 600,
        },
        encoding: {x, y, text: {field: "model"}, color},
      },
    ],
  };
};

const paretoSection = (r) => {
  const models = shownModels(r),
    ships = models !== r.models;
  const costs = Object.fromEntries(
    Object.entries(costsOf(r)).filter(([, c]) => models.some((m) => known(m[c.key]) && m[c.key] > 0)),
  );
  if (!Object.keys(costs).length || !models.some((m) => known(m.score))) return null;
  let cost = Object.values(costs)[0];
  const figure = chart(
    `Scatter chart: ${r.score.title} of each model against its cost, with the Pareto front`,
    (width, t) => paretoSpec(r, cost)(width, t),
    `${r.score.higher ? "Upper" : "Lower"} left is better. The dashed line is the Pareto front: no model on it is beaten in both. Bars are 95% intervals; the ring marks the recommendation.`,
  );
  const families = [...new Set(models.map((m) => m.family))];
  return section(
    "pareto",
    `${r.score.heading} against cost`,
    ships ? `${r.score.heading}, latency and file are those of the exported models in ${r.deploy}.` : null,
    choice("Cost:", Object.keys(costs), (name) => {
      cost = costs[name];
      redraw(figure);
    }),
    h(
      "ul",
      {class: "legend"},
      families.map((family) => h("li", {}, familyLabel(family))),
    ),
    figure,
  );
};
