// The answer: the recommendation, the table of models, accuracy against cost, learning curves.
const verdict = (r) => {
  const winner = r.models.find((m) => m.name === r.recommendation.model);
  const figures = !winner ? null : h("dl", {class: "figures"}, [
    ["Top-1 accuracy", fixed(2)(winner.top1), "%", winner.low === null ? null : `95% interval ${fixed(1)(winner.low)} to ${fixed(1)(winner.high)}`],
    ["Latency", significant(winner.latencyP50), "ms", known(winner.latencyP95) ? `one image; p95 ${significant(winner.latencyP95)} ms` : "one image"],
    ["Throughput", significant(winner.throughput), "images/s", "batch of 64"],
    ["Parameters", millions(winner.params), "M", known(winner.macs) ? `${millions(winner.macs)} M MACs per image` : null],
  ].map(([name, value, unit, more]) => h("div", {}, h("dt", {}, name), h("dd", {}, value, h("small", {}, ` ${unit}`)),
    more ? h("dd", {class: "more"}, more) : null)));
  return h("section", {class: "verdict", id: "recommendation"},
    h("p", {class: "context"}, r.context.join(" · ")),
    h("h1", {}, winner ? ["Use ", h("span", {class: winner.family}, winner.name)] : "No model is recommended"),
    r.recommendation.reason ? h("p", {class: "reason"}, r.recommendation.reason) : null,
    figures,
    winner && winner.checkpoint ? h("pre", {}, h("code", {}, `braid predict --checkpoint ${winner.checkpoint} FILE...`)) : null);
};

const accuracyCell = (value, model) => [fixed(2)(value), model.low === null ? "" :
  h("span", {class: "interval"}, ` ${fixed(1)(model.low)} – ${fixed(1)(model.high)}`)];

const modelColumn = (r) => ({title: "Model", value: (m) => m.name, text: true, show: (name, m) => [familyLabel(m.family, name),
  h("span", {class: "kind"}, FAMILIES[m.family].label, name === r.recommendation.model ? h("span", {class: "tag"}, "recommended") : null)]});

const modelsSection = (r) => {
  const measured = (columns) => columns.filter((c) => c.text || r.models.some((m) => known(c.value(m))));
  const answer = measured([
    modelColumn(r),
    {title: "Top-1", unit: "% (95% interval)", value: (m) => m.top1, best: "high", show: accuracyCell},
    {title: "Latency p50", unit: "ms, batch 1", value: (m) => m.latencyP50, best: "low", show: significant},
    {title: "Throughput", unit: "images/s, batch 64", value: (m) => m.throughput, best: "high", show: significant},
    {title: "Parameters", unit: "M", value: (m) => m.params, best: "low", show: millions},
    {title: "Macro-F1", unit: "%", value: (m) => m.macroF1, best: "high", show: fixed(2)},
    {title: "Calibration error", unit: "% (ECE)", value: (m) => m.ece, best: "low", show: fixed(2)},
  ]);
  const costs = measured([
    modelColumn(r),
    {title: "MACs", unit: "M per image", value: (m) => m.macs, best: "low", show: millions},
    {title: "Latency p95", unit: "ms, batch 1", value: (m) => m.latencyP95, best: "low", show: significant},
    {title: "Training", unit: "images/s", value: (m) => m.trainRate, best: "high", show: significant},
    {title: "Peak memory", unit: "MiB", value: (m) => m.peakMemory, best: "low", show: mebibytes},
    {title: "Checkpoint", unit: "MiB", value: (m) => m.checkpointBytes, best: "low", show: mebibytes},
  ]);
  const options = {rowClass: (m) => m.name === r.recommendation.model ? "winner" : null};
  return section("models", "Models", `Each was trained under the same budget${r.budget ? `, ${r.budget}` : ""}. The best value of a column is bold; a column's title sorts by it.`,
    table("Every model, best accuracy first", answer, r.models, {...options, sort: answer.findIndex((c) => c.title === "Top-1")}),
    costs.length > 1 ? h("details", {}, h("summary", {}, "What each costs: arithmetic, memory, training speed"),
      table("Cost of every model", costs, r.models, options)) : null);
};

// Models that no other beats in both accuracy and cost.
const paretoFront = (points, cost) => {
  const front = [];
  for (const point of [...points].sort((a, b) => a[cost] - b[cost] || b.top1 - a.top1))
    if (!front.length || point.top1 > front[front.length - 1].top1) front.push(point);
  return front;
};

