// What fusion gains.

// Accuracy of each way of fusing, beside the models it is made of.
const fusionSpec = (rows) => (width, t) => {
  const values = rows
    .filter((row) => known(row.top1))
    .map((row) => ({...row, low: row.low ?? row.top1, high: row.high ?? row.top1, text: fixed(2)(row.top1)}));
  const label = (name) => (narrow(width) && name.length > 24 ? `${name.slice(0, 23)}…` : name);
  values.forEach((row) => {
    row.short = label(row.name);
  });
  const low = Math.min(...values.map((v) => v.low)),
    high = Math.max(...values.map((v) => v.high));
  const margin = Math.max(1, 0.12 * (high - low));
  const color = {
    field: "family",
    type: "nominal",
    legend: null,
    scale: {domain: Object.keys(t.family), range: Object.values(t.family)},
  };
  const y = {
    field: "short",
    type: "nominal",
    scale: {domain: values.map((v) => v.short)},
    title: null,
    axis: {
      labelLimit: narrow(width) ? 150 : 320,
      ticks: false,
      domain: false,
      labelColor: t.text,
      labelFontSize: 12.5,
    },
  };
  const x = {
    field: "top1",
    type: "quantitative",
    title: "Top-1 accuracy (%)",
    scale: {
      zero: false,
      domain: [Math.max(0, low - margin), Math.min(100, high + margin * 1.6)],
      nice: false,
    },
    axis: {tickCount: 6},
  };
  return {
    width,
    height: Math.max(160, 42 * values.length + 50),
    data: {values},
    layer: [
      {
        mark: {type: "rule", strokeWidth: 2, opacity: 0.5},
        encoding: {y, x: {...x, field: "low"}, x2: {field: "high"}, color},
      },
      {
        mark: {type: "point", filled: true, size: 130, opacity: 1},
        encoding: {
          y,
          x,
          color,
          shape: {
            field: "family",
            type: "nominal",
            legend: null,
            scale: {domain: Object.keys(FAMILIES), range: Object.values(FAMILIES).map((f) => f.shape)},
          },
          tooltip: [
            {field: "name", title: "Which"},
            {field: "text", title: "Top-1 (%)"},
            {field: "how", title: "How"},
          ],
        },
      },
      {
        mark: {type: "text", dy: -13, fontWeight: 600, fontSize: 11.5},
        encoding: {y, x, text: {field: "text"}, color},
      },
    ],
  };
};

const overlapSpec = (overlap) => (width, t) => {
  const parts = [
    {part: "both right", value: overlap.both, color: t.muted},
    {part: `only ${overlap.a} right`, value: overlap.onlyA, color: t.family.cnn},
    {part: `only ${overlap.b} right`, value: overlap.onlyB, color: t.family.transformer},
    {part: "both wrong", value: overlap.neither, color: t.line},
  ].map((p, order) => ({
    ...p,
    order,
    text: `${fixed(2)(p.value)}%`,
    legend: `${p.part}: ${fixed(1)(p.value)}%`,
  }));
  return {
    width,
    height: narrow(width) ? 170 : 104,
    data: {values: parts},
    mark: {type: "bar", height: 34, stroke: t.page, strokeWidth: 1.5},
    encoding: {
      x: {
        field: "value",
        type: "quantitative",
        stack: "zero",
        title: "share of the test images (%)",
        scale: {domain: [0, 100]},
        axis: {grid: false},
      },
      color: {
        field: "legend",
        type: "nominal",
        scale: {domain: parts.map((p) => p.legend), range: parts.map((p) => p.color)},
        legend: {
          title: null,
          orient: "top",
          columns: narrow(width) ? 1 : 4,
          symbolType: "square",
          labelLimit: 320,
        },
      },
      order: {field: "order"},
      tooltip: [
        {field: "part", title: "Which"},
        {field: "text", title: "Share"},
      ],
    },
  };
};

const fusionSection = (r) => {
  if (r.fusion.rows.length < 2) return null;
  const {rows, overlap, reference} = r.fusion;
  const gain = (row) => (known(reference) && known(row.top1) ? row.top1 - reference : null);
  const columns = [
    {
      title: "Way",
      value: (row) => row.name,
      text: true,
      show: (name, row) => [familyLabel(row.family, name), h("span", {class: "kind"}, row.how)],
    },
    {title: "Top-1", unit: "% (95% interval)", value: (row) => row.top1, show: accuracyCell},
    {
      title: "Gain",
      unit: "points",
      value: gain,
      show: (value) => h("span", {class: value > 0 ? "up" : value < 0 ? "down" : null}, signed(value)),
    },
    {title: "Latency p50", unit: "ms, batch 1", value: (row) => row.latencyP50, show: significant},
    {title: "Parameters", unit: "M", value: (row) => row.params, show: millions},
    {title: "MACs", unit: "M per image", value: (row) => row.macs, show: millions},
  ].filter((c) => rows.some((row) => known(c.value(row)) || c.text));
  return section(
    "fusion",
    "What fusion gains",
    "Three ways to join a CNN and a Transformer, beside the two alone: one hybrid architecture, averaging their probabilities (late fusion, at the cost of both), and training the Transformer with the CNN as its teacher (distillation).",
    chart("Dot chart: accuracy of the single models and of each way of fusing them", fusionSpec(rows)),
    table("Gain over the better of the two alone, and cost", columns, rows),
    overlap
      ? [
          h("h3", {}, "Error overlap"),
          h(
            "p",
            {class: "lead"},
            "Where one of the two is right, a perfect choice between them would be too: that is the oracle's upper bound",
            known(overlap.oracle) ? ` of ${fixed(2)(overlap.oracle)}%.` : ".",
          ),
          chart(
            "Stacked bar: share of test images that both, one or neither of the two models label right",
            overlapSpec(overlap),
          ),
        ]
      : null,
  );
};
