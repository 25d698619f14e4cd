// Where models err: the confusion matrix and the images behind it.
const LABELLED_CLASSES = 25; // more do not fit as axis labels

const confusionCells = (matrix, classes) =>
  matrix.flatMap((row, i) => {
    const total = row.reduce((sum, n) => sum + n, 0);
    return row.map((count, j) => ({
      truthName: classes[i],
      predictedName: classes[j],
      count,
      share: total ? (100 * count) / total : 0,
      text: total ? `${fixed(1)((100 * count) / total)}%` : "–",
      right: i === j,
    }));
  });

const confusionSpec = (r, model) => (width, t) => {
  const classes = r.classes(r.confusion[model].length);
  const cells = confusionCells(r.confusion[model], classes),
    count = classes.length;
  const labelled = count <= LABELLED_CLASSES;
  const side = Math.min(width, 640);
  const axis = (title) => ({
    title,
    labels: labelled,
    ticks: false,
    domain: false,
    labelLimit: narrow(width) ? 74 : 130,
    labelColor: t.text,
    labelFontSize: narrow(width) ? 10 : 12,
  });
  // An explicit domain, not `sort`: Vega-Lite would turn the names into an expression.
  const position = {type: "ordinal", scale: {domain: classes, paddingInner: count <= 40 ? 0.05 : 0}};
  const fill =
    currentTheme() === "dark" ? ["#1b232c", "#2f6f9f", "#8fd0ff"] : ["#f1f4f7", "#7db8dd", "#00508a"];
  const showNumbers = labelled && side / count > 26;
  return {
    width: side,
    height: side,
    data: {values: cells},
    encoding: {
      x: {
        field: "predictedName",
        ...position,
        axis: {...axis("Predicted"), labelAngle: -45, orient: "bottom"},
      },
      y: {field: "truthName", ...position, axis: axis("True")},
    },
    layer: [
      {
        mark: {type: "rect"},
        encoding: {
          color: {
            field: "share",
            type: "quantitative",
            scale: {domain: [0, 100], range: fill, interpolate: "rgb", type: "sqrt"},
            legend: narrow(width)
              ? null
              : {title: "% of the true class", gradientLength: 180, values: [0, 5, 25, 50, 100]},
          },
          tooltip: [
            {field: "truthName", title: "True"},
            {field: "predictedName", title: "Predicted"},
            {field: "count", title: "Count"},
            {field: "text", title: "Of the true class"},
          ],
        },
      },
      ...(showNumbers
        ? [
            {
              transform: [{filter: "datum.share >= 0.5"}],
              mark: {type: "text", fontSize: side / count > 44 ? 11.5 : 9.5},
              encoding: {
                text: {field: "share", type: "quantitative", format: ".0f"},
                color: {
                  condition: {
                    test: "datum.share > 30",
                    value: currentTheme() === "dark" ? "#06121c" : "#ffffff",
                  },
                  value: t.text,
                },
              },
            },
          ]
        : []),
    ],
  };
};

// Of several trainings the scores are means, the errors those of the first; null: there is one, or
// its folds are all of the data.
const ofOneTraining = (r) => {
  if (r.testedByFold) return r.seeds > 1 ? "Of all folds of the first seed; the scores above are means over the seeds." : null;
  return r.seeds * r.folds > 1 ? `Of the first of ${r.seeds * r.folds} trainings; the scores above are their means.` : null;
};

const confusionSection = (r) => {
  const names = r.models.map((m) => m.name).filter((name) => r.confusion[name]);
  if (!names.length) return null;
  let model = names.includes(r.recommendation.model) ? r.recommendation.model : names[0];
  const figure = chart(
    "Heat map: the confusion matrix of the chosen model",
    (width, t) => confusionSpec(r, model)(width, t),
    "Rows are the true classes, columns the predicted ones, numbers are percent of the row. Shares under half a percent are left blank.",
  );
  const pairs = h("div");
  const show = (name) => {
    model = name;
    const matrix = r.confusion[name];
    const wrong = confusionCells(matrix, r.classes(matrix.length))
      .filter((c) => !c.right && c.count > 0)
      .sort((a, b) => b.count - a.count)
      .slice(0, 10);
    pairs.replaceChildren(
      wrong.length
        ? table(
            "Most frequent confusions",
            [
              {title: "True", value: (c) => c.truthName, text: true},
              {title: "Predicted", value: (c) => c.predictedName, text: true},
              {title: "Count", value: (c) => c.count},
              {title: "Share", unit: "% of the true class", value: (c) => c.share, show: fixed(1)},
            ],
            wrong,
          )
        : h("p", {}, `No test ${r.item} is mistaken.`),
    );
    redraw(figure);
  };
  return section(
    "confusion",
    "Confusion matrix",
    ofOneTraining(r),
    choice("Model:", names, show, model),
    h("div", {class: "pair wide-first"}, figure, pairs),
  );
};

const misclassifiedSection = (r) => {
  const names = r.models.map((m) => m.name).filter((name) => (r.misclassified[name] ?? []).length);
  if (!names.length) return null;
  const list = h("ul", {class: "gallery"});
  const show = (name) =>
    list.replaceChildren(
      ...r.misclassified[name].map((e) =>
        h(
          "li",
          {},
          e.image
            ? h("img", {
                src: e.image,
                loading: "lazy",
                alt: `Test ${r.item} of class ${e.truth}, taken for ${e.predicted}`,
                onload: (event) => {
                  if (event.target.naturalWidth <= 64) event.target.classList.add("small");
                },
              })
            : null,
          e.text !== null ? h("blockquote", {}, String(e.text)) : null,
          h(
            "p",
            {},
            h("span", {class: "down"}, e.predicted),
            known(e.confidence) ? ` ${fixed(0)(100 * e.confidence)}%` : "",
            h("br"),
            h("span", {class: "note"}, `is ${e.truth}`),
          ),
          e.file ? h("p", {class: "note mono"}, e.file) : null,
        ),
      ),
    );
  return section(
    "misclassified",
    "Misclassified examples",
    `Test ${r.items} that the model is wrong about, the surest mistakes first: what it saw, how sure it was, and what the label says. ${ofOneTraining(r) ?? ""}`.trim(),
    choice("Model:", names, show, names.includes(r.recommendation.model) ? r.recommendation.model : names[0]),
    list,
  );
};
