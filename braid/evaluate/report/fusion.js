// What fusion gains.

// The score of each way of fusing, beside the models it is made of.
const fusionSpec = (rows, kind) => (width, t) => {
  const values = rows
    .filter((row) => known(row.score))
    .map((row) => ({...row, low: row.low ?? row.score, high: row.high ?? row.score, text: fixed(2)(row.score)}));
  const label = (name) => (narrow(width) && name.length > 24 ? `${name.slice(0, 23)}…` : name);
  values.forEach((row) => {
    row.short = label(row.name);
  });
  const low = Math.min(...values.map((v) => v.low)),
    high = Math.max(...values.map((v) => v.high));
  const margin = kind.unit === "%" ? Math.max(1, 0.12 * (high - low)) : 0.12 * (high - low) || 1;
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
    field: "score",
    type: "quantitative",
    title: kind.axis,
    scale: {
      zero: false,
      domain: kind.domain(low - margin, high + margin * 1.6),
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
          shape: familyShape(),
          tooltip: [
            {field: "name", title: "Which"},
            {field: "text", title: kind.axis},
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

const overlapSpec = (overlap, items) => (width, t) => {
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
        title: `share of the test ${items} (%)`,
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
  if (!r.fusion.rows.some((row) => row.how !== "alone")) return null;
  const {rows, overlap, reference} = r.fusion;
  const gain = (row) => (known(reference) && known(row.score) ? row.score - reference : null);
  const columns = [
    {
      title: "Way",
      value: (row) => row.name,
      text: true,
      show: (name, row) => [familyLabel(row.family, name), h("span", {class: "kind"}, row.how)],
    },
    {...scoreColumn(r), best: null},
    {
      title: "Gain",
      unit: r.score.points,
      value: gain,
      show: (value) => h("span", {class: !value ? null : value > 0 === r.score.higher ? "up" : "down"}, signed(value)),
    },
    {title: "Latency p50", unit: "ms, batch 1", value: (row) => row.latencyP50, show: significant},
    {title: "Parameters", unit: "M", value: (row) => row.params, show: millions},
    {title: "MACs", unit: `M per ${r.item}`, value: (row) => row.macs, show: millions},
  ].filter((c) => rows.some((row) => known(c.value(row)) || c.text));
  return section(
    "fusion",
    "What fusion gains",
    "Three ways to join a CNN and a Transformer, beside the two alone: one hybrid architecture, averaging their probabilities (late fusion, at the cost of both), and training the Transformer with the CNN as its teacher (distillation).",
    chart(
      `Dot chart: ${r.score.title} of the single models and of each way of fusing them`,
      fusionSpec(rows, r.score),
    ),
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
            `Stacked bar: share of test ${r.items} that both, one or neither of the two models label right`,
            overlapSpec(overlap, r.items),
          ),
        ]
      : null,
  );
};
