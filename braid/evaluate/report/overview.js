// The answer: the recommendation and the table of models.

// What costs next to nothing and no model beats; null: some model beats them all.
const unbeaten = (r) => {
  const beats = (a, b) => (r.score.higher ? a > b : a < b);
  const scores = shownModels(r).map((m) => m.score).filter(known);
  const best = r.references.filter((m) => known(m.score)).reduce((a, b) => (a && !beats(b.score, a.score) ? a : b), null);
  return best === null || scores.some((score) => beats(score, best.score)) ? null : best;
};

const headline = (r, winner) => {
  if (!winner) return "No model is recommended";
  const bar = unbeaten(r);
  const name = h("span", {class: winner.family}, winner.name);
  return bar ? [`No network beats ${bar.title}; the best is `, name] : ["Use ", name];
};

const verdict = (r) => {
  const chosen = r.models.find((m) => m.name === r.recommendation.model);
  const winner = chosen && (shownModels(r).find((m) => m.name === chosen.name) ?? chosen);
  const figures = !winner
    ? null
    : h(
        "dl",
        {class: "figures"},
        [
          [
            r.score.heading,
            fixed(2)(winner.score),
            r.score.unit,
            winner.low === null ? null : `95% interval ${fixed(1)(winner.low)} to ${fixed(1)(winner.high)}`,
          ],
          [
            "Latency",
            significant(winner.latencyP50),
            "ms",
            known(winner.latencyP95) ? `one ${r.item}; p95 ${significant(winner.latencyP95)} ms` : `one ${r.item}`,
          ],
          ["Throughput", significant(winner.throughput), `${r.items}/s`, "batch of 64"],
          [
            "Parameters",
            millions(winner.params),
            "M",
            known(winner.macs) ? `${millions(winner.macs)} M MACs per ${r.item}` : null,
          ],
        ].map(([name, value, unit, more]) =>
          h(
            "div",
            {},
            h("dt", {}, name),
            h("dd", {}, value, h("small", {}, ` ${unit}`)),
            more ? h("dd", {class: "more"}, more) : null,
          ),
        ),
      );
  return h(
    "section",
    {class: "verdict", id: "recommendation"},
    h("p", {class: "context"}, r.context.join(" · ")),
    h("h1", {}, headline(r, winner)),
    r.recommendation.reason ? h("p", {class: "reason"}, r.recommendation.reason) : null,
    figures,
    winner && winner.checkpoint
      ? h("pre", {}, h("code", {}, `braid ${r.verb} --checkpoint ${winner.checkpoint} FILE...`))
      : null,
    r.recommendation.file ? h("p", {class: "note"}, "What ships: ", h("code", {}, String(r.recommendation.file))) : null,
  );
};

const scoreCell = (value, model, digits = 1) => [
  fixed(2)(value),
  model.low === null
    ? ""
    : h("span", {class: "interval"}, ` ${fixed(digits)(model.low)} – ${fixed(digits)(model.high)}`),
];

// What both have right or wrong tells no models apart: the interval is narrower than a score's.
const behindColumn = {
  title: "Behind the best",
  unit: "points on the same items (95% interval)",
  value: (m) => m.behind.value,
  show: (value, m) => scoreCell(value, m.behind, 2),
};

const modelColumn = (r) => ({
  title: "Model",
  value: (m) => m.name,
  text: true,
  show: (name, m) => [
    familyLabel(m.family, name),
    h(
      "span",
      {class: "kind"},
      FAMILIES[m.family].label,
      name === r.recommendation.model ? h("span", {class: "tag"}, "recommended") : null,
    ),
  ],
});

const scoreColumn = (r) => ({
  title: r.score.heading,
  unit: `${r.score.unit} (95% interval)`.trim(),
  value: (m) => m.score,
  best: r.score.best,
  show: scoreCell,
});

