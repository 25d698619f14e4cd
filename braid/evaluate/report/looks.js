// What each model looks at, on the same images.
const looksSection = (r) => {
  const models = r.models.filter((m) => r.looks[m.name]);
  if (!models.length && !r.withoutLooks.length) return null;
  const images = models.length ? r.looks[models[0].name].images : [];
  const far = models.filter((m) => r.looks[m.name].attention.length);
  const cell = (m, i) => {
    const look = r.looks[m.name].images[i];
    if (!look) return h("td", {});
    const alt = `What ${m.name} looks at in a ${r.item} of class ${look.truth}, which it takes for ${look.predicted}`;
    return h(
      "td",
      {},
      h("img", {src: look.map, alt, loading: "lazy", width: "112"}),
      h(
        "p",
        {class: look.predicted === look.truth ? "note" : "note down"},
        look.predicted,
        known(look.confidence) ? ` ${fixed(0)(100 * look.confidence)}%` : "",
      ),
    );
  };
  const gallery = h(
    "div",
    {class: "scroll", tabindex: "0", role: "region", "aria-label": "What each model looks at"},
    h(
      "table",
      {class: "looks"},
      h("caption", {}, "Grad-CAM of the predicted class: bright is what speaks for it"),
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          h("th", {class: "text", scope: "col"}, "Image"),
          models.map((m) => h("th", {scope: "col"}, familyLabel(m.family, m.name))),
        ),
      ),
      h(
        "tbody",
        {},
        images.map((image, i) =>
          h(
            "tr",
            {},
            h(
              "th",
              {scope: "row", class: "text"},
              h("img", {src: image.image, alt: `Test ${r.item} of class ${image.truth}`, loading: "lazy", width: "112"}),
              h("p", {class: "note"}, image.truth),
            ),
            models.map((m) => cell(m, i)),
          ),
        ),
      ),
    ),
  );
  const rows = far.flatMap((m) =>
    r.looks[m.name].attention.map((layer) => ({
      model: m.name,
      family: m.family,
      layer: layer.layer,
      heads: layer.distance.length,
      near: Math.min(...layer.distance),
      mean: mean(layer.distance),
      far: Math.max(...layer.distance),
      side: (100 * mean(layer.distance)) / Math.max(...r.looks[m.name].size),
    })),
  );
  return section(
    "looks",
    "What each model looks at",
    `The same test ${r.items} for every model. braid explain makes such maps of any ${r.item} and measures whether they are true.`,
    models.length ? gallery : null,
    r.withoutLooks.map((m) => h("p", {class: "note"}, `${m.name} has no maps: ${m.error}`)),
    rows.length
      ? h(
          "details",
          {},
          h("summary", {}, "How far attention looks"),
          table(
            "Mean distance between a place and what it attends to, in pixels of the model's input",
            [
              {title: "Model", value: (p) => p.model, text: true, show: (name, p) => familyLabel(p.family, name)},
              {title: "Layer", value: (p) => p.layer, text: true},
              {title: "Heads", value: (p) => p.heads},
              {title: "Nearest head", unit: "px", value: (p) => p.near, show: fixed(1)},
              {title: "Mean", unit: "px", value: (p) => p.mean, show: fixed(1)},
              {title: "Farthest head", unit: "px", value: (p) => p.far, show: fixed(1)},
              {title: "Mean", unit: "% of the side", value: (p) => p.side, show: fixed(0)},
            ],
            rows,
          ),
        )
      : null,
  );
};
