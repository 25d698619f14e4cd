// What each family is good at: little data, bad images, texture or layout.
const efficiencySection = (r) => {
  if (!r.efficiency.length) return null;
  const models = r.models.filter((m) => r.efficiency.some((p) => p.model === m.name));
  const fractions = [...new Set(r.efficiency.map((p) => p.fraction))].sort((a, b) => a - b);
  const spec = (width, t) =>
    lineChart(
      models,
      t,
      {
        width,
        height: narrow(width) ? 280 : 340,
        data: {
          values: r.efficiency.map((p) => ({...p, percent: p.fraction * 100, text: `${fixed(2)(p.top1)}%`})),
        },
        encoding: {
          x: {
            field: "percent",
            type: "quantitative",
            title: "Training data used (%, log scale)",
            scale: {type: "log", nice: false},
            axis: {values: fractions.map((f) => f * 100), grid: false, format: "~g"},
          },
          y: {field: "top1", type: "quantitative", title: "Top-1 accuracy (%)", scale: {zero: false}},
        },
      },
      [
        {field: "percent", title: "Data used (%)"},
        {field: "text", title: "Top-1"},
      ],
    );
  const at = (model, fraction) =>
    (r.efficiency.find((p) => p.model === model.name && p.fraction === fraction) ?? {}).top1;
  return section(
    "efficiency",
    "Sample efficiency",
    "Accuracy of the same recipe when only a part of the training images is used.",
    modelLegend(models),
    chart("Line chart: accuracy of each model against the share of the training data", spec),
    h(
      "details",
      {},
      h("summary", {}, "Table"),
      table(
        "Top-1 accuracy (%) by share of the training data",
        [
          {title: "Model", value: (m) => m.name, text: true, show: (name, m) => familyLabel(m.family, name)},
          ...fractions.map((f) => ({
            title: `${(f * 100).toLocaleString("en", {maximumSignificantDigits: 3})}%`,
            value: (m) => at(m, f),
            show: fixed(2),
            best: "high",
          })),
        ],
        models,
      ),
    ),
  );
};

const mean = (values) => (values.length ? values.reduce((sum, v) => sum + v, 0) / values.length : null);

const robustnessSection = (r) => {
  if (!r.robustness.length) return null;
  const models = r.models.filter((m) => r.robustness.some((p) => p.model === m.name));
  const corruptions = [...new Set(r.robustness.map((p) => p.corruption))];
  const lines = (width, t) => {
    const columns = narrow(width) ? 2 : 3,
      gap = narrow(width) ? 18 : 26;
    const each = Math.floor((width - 52 - gap * (columns - 1)) / columns);
    const clean = models.flatMap((m) =>
      known(m.top1)
        ? corruptions.map((corruption) => ({model: m.name, corruption, severity: 0, top1: m.top1}))
        : [],
    );
    return {
      autosize: "pad",
      columns,
      spacing: {column: gap, row: 22},
      data: {
        values: [...clean, ...r.robustness].map((p) => ({
          ...p,
          order: corruptions.indexOf(p.corruption),
          text: `${fixed(2)(p.top1)}%`,
        })),
      },
      facet: {field: "corruption", type: "nominal", sort: {field: "order", op: "min"}, header: {title: null}},
      spec: lineChart(
        models,
        t,
        {
          width: each,
          height: narrow(width) ? 130 : 160,
          encoding: {
            x: {
              field: "severity",
              type: "quantitative",
              title: "severity",
              axis: {values: [0, 1, 2, 3, 4, 5], grid: false, format: "d"},
            },
            y: {
              field: "top1",
              type: "quantitative",
              title: "top-1 (%)",
              axis: {tickCount: 4},
              scale: {zero: false},
            },
          },
        },
        [
          {field: "corruption", title: "Corruption"},
          {field: "severity", title: "Severity"},
          {field: "text", title: "Top-1"},
        ],
        18,
      ),
    };
  };
  const average = (model, corruption) =>
    mean(
      r.robustness
        .filter((p) => p.model === model.name && (!corruption || p.corruption === corruption))
        .map((p) => p.top1)
        .filter(known),
    );
  return section(
    "robustness",
    "Robustness",
    "Accuracy on the same test images, made worse in five steps of severity. Severity 0 is the clean image.",
    modelLegend(models),
    chart("Small line charts: accuracy of each model against the severity of each corruption", lines),
    table(
      "Mean top-1 (%) over the severities",
      [
        {title: "Model", value: (m) => m.name, text: true, show: (name, m) => familyLabel(m.family, name)},
        {title: "clean", value: (m) => m.top1, show: fixed(1), best: "high"},
        ...corruptions.map((c) => ({title: c, value: (m) => average(m, c), show: fixed(1), best: "high"})),
        {title: "mean of all", value: (m) => average(m), show: fixed(1), best: "high"},
      ],
      models,
    ),
  );
};

const shuffleSection = (r) => {
  if (!r.shuffled.length) return null;
  const models = r.models.filter((m) => r.shuffled.some((p) => p.model === m.name));
  const spec = (width, t) =>
    lineChart(
      models,
      t,
      {
        width,
        height: narrow(width) ? 260 : 320,
        data: {
          values: r.shuffled.map((p) => ({
            ...p,
            text: `${fixed(2)(p.top1)}%`,
            label: p.grid === 1 ? "whole" : `${p.grid} × ${p.grid}`,
          })),
        },
        encoding: {
          x: {
            field: "label",
            type: "ordinal",
            sort: {field: "grid"},
            title: "Image cut into patches and shuffled",
            axis: {labelAngle: 0, grid: false},
          },
          y: {field: "top1", type: "quantitative", title: "Top-1 accuracy (%)", scale: {zero: true}},
        },
      },
      [
        {field: "label", title: "Patches"},
        {field: "text", title: "Top-1"},
      ],
    );
  return section(
    "shuffle",
    "Texture or layout",
    "Shuffling patches keeps local texture and destroys global layout. A model that keeps its accuracy looks at texture; one that loses it looks at shape.",
    modelLegend(models),
    chart("Line chart: accuracy of each model against the number of shuffled patches", spec),
  );
};
