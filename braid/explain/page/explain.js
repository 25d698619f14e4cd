// What `braid explain` found, item by item.
const results = JSON.parse(document.getElementById("results").textContent);
const percent = (value) => (known(value) ? `${fixed(1)(100 * value)}%` : "–");

const picture = (name, alt) => h("img", {src: `data:image/png;base64,${results.pictures[name]}`, alt, loading: "lazy"});

const mapItem = (image, map) =>
  h(
    "li",
    {},
    picture(map.picture, `${map.method} for ${image.target}`),
    h("p", {}, h("strong", {}, map.method)),
    map.layer ? h("p", {class: "note mono"}, map.layer) : null,
    (map.distance ?? []).length
      ? h("p", {class: "note"}, `looks ${map.distance.map(fixed(1)).join(", ")} px far, head by head`)
      : null,
    map.method === "integrated-gradients"
      ? h("p", {class: "note"}, `sums to ${fixed(3)(map.sum)} of a logit's ${fixed(3)(map.total)}`)
      : null,
  );

const imageSection = (image, i) =>
  section(
    `image-${i}`,
    image.file,
    `${image.target}, ${percent(image.probability)}${image.predicted === image.target ? "" : `; predicted is ${image.predicted}`}`,
    h(
      "ul",
      {class: "maps"},
      h("li", {}, picture(image.picture, "as the model sees it"), h("p", {}, "as the model sees it")),
      image.maps.map((map) => mapItem(image, map)),
    ),
  );

const textSection = (text, i) => {
  const most = Math.max(...text.tokens.map((t) => Math.abs(t.attribution)), 1e-12);
  const colour = (value) =>
    `background: color-mix(in srgb, var(${value > 0 ? "--good" : "--bad"}) ${Math.round((60 * Math.abs(value)) / most)}%, transparent)`;
  const line = (tokens) =>
    h(
      "p",
      {class: "tokens"},
      tokens.map((t) => [h("span", {style: colour(t.attribution), title: fixed(4)(t.attribution)}, t.token), " "]),
    );
  const second = text.tokens.findIndex((t) => t.sequence === 1);
  const begin = second < 0 ? text.tokens.length : second;
  return section(
    `text-${i}`,
    text.target,
    `${percent(text.probability)}; green speaks for the class, orange against it`,
    line(text.tokens.slice(0, begin)),
    begin < text.tokens.length ? line(text.tokens.slice(begin)) : null,
    text.truncated > 0 ? h("p", {class: "note"}, `The model does not read ${text.truncated} more tokens at the end.`) : null,
  );
};

const fieldSection = (field) =>
  section(
    "receptive-field",
    "Effective receptive field",
    `What the middle cell of ${field.layer} depends on: a square of ${percent(field.side_50)} of the image's side holds half of the gradient, one of ${percent(field.side_99)} holds 99%. Mean of ${field.images} images.`,
    h("ul", {class: "maps"}, h("li", {}, picture(field.picture, "gradient by pixel"))),
  );

const checkSection = (check) =>
  section(
    "check",
    "Are these explanations faithful?",
    "Deletion: the class's probability while the pixels that matter most are taken away, so lower is better. Insertion: while they are put back, higher is better. Both against a random order. Planted patches: how often the map's largest cell lies on the patch that makes the class. Randomized weights: the rank correlation of the map with that of a model whose layers were replaced by noise, from the last one down; what does not change does not explain the model.",
    table(
      "Faithfulness, by method",
      [
        {title: "Method", value: (c) => c.method, text: true},
        {title: "Deletion", unit: "AUC", value: (c) => c.deletion, show: fixed(3)},
        {title: "random", value: (c) => c.random_deletion, show: fixed(3)},
        {title: "Insertion", unit: "AUC", value: (c) => c.insertion, show: fixed(3)},
        {title: "random", value: (c) => c.random_insertion, show: fixed(3)},
        {title: "Planted patches", unit: "found", value: (c) => c.pointing, show: percent},
        {title: "chance", value: (c) => c.pointing_chance, show: percent},
        {title: "Randomized weights", unit: "correlation", value: (c) => c.randomized, show: fixed(2)},
        {title: "Verdict", value: (c) => c.verdict, text: true},
      ],
      check,
    ),
  );

document.getElementById("main").replaceChildren(
  ...[
    h(
      "section",
      {class: "verdict"},
      h("h1", {}, results.model),
      h("p", {class: "context"}, results.checkpoint),
    ),
    ...(results.check ?? []).length ? [checkSection(results.check)] : [],
    ...(results.images ?? []).map(imageSection),
    ...(results.texts ?? []).map(textSection),
    ...(results.receptive_field ? [fieldSection(results.receptive_field)] : []),
  ],
);
document
  .getElementById("theme")
  .addEventListener("click", () => setTheme(currentTheme() === "dark" ? "light" : "dark"));
