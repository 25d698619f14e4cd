// What ships: the exported models in the engine that runs them, and what each family lost on the way.
const shipsSection = (r) => {
  const models = r.models.filter((m) => m.deployed);
  if (!models.length) return null;
  const measured = models.filter((m) => known(m.deployed.score));
  const speedup = (m) =>
    known(m.latencyP50) && m.deployed.latencyP50 > 0 ? m.latencyP50 / m.deployed.latencyP50 : null;
  const share = (m) =>
    known(m.deployed.bytes) && m.deployed.floatBytes > 0 ? m.deployed.bytes / m.deployed.floatBytes : null;
  const columns = [
    modelColumn(r),
    {
      title: r.score.heading,
      unit: `${r.score.unit} (95% interval)`.trim(),
      value: (m) => m.deployed.score,
      best: r.score.best,
      show: (value, m) => scoreCell(value, m.deployed),
    },
    {title: "In LibTorch", unit: r.score.unit, value: (m) => m.score, best: r.score.best, show: fixed(2)},
    {title: "Drop", unit: r.score.points, value: (m) => m.deployed.drop, best: "low", show: fixed(2)},
    {title: "Latency p50", unit: "ms, batch 1", value: (m) => m.deployed.latencyP50, best: "low", show: significant},
    {title: "In LibTorch", unit: "ms, batch 1", value: (m) => m.latencyP50, best: "low", show: significant},
    {title: "Faster", unit: "times", value: speedup, best: "high", show: fixed(2)},
    {title: "Throughput", unit: `${r.items}/s, batch 64`, value: (m) => m.deployed.throughput, best: "high", show: significant},
    {title: "File", unit: "MB", value: (m) => m.deployed.bytes, best: "low", show: scaled(1e6)},
    {title: "Of float32's", unit: "", value: share, best: "low", show: fixed(3)},
  ].filter((c) => c.text || measured.some((m) => known(c.value(m))));
  const families = Object.keys(FAMILIES)
    .map((family) => ({family, drops: measured.filter((m) => m.family === family).map((m) => m.deployed.drop).filter(known)}))
    .filter((row) => row.drops.length)
    .map((row) => ({...row, mean: mean(row.drops), worst: Math.max(...row.drops), least: Math.min(...row.drops)}));
  return section(
    "ships",
    "What ships",
    `Every model exported and run by ${r.deploy || models[0].deployed.engine} on the same test ${r.items}; the recommendation and the chart of cost go by these figures. The drop is what the ${r.score.title} lost against the trained model in LibTorch.`,
    measured.length
      ? table("Exported models in their engine", columns, measured, {
          rowClass: (m) => (m.name === r.recommendation.model ? "winner" : null),
        })
      : null,
    models
      .filter((m) => m.deployed.error !== null)
      .map((m) => h("p", {class: "note"}, `${m.name} could not be deployed: ${m.deployed.error}`)),
    families.length
      ? table(
          "Drop by family",
          [
            {title: "Family", value: (f) => FAMILIES[f.family].label, text: true, show: (label, f) => familyLabel(f.family, label)},
            {title: "Models", value: (f) => f.drops.length},
            {title: "Mean drop", unit: r.score.points, value: (f) => f.mean, best: "low", show: fixed(2)},
            {title: "Least", unit: r.score.points, value: (f) => f.least, show: fixed(2)},
            {title: "Most", unit: r.score.points, value: (f) => f.worst, show: fixed(2)},
          ],
          families,
        )
      : null,
  );
};
