// Charts: Vega-Lite specifications drawn as SVG, drawn again when the width or the theme changes.
const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const theme = () => ({
  text: style("--text"),
  muted: style("--muted"),
  line: style("--line"),
  page: style("--page"),
  card: style("--card"),
  winner: style("--winner-line"),
  family: Object.fromEntries(Object.keys(FAMILIES).map((name) => [name, style(`--${name}`)])),
});
// The encoding of a point's shape by its family.
const familyShape = () => ({
  field: "family",
  type: "nominal",
  legend: null,
  scale: {domain: Object.keys(FAMILIES), range: Object.values(FAMILIES).map((f) => f.shape)},
});
const chartConfig = (t) => ({
  background: "transparent",
  font: style("--sans").replaceAll('"', "'"),
  view: {stroke: null},
  axis: {
    labelColor: t.muted,
    titleColor: t.muted,
    domainColor: t.line,
    tickColor: t.line,
    gridColor: t.line,
    gridOpacity: 0.7,
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: "normal",
    labelFlush: false,
    labelPadding: 5,
    titlePadding: 9,
  },
  legend: {
    labelColor: t.text,
    titleColor: t.muted,
    labelFontSize: 12,
    titleFontSize: 12,
    symbolSize: 90,
    labelLimit: 260,
    titleFontWeight: "normal",
  },
  header: {labelColor: t.text, labelFontSize: 12.5, labelFontWeight: 600, title: null},
  text: {color: t.text, fontSize: 12},
});

// The tooltip of Vega's marks: a value per line, as text.
const showTooltip = (handler, event, item, value) => {
  const box = document.getElementById("tooltip");
  box.hidden = value === null || value === undefined || value === "";
  if (box.hidden) return;
  const pairs = typeof value === "object" ? Object.entries(value) : [["", String(value)]];
  box.replaceChildren(
    h(
      "table",
      {},
      pairs.map(([name, text]) => h("tr", {}, h("td", {}, name), h("td", {}, String(text)))),
    ),
  );
  const point = event.touches ? event.touches[0] : event;
  const left = Math.min(point.clientX + 14, window.innerWidth - box.offsetWidth - 8);
  const below = point.clientY + 16 + box.offsetHeight < window.innerHeight;
  box.style.left = `${Math.max(8, left)}px`;
  box.style.top = `${below ? point.clientY + 16 : point.clientY - box.offsetHeight - 12}px`;
};

const charts = [];
const draw = (chart) => {
  const width = Math.floor(chart.element.clientWidth);
  if (width < 40) return;
  chart.width = width;
  try {
    const t = theme();
    const spec = {
      description: chart.description,
      config: chartConfig(t),
      padding: 2,
      ...chart.spec(width, t),
    };
    if (!spec.autosize) spec.autosize = {type: "fit", contains: "padding"};
    const view = new vega.View(vega.parse(vegaLite.compile(spec).spec), {
      renderer: "svg",
      container: chart.element,
      hover: true,
      logLevel: vega.Warn,
      tooltip: showTooltip,
    });
    if (chart.view) chart.view.finalize();
    chart.view = view;
    view.run();
    chart.element.dataset.drawn = "true";
  } catch (error) {
    chart.element.replaceChildren(
      h("p", {class: "failure"}, `This chart could not be drawn: ${error.message}`),
    );
    console.error(error);
  }
};
// spec(width, theme) gives a Vega-Lite specification for a width in pixels. description: read aloud in its place.
const chart = (description, spec, caption = null) => {
  const element = h("div", {class: "chart"});
  charts.push({element, spec, description});
  return h("figure", {}, element, caption ? h("figcaption", {}, caption) : null);
};
const drawAll = () => charts.forEach(draw);
const redraw = (figure) =>
  charts.filter((c) => figure.contains(c.element) && c.element.isConnected).forEach(draw);

const narrow = (width) => width < 560;

// Lines of the same family share their colour and differ by their dashes.
const DASHES = [
  [1, 0],
  [7, 4],
  [2, 3],
  [10, 3, 2, 3],
];
const modelStyles = (models) => {
  const seen = {};
  return models.map(({name, family}) => ({
    name,
    family,
    dash: DASHES[(seen[family] = (seen[family] ?? -1) + 1) % DASHES.length],
  }));
};
// One legend for every chart of lines, as text that wraps.
const modelLegend = (models) =>
  h(
    "ul",
    {class: "legend"},
    modelStyles(models).map(({name, family, dash}) => {
      const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      for (const [key, value] of [
        ["viewBox", "0 0 30 8"],
        ["width", "30"],
        ["height", "8"],
        ["aria-hidden", "true"],
      ])
        svg.setAttribute(key, value);
      const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
      for (const [key, value] of [
        ["d", "M0 4h30"],
        ["stroke", "currentColor"],
        ["stroke-width", "2.5"],
        ["stroke-dasharray", dash.join(" ")],
      ])
        line.setAttribute(key, value);
      svg.append(line);
      return h("li", {}, h("span", {class: "family"}, h("span", {class: family}, svg), name));
    }),
  );
// Adds a line and points per `model` to a specification with data and x, y. tooltip: fields beside the model's name.
const lineChart = (models, t, spec, tooltip, size = 70) => {
  const styles = modelStyles(models),
    domain = styles.map((s) => s.name);
  const color = {
    field: "model",
    type: "nominal",
    legend: null,
    scale: {domain, range: styles.map((s) => t.family[s.family])},
  };
  const strokeDash = {
    field: "model",
    type: "nominal",
    legend: null,
    scale: {domain, range: styles.map((s) => s.dash)},
  };
  return {
    ...spec,
    layer: [
      {mark: {type: "line", strokeWidth: 2.25}, encoding: {color, strokeDash}},
      {
        mark: {type: "point", filled: true, size, opacity: 1},
        encoding: {color, tooltip: [{field: "model", title: "Model"}, ...tooltip]},
      },
    ],
  };
};
