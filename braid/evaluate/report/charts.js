// Charts: Vega-Lite specifications drawn as SVG, drawn again when the width or the theme changes.
const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const theme = () => ({
  text: style("--text"), muted: style("--muted"), line: style("--line"), page: style("--page"), card: style("--card"),
  winner: style("--winner-line"), family: Object.fromEntries(Object.keys(FAMILIES).map((name) => [name, style(`--${name}`)])),
});
const chartConfig = (t) => ({
  background: "transparent", font: style("--sans").replaceAll('"', "'"), view: {stroke: null},
  axis: {labelColor: t.muted, titleColor: t.muted, domainColor: t.line, tickColor: t.line, gridColor: t.line,
         gridOpacity: 0.7, labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal", labelPadding: 5, titlePadding: 9},
  legend: {labelColor: t.text, titleColor: t.muted, labelFontSize: 12, titleFontSize: 12, symbolSize: 90, labelLimit: 260,
           titleFontWeight: "normal"},
  header: {labelColor: t.text, labelFontSize: 12.5, labelFontWeight: 600, title: null},
  text: {color: t.text, fontSize: 12},
});

// The tooltip of Vega's marks: a value per line, as text.
const showTooltip = (handler, event, item, value) => {
  const box = document.getElementById("tooltip");
  box.hidden = value === null || value === undefined || value === "";
  if (box.hidden) return;
  const pairs = typeof value === "object" ? Object.entries(value) : [["", String(value)]];
  box.replaceChildren(h("table", {}, pairs.map(([name, text]) => h("tr", {}, h("td", {}, name), h("td", {}, String(text))))));
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
    const spec = {description: chart.description, config: chartConfig(t), padding: 2, ...chart.spec(width, t)};
    if (!spec.autosize) spec.autosize = {type: "fit", contains: "padding"};
    const view = new vega.View(vega.parse(vegaLite.compile(spec).spec), {
      renderer: "svg", container: chart.element, hover: true, logLevel: vega.Warn, tooltip: showTooltip});
    if (chart.view) chart.view.finalize();
    chart.view = view;
    view.run();
    chart.element.dataset.drawn = "true";
  } catch (error) {
    chart.element.replaceChildren(h("p", {class: "failure"}, `This chart could not be drawn: ${error.message}`));
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
const redraw = (figure) => charts.filter((c) => figure.contains(c.element) && c.element.isConnected).forEach(draw);

// Narrow screens get the legend below the picture and fewer ticks.
const narrow = (width) => width < 560;
const legendBelow = (width) => narrow(width) ? {orient: "bottom", columns: 2, offset: 6} : {orient: "right"};

// Lines of the same family share their colour and differ by dash and shade.
const DASHES = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3]];
const modelStyles = (models) => {
  const seen = {};
  return models.map(({name, family}) => ({name, family, dash: DASHES[(seen[family] = (seen[family] ?? -1) + 1) % DASHES.length],
                                          shade: seen[family]}));
};
const modelScales = (models, t) => {
  const styles = modelStyles(models), domain = styles.map((s) => s.name);
  return {
    color: {domain, range: styles.map((s) => t.family[s.family])},
    dash: {domain, range: styles.map((s) => s.dash)},
    shape: {domain, range: styles.map((s) => FAMILIES[s.family].shape)},
  };
};
// Colour, dash and shape of a field `model`, with one legend for the three.
const modelEncoding = (models, t, width, place = legendBelow(width)) => {
  const scales = modelScales(models, t);
  const legend = {title: null, ...place};
  return {
    color: {field: "model", type: "nominal", scale: scales.color, legend},
    strokeDash: {field: "model", type: "nominal", scale: scales.dash, legend},
  };
};
