// How each model learns.
const quantitiesOf = (kind) => ({
  [`validation ${kind.unit ? `${kind.title} (${kind.unit})` : kind.title}`]: {
    key: "valScore",
    title: `Validation ${kind.unit ? `${kind.title} (${kind.unit})` : kind.title}`,
  },
  "training loss": {key: "trainLoss", title: "Training loss"},
  "validation loss": {key: "valLoss", title: "Validation loss"},
});
const AXES = {
  "training time": {key: "seconds"},
  epochs: {key: "epoch"},
};
const curvesSection = (r) => {
  const offered = (choices) =>
    Object.fromEntries(Object.entries(choices).filter(([, c]) => r.curves.some((p) => known(p[c.key]))));
  const quantities = offered(quantitiesOf(r.score)),
    axes = offered(AXES);
  if (!Object.keys(quantities).length || !Object.keys(axes).length) return null;
  let quantity = Object.values(quantities)[0],
    axis = Object.values(axes)[0];
  const models = r.models.filter((m) => r.curves.some((p) => p.model === m.name));
  const longest = Math.max(...r.curves.map((p) => p.seconds).filter(known), 0);
  const spec = (width, t) => {
    const [unit, title] =
      axis.key === "epoch"
        ? [1, "Epoch"]
        : longest > 5400
          ? [3600, "Training time (h)"]
          : longest > 300
            ? [60, "Training time (min)"]
            : [1, "Training time (s)"];
    const values = r.curves
      .filter((p) => known(p[quantity.key]) && known(p[axis.key]))
      .map((p) => ({
        model: p.model,
        x: p[axis.key] / unit,
        y: p[quantity.key],
        text: significant(p[quantity.key]),
        at: significant(p[axis.key] / unit),
      }));
    return lineChart(
      models,
      t,
      {
        width,
        height: narrow(width) ? 280 : 360,
        data: {values},
        encoding: {
          x: {
            field: "x",
            type: "quantitative",
            title,
            axis: {grid: false, tickCount: narrow(width) ? 5 : 10},
            scale: {nice: false, zero: axis.key === "seconds"},
          },
          y: {field: "y", type: "quantitative", title: quantity.title, scale: {zero: false}},
        },
      },
      [
        {field: "at", title},
        {field: "text", title: quantity.title},
      ],
      28,
    );
  };
  const figure = chart("Line chart: how each model learns", spec);
  return section(
    "curves",
    "Learning curves",
    `After every epoch, on ${r.items} that were not trained on; the loss on those that were.`,
    h(
      "div",
      {class: "pick"},
      choice("Show", Object.keys(quantities), (name) => {
        quantity = quantities[name];
        redraw(figure);
      }),
      choice("against", Object.keys(axes), (name) => {
        axis = axes[name];
        redraw(figure);
      }),
    ),
    modelLegend(models),
    figure,
  );
};
