// Building blocks of the page. Text only ever enters as text nodes, never as markup.
const h = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
};

// Each family has one colour and one shape, everywhere.
const FAMILIES = {
  cnn: {label: "CNN", shape: "circle", path: "M5 0a5 5 0 1 0 .01 0z"},
  transformer: {label: "Transformer", shape: "square", path: "M.5.5h9v9h-9z"},
  hybrid: {label: "Hybrid", shape: "triangle-up", path: "M5 .3 10 9.5H0z"},
  combined: {label: "Combination", shape: "diamond", path: "M5-.3 10.3 5 5 10.3-.3 5z"},
};
const familyMark = (family) => {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [name, value] of [
    ["viewBox", "-1 -1 12 12"],
    ["width", "12"],
    ["height", "12"],
    ["aria-hidden", "true"],
  ])
    svg.setAttribute(name, value);
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", FAMILIES[family].path);
  path.setAttribute("fill", "currentColor");
  svg.append(path);
  return svg;
};
const familyLabel = (family, text = FAMILIES[family].label) =>
  h("span", {class: "family"}, h("span", {class: family}, familyMark(family)), text);

// Numbers. Every formatter gives an en dash for what was not measured.
const known = (value) => typeof value === "number" && Number.isFinite(value);
const fixed = (digits) => (value) => (known(value) ? value.toFixed(digits).replace("-", "−") : "–");
const significant = (value) => {
  if (!known(value)) return "–";
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 1 ? 2 : 3;
  return value.toLocaleString("en", {minimumFractionDigits: digits, maximumFractionDigits: digits});
};
const scaled = (unit) => (value) => significant(known(value) ? value / unit : value);
const millions = scaled(1e6),
  mebibytes = scaled(2 ** 20);
const signed = (value) => (known(value) ? (value > 0 ? "+" : "") + fixed(2)(value) : "–");
const duration = (seconds) => {
  if (!known(seconds)) return "–";
  const [unit, name] = seconds < 90 ? [1, "s"] : seconds < 5400 ? [60, "min"] : [3600, "h"];
  return `${(seconds / unit).toLocaleString("en", {maximumSignificantDigits: 3})} ${name}`;
};

const section = (id, title, lead, ...children) =>
  h(
    "section",
    {id, "aria-labelledby": `${id}-title`},
    h("h2", {id: `${id}-title`}, title),
    lead ? h("p", {class: "lead"}, lead) : null,
    ...children,
  );

// columns: {title, unit, value(row), show(value, row), text, best: "high"|"low"}.
// A header is a button that sorts by its column.
const table = (caption, columns, rows, {rowClass = () => null, sort = null} = {}) => {
  const best = columns.map(({value, best}) => {
    const values = rows.map(value).filter(known);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return !best || !(low < high) ? null : best === "high" ? high : low;
  });
  const body = h("tbody");
  const fill = (ordered) =>
    body.replaceChildren(
      ...ordered.map((row) =>
        h(
          "tr",
          {class: rowClass(row)},
          columns.map(({value, show = String, text}, i) => {
            const shown = show(value(row), row);
            const cell =
              best[i] !== null && value(row) === best[i] ? h("span", {class: "best"}, shown) : shown;
            return i === 0 ? h("th", {scope: "row"}, cell) : h("td", {class: text ? "text" : null}, cell);
          }),
        ),
      ),
    );
  const headers = columns.map(({title, unit, text}) =>
    h(
      "th",
      {scope: "col", class: text ? "text" : null},
      h("button", {type: "button"}, title),
      unit ? h("small", {}, unit) : null,
    ),
  );
  const sortBy = (i, descending) => {
    headers.forEach((header) => header.removeAttribute("aria-sort"));
    headers[i].setAttribute("aria-sort", descending ? "descending" : "ascending");
    const key = columns[i].value;
    fill(
      [...rows].sort((a, b) => {
        const [x, y] = [key(a), key(b)];
        if (typeof x === "string") return descending ? y.localeCompare(x) : x.localeCompare(y);
        if (!known(x) || !known(y)) return known(y) - known(x); // unknown values last
        return descending ? y - x : x - y;
      }),
    );
  };
  headers.forEach((header, i) =>
    header.firstChild.addEventListener("click", () =>
      sortBy(
        i,
        header.getAttribute("aria-sort")
          ? header.getAttribute("aria-sort") === "ascending"
          : columns[i].best === "high",
      ),
    ),
  );
  fill(rows);
  if (sort !== null) sortBy(sort, columns[sort].best === "high");
  return h(
    "div",
    {class: "scroll", tabindex: "0", role: "region", "aria-label": caption},
    h("table", {}, h("caption", {}, caption), h("thead", {}, h("tr", {}, headers)), body),
  );
};

// A labelled choice; show(value) is called at once and at every change.
const choice = (label, values, show, chosen = values[0]) => {
  const id = `choice-${document.querySelectorAll("select").length}-${Math.random().toString(36).slice(2)}`;
  const select = h(
    "select",
    {id, onchange: () => show(select.value)},
    values.map((value) => h("option", {value, selected: value === chosen}, value)),
  );
  show(chosen);
  return h("div", {class: "pick"}, h("label", {for: id}, label), select);
};
