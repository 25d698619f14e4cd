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
          values: r.efficiency.map((p) => ({...p, percent: p.fraction * 100, text: r.score.text(p.score)})),
        },
        encoding: {
          x: {
            field: "percent",
            type: "quantitative",
            title: "Training data used (%, log scale)",
            scale: {type: "log", nice: false},
            axis: {values: fractions.map((f) => f * 100), grid: false, format: "~g"},
          },
          y: {field: "score", type: "quantitative", title: r.score.axis, scale: {zero: false}},
        },
      },
      [
        {field: "percent", title: "Data used (%)"},
        {field: "text", title: r.score.heading},
      ],
    );
  const at = (model, fraction) =>
    (r.efficiency.find((p) => p.model === model.name && p.fraction === fraction) ?? {}).score;
  return section(
    "efficiency",
    "Sample efficiency",
    `${r.score.heading} of the same recipe when only a part of the training ${r.items} is used.`,
    modelLegend(models),
    chart(`Line chart: ${r.score.title} of each model against the share of the training data`, spec),
    h(
      "details",
      {},
      h("summary", {}, "Table"),
      table(
        `${r.score.axis} by share of the training data`,
        [
          {title: "Model", value: (m) => m.name, text: true, show: (name, m) => familyLabel(m.family, name)},
          ...fractions.map((f) => ({
            title: `${(f * 100).toLocaleString("en", {maximumSignificantDigits: 3})}%`,
            value: (m) => at(m, f),
            show: fixed(2),
            best: r.score.best,
          })),
        ],
        models,
      ),
    ),
  );
};

// Version 1 of the results knows that of the whole test split alone.
const cleanScore = (m) => m.cleanScore ?? m.score;

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
      known(cleanScore(m))
        ? corruptions.map((corruption) => ({model: m.name, corruption, severity: 0, score: cleanScore(m)}))
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
          text: r.score.text(p.score),
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
              field: "score",
              type: "quantitative",
              title: narrow(width) ? r.score.unit : r.score.axis,
              axis: {tickCount: 4},
              scale: {zero: false},
            },
          },
        },
        [
          {field: "corruption", title: "Corruption"},
          {field: "severity", title: "Severity"},
          {field: "text", title: r.score.heading},
        ],
        18,
      ),
    };
  };
  const average = (model, corruption) =>
    mean(
      r.robustness
        .filter((p) => p.model === model.name && (!corruption || p.corruption === corruption))
        .map((p) => p.score)
        .filter(known),
    );
  return section(
    "robustness",
    "Robustness",
    `${r.score.heading} on the same test ${r.items}, made worse in five steps of severity. Severity 0 is clean.`,
    modelLegend(models),
    chart(`Small line charts: ${r.score.title} of each model against the severity of each corruption`, lines),
    table(
      `Mean ${r.score.title} over the severities`,
      [
        {title: "Model", value: (m) => m.name, text: true, show: (name, m) => familyLabel(m.family, name)},
        {title: "clean", value: cleanScore, show: fixed(1), best: r.score.best},
        ...corruptions.map((c) => ({title: c, value: (m) => average(m, c), show: fixed(1), best: r.score.best})),
        {title: "mean of all", value: (m) => average(m), show: fixed(1), best: r.score.best},
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
            text: r.score.text(p.score),
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
          y: {field: "score", type: "quantitative", title: r.score.axis, scale: {zero: true}},
        },
      },
      [
        {field: "label", title: "Patches"},
        {field: "text", title: r.score.heading},
      ],
    );
  return section(
    "shuffle",
    "Texture or layout",
    "Shuffling patches keeps local texture and destroys global layout. A model that keeps its accuracy looks at texture; one that loses it looks at shape.",
    modelLegend(models),
    chart(`Line chart: ${r.score.title} of each model against the number of shuffled patches`, spec),
  );
};