// Gives every point the side for its label (align, dx, dy in pixels) where it covers least of the others.
const placeLabels = (points, x, y, width, fontSize) => {
  const taken = points.map((p) => ({left: x(p) - 9, right: x(p) + 9, top: y(p) - 9, bottom: y(p) + 9}));
  const overlap = (a, b) => Math.max(0, Math.min(a.right, b.right) - Math.max(a.left, b.left)) *
                            Math.max(0, Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top));
  for (const p of points) {
    const length = p.model.length * fontSize * 0.62, gap = p.chosen ? 17 : 11;
    const places = [["left", gap, -8], ["right", -gap, -8], ["left", gap, 9], ["right", -gap, 9], ["center", 0, -gap - 9], ["center", 0, gap + 9]]
      .map(([align, dx, dy]) => {
        const left = x(p) + dx - (align === "left" ? 0 : align === "right" ? length : length / 2), middle = y(p) + dy;
        const box = {left, right: left + length, top: middle - fontSize / 2 - 1, bottom: middle + fontSize / 2 + 1};
        const outside = Math.max(0, -box.left) + Math.max(0, box.right - width) + Math.max(0, -box.top);
        return {align, dx, dy, box, cost: taken.reduce((sum, other) => sum + overlap(box, other), 40 * outside)};
      });
    const {align, dx, dy, box} = places.reduce((best, place) => place.cost < best.cost ? place : best);
    Object.assign(p, {align, dx, dy});
    taken.push(box);
  }
};

const COSTS = {
  "latency (ms, batch 1, p50)": {key: "latencyP50", unit: 1, title: "Latency of one image (ms, log scale)"},
  "parameters (millions)": {key: "params", unit: 1e6, title: "Parameters (millions, log scale)"},
  "MACs (millions per image)": {key: "macs", unit: 1e6, title: "Multiply-accumulates per image (millions, log scale)"},
  "peak memory (MiB)": {key: "peakMemory", unit: 2 ** 20, title: "Peak memory (MiB, log scale)"},
};

const paretoSpec = (r, cost) => (width, t) => {
  const points = r.models.filter((m) => known(m[cost.key]) && m[cost.key] > 0 && known(m.top1)).map((m) => ({
    model: m.name, family: m.family, cost: m[cost.key] / cost.unit, top1: m.top1, low: m.low ?? m.top1, high: m.high ?? m.top1,
    interval: m.low === null ? "–" : `${fixed(2)(m.low)} to ${fixed(2)(m.high)}%`, chosen: m.name === r.recommendation.model,
    top1Text: `${fixed(2)(m.top1)}%`, costText: significant(m[cost.key] / cost.unit)}));
  const front = paretoFront(points, "cost");
  points.forEach((p) => { p.best = front.includes(p); });
  const costs = points.map((p) => p.cost), [low, high] = [Math.min(...costs) / 1.35, Math.max(...costs) * 1.35];
  const accuracies = points.flatMap((p) => [p.low, p.high]);
  const margin = Math.max(0.5, 0.12 * (Math.max(...accuracies) - Math.min(...accuracies)));
  const fontSize = narrow(width) ? 11 : 12.5, height = narrow(width) ? 330 : 400;
  const domain = [Math.max(0, Math.min(...accuracies) - margin), Math.min(100, Math.max(...accuracies) + margin)];
  placeLabels(points, (p) => (width - 50) * Math.log(p.cost / low) / Math.log(high / low),
              (p) => (height - 45) * (domain[1] - p.top1) / (domain[1] - domain[0]), width - 50, fontSize);
  // The front goes on to the chart's edges: cheaper than its first model nothing is known.
  const edge = front.length ? [...front, {...front[front.length - 1], cost: high}] : [];
  const x = {field: "cost", type: "quantitative", title: cost.title,
             scale: {type: "log", domain: [low, high], nice: false}, axis: {grid: false, tickCount: narrow(width) ? 4 : 8, format: "~g"}};
  const y = {field: "top1", type: "quantitative", title: "Top-1 accuracy (%)",
             scale: {domain, nice: false},
             axis: {tickCount: 6}};
  const color = {field: "family", type: "nominal", legend: null,
                 scale: {domain: Object.keys(t.family), range: Object.values(t.family)}};
  return {
    width, height, data: {values: points},
    layer: [
      {data: {values: edge}, mark: {type: "line", interpolate: "step-after", color: t.muted, strokeDash: [4, 4], strokeWidth: 1.5},
       encoding: {x, y}},
      {mark: {type: "rule", strokeWidth: 1.5, opacity: 0.55}, encoding: {x, y: {...y, field: "low"}, y2: {field: "high"}, color}},
      {transform: [{filter: "datum.chosen"}], mark: {type: "point", filled: false, stroke: t.winner, strokeWidth: 2.5, size: 520},
       encoding: {x, y}},
      {mark: {type: "point", filled: true, size: 130, opacity: 1},
       encoding: {x, y, color,
         shape: {field: "family", type: "nominal", legend: null, scale: {domain: Object.keys(FAMILIES), range: Object.values(FAMILIES).map((f) => f.shape)}},
         tooltip: [{field: "model", title: "Model"}, {field: "top1Text", title: "Top-1"}, {field: "interval", title: "95% interval"},
                   {field: "costText", title: cost.title.replace(", log scale", "")}]}},
      {mark: {type: "text", align: {expr: "datum.align"}, dx: {expr: "datum.dx"}, dy: {expr: "datum.dy"}, baseline: "middle", fontSize, fontWeight: 600},
       encoding: {x, y, text: {field: "model"}, color}},
    ],
  };
};

