// Puts the page together from the sections that the results have.
const methodSection = (r) =>
  section(
    "method",
    "How it was measured",
    null,
    r.method.length
      ? h(
          "dl",
          {class: "meta"},
          r.method.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
        )
      : null,
    r.recipes.length
      ? h(
          "details",
          {},
          h("summary", {}, "Settings and training recipe of each model"),
          r.recipes.map(([name, recipe]) => [
            h("h3", {}, name),
            h(
              "dl",
              {class: "meta"},
              Object.entries(recipe).map(([key, value]) => [
                h("dt", {}, key),
                h("dd", {class: "mono"}, typeof value === "object" ? JSON.stringify(value) : String(value)),
              ]),
            ),
          ]),
        )
      : null,
    h("p", {class: "note"}, "results.json, written beside this file, holds all numbers for programs."),
  );

const build = () => {
  const results = readResults(JSON.parse(document.getElementById("results").textContent));
  const sections = [
    verdict,
    modelsSection,
    paretoSection,
    shipsSection,
    fusionSection,
    curvesSection,
    efficiencySection,
    robustnessSection,
    shuffleSection,
    looksSection,
    confusionSection,
    misclassifiedSection,
    methodSection,
  ];
  document.getElementById("main").replaceChildren(...sections.map((make) => make(results)).filter(Boolean));
  drawAll();
};

build();
document
  .getElementById("theme")
  .addEventListener("click", () => setTheme(currentTheme() === "dark" ? "light" : "dark"));
document.addEventListener("themechange", drawAll);
// In the next frame: a chart's new height must not resize what is being observed.
new ResizeObserver(() =>
  requestAnimationFrame(() =>
    charts
      .filter((c) => c.element.isConnected && c.width !== Math.floor(c.element.clientWidth))
      .forEach(draw),
  ),
).observe(document.body);
window.addEventListener(
  "scroll",
  () => {
    document.getElementById("tooltip").hidden = true;
  },
  {passive: true},
);
// Paper is white.
let screenTheme = "";
window.addEventListener("beforeprint", () => {
  screenTheme = currentTheme();
  setTheme("light");
});
window.addEventListener("afterprint", () => setTheme(screenTheme));