// What costs next to nothing, to hold the models against.
const referenceTable = (r) =>
  r.references.length === 0
    ? null
    : table(
        "For reference",
        [
          {title: "Without a network", value: (m) => m.title, text: true},
          scoreColumn(r),
          {title: "Time", unit: "s", value: (m) => m.seconds, show: significant},
        ],
        r.references,
      );

// How the finalists were found, where the budget was a total.
const roundTable = (r) =>
  r.rounds.length === 0
    ? null
    : table(
        "Rounds before the final",
        [
          {title: "Round", value: (m) => m.round},
          {title: "Model", value: (m) => m.name, text: true},
          {title: "Training", unit: "s", value: (m) => m.seconds, show: significant},
          {title: `${r.score.heading} on val`, unit: r.score.unit, value: (m) => m.valScore, show: fixed(2)},
          {title: "Goes on", value: (m) => (m.goesOn ? "yes" : m.error === null ? "no" : "failed"), text: true},
        ],
        r.rounds,
      );

// Of a share between 0 and 1.
const percent = (shareOf) => (m) => (known(shareOf(m)) ? 100 * shareOf(m) : null);

const modelsSection = (r) => {
  const measured = (columns) => columns.filter((c) => c.text || r.models.some((m) => known(c.value(m))));
  const answer = measured([
    modelColumn(r),
    scoreColumn(r),
    behindColumn,
    {title: "Latency p50", unit: "ms, batch 1", value: (m) => m.latencyP50, best: "low", show: significant},
    {
      title: "Throughput",
      unit: `${r.items}/s, batch 64`,
      value: (m) => m.throughput,
      best: "high",
      show: significant,
    },
    {title: "Parameters", unit: "M", value: (m) => m.params, best: "low", show: millions},
    ...r.scores.map((s) => ({
      title: s.heading,
      unit: s.unit,
      value: (m) => m.scores[s.name],
      best: s.best,
      show: fixed(2),
    })),
  ]);
  const costs = measured([
    modelColumn(r),
    {title: "MACs", unit: `M per ${r.item}`, value: (m) => m.macs, best: "low", show: millions},
    {title: "Latency p95", unit: "ms, batch 1", value: (m) => m.latencyP95, best: "low", show: significant},
    {title: "Training", unit: `${r.items}/s`, value: (m) => m.trainRate, best: "high", show: significant},
    {title: "Seen in training", unit: r.items, value: (m) => m.seen, show: significant},
    {title: "Epochs", unit: "", value: (m) => m.epochs, show: significant},
    {title: "Of the machine's peak", unit: "%", value: percent((m) => m.peakShare), best: "high", show: significant},
    {title: "Slowest turn", unit: "% of usual", value: percent((m) => m.slowestTurn), show: significant},
    {title: "Lost over all turns", unit: "% of speed", value: percent((m) => m.lostSpeed), show: significant},
    {title: "Peak memory", unit: "MiB", value: (m) => m.peakMemory, best: "low", show: mebibytes},
    {title: "Checkpoint", unit: "MiB", value: (m) => m.checkpointBytes, best: "low", show: mebibytes},
  ]);
  const failed = r.models.filter((m) => m.error !== null);
  const options = {rowClass: (m) => (m.name === r.recommendation.model ? "winner" : null)};
  return section(
    "models",
    "Models",
    `Each was trained under the same budget${r.budget ? `, ${r.budget}` : ""}. The best value of a column is bold; a column's title sorts by it.`,
    table("Every model, the best first", answer, r.models, {
      ...options,
      sort: answer.length > 1 ? 1 : null,
    }),
    failed.map((m) => h("p", {class: "note"}, `${m.name} could not be measured: ${m.error}`)),
    referenceTable(r),
    roundTable(r),
    r.rounds
      .filter((m) => m.error !== null)
      .map((m) => h("p", {class: "note"}, `${m.name} failed in round ${m.round}: ${m.error}`)),
    costs.length > 1
      ? h(
          "details",
          {},
          h("summary", {}, "What each costs: arithmetic, memory, training speed"),
          table("Cost of every model", costs, r.models, options),
        )
      : null,
  );
};