const paretoSection = (r) => {
  const costs = Object.fromEntries(Object.entries(COSTS).filter(([, c]) => r.models.some((m) => known(m[c.key]) && m[c.key] > 0)));
  if (!Object.keys(costs).length || !r.models.some((m) => known(m.top1))) return null;
  let cost = Object.values(costs)[0];
  const figure = chart("Scatter chart: top-1 accuracy of each model against its cost, with the Pareto front",
    (width, t) => paretoSpec(r, cost)(width, t),
    "Upper left is better. The dashed line is the Pareto front: no model on it is beaten in both. Bars are 95% intervals of the accuracy; the ring marks the recommendation.");
  const families = [...new Set(r.models.map((m) => m.family))];
  return section("pareto", "Accuracy against cost", null,
    choice("Cost:", Object.keys(costs), (name) => { cost = costs[name]; redraw(figure); }),
    h("ul", {class: "legend"}, families.map((family) => h("li", {}, familyLabel(family)))), figure);
};

const QUANTITIES = {
  "validation top-1 (%)": {key: "valTop1", title: "Validation top-1 (%)"},
  "training loss": {key: "trainLoss", title: "Training loss"},
  "validation loss": {key: "valLoss", title: "Validation loss"},
};
const AXES = {
  "training time": {key: "seconds"},
  "epochs": {key: "epoch"},
};
const curvesSection = (r) => {
  const offered = (choices) => Object.fromEntries(Object.entries(choices).filter(([, c]) => r.curves.some((p) => known(p[c.key]))));
  const quantities = offered(QUANTITIES), axes = offered(AXES);
  if (!Object.keys(quantities).length || !Object.keys(axes).length) return null;
  let quantity = Object.values(quantities)[0], axis = Object.values(axes)[0];
  const models = r.models.filter((m) => r.curves.some((p) => p.model === m.name));
  const longest = Math.max(...r.curves.map((p) => p.seconds).filter(known), 0);
  const spec = (width, t) => {
    const [unit, title] = axis.key === "epoch" ? [1, "Epoch"] : longest > 5400 ? [3600, "Training time (h)"]
      : longest > 300 ? [60, "Training time (min)"] : [1, "Training time (s)"];
    const values = r.curves.filter((p) => known(p[quantity.key]) && known(p[axis.key])).map((p) => ({
      model: p.model, x: p[axis.key] / unit, y: p[quantity.key], text: significant(p[quantity.key]), at: significant(p[axis.key] / unit)}));
    return lineChart(models, t, {
      width, height: narrow(width) ? 280 : 360, data: {values},
      encoding: {x: {field: "x", type: "quantitative", title, axis: {grid: false, tickCount: narrow(width) ? 5 : 10}, scale: {nice: false, zero: axis.key === "seconds"}},
                 y: {field: "y", type: "quantitative", title: quantity.title, scale: {zero: false}}},
    }, [{field: "at", title}, {field: "text", title: quantity.title}], 28);
  };
  const figure = chart("Line chart: how each model learns", spec);
  return section("curves", "Learning curves", "After every epoch, on images that were not trained on; the loss on those that were.", h("div", {class: "pick"},
    choice("Show", Object.keys(quantities), (name) => { quantity = quantities[name]; redraw(figure); }),
    choice("against", Object.keys(axes), (name) => { axis = axes[name]; redraw(figure); })), modelLegend(models), figure);
};
