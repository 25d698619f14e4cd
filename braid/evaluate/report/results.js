// results.json (docs/results.schema.json) -> what the page shows. Only this file and lift.js know the schema's names.
const numberOf = (value) => (known(value) ? value : null);
const listOf = (value) => (Array.isArray(value) ? value : []);
const objectOf = (value) => (value && typeof value === "object" && !Array.isArray(value) ? value : {});
const familyOf = (value) => (value in FAMILIES ? value : "combined");

// The score that decides: how it is called, written and compared.
const readScoreKind = (json) => {
  const all = listOf(json.scores).map(objectOf);
  const {name, title, unit, higher_is_better} = all.find((kind) => kind.name === json.score) ?? {};
  return scoreKind(String(name ?? json.score ?? "score"), title, unit, higher_is_better);
};
const scoreKind = (name, title, unit, higher_is_better) => {
  const label = String(title ?? name),
    sign = String(unit ?? ""),
    higher = higher_is_better !== false,
    percent = sign === "%";
  const heading = label.charAt(0).toUpperCase() + label.slice(1);
  const suffix = percent || !sign ? sign : ` ${sign}`;
  return {
    name,
    title: label,
    heading,
    unit: sign,
    higher,
    best: higher ? "high" : "low",
    axis: sign ? `${heading} (${sign})` : heading,
    points: percent ? "points" : sign,
    text: (value) => (known(value) ? `${fixed(2)(value)}${suffix}` : "–"),
    // The part of an axis from low to high that has a meaning.
    domain: (low, high) => (percent ? [Math.max(0, low), Math.min(100, high)] : [low, high]),
  };
};

const readScore = (json) => {
  const {value, low, high} = objectOf(json);
  const interval = known(value) && known(low) && known(high) && low < high;
  return {score: numberOf(value), low: interval ? low : null, high: interval ? high : null};
};
const readCost = (json) => ({
  ...readScore(json.score),
  params: numberOf(json.params),
  macs: numberOf(json.macs),
  latencyP50: numberOf(json.latency_ms_p50),
  latencyP95: numberOf(json.latency_ms_p95),
});
// A model as it ships.
const readDeployed = (json) => ({
  engine: String(json.engine ?? ""),
  error: json.error ? String(json.error) : null,
  ...readCost(json),
  throughput: numberOf(json.throughput_items_per_s),
  bytes: numberOf(json.bytes),
  floatBytes: numberOf(json.float_bytes),
  drop: numberOf(json.drop),
});
// How far the best model is above this one, on the same items.
const readBehind = (json) => {
  const {score, ...interval} = readScore(json);
  return {value: score, ...interval};
};
const readModel = (json) => ({
  name: String(json.name),
  family: familyOf(json.family),
  error: json.error ? String(json.error) : null,
  ...readCost(json),
  scores: Object.fromEntries(listOf(json.scores).map((s) => [objectOf(s).name, numberOf(objectOf(s).value)])),
  behind: readBehind(json.behind_best),
  cleanScore: numberOf(objectOf(json.robustness).clean_score), // of the items that were made worse
  throughput: numberOf(json.throughput_items_per_s),
  trainRate: numberOf(json.train_items_per_s),
  epochs: numberOf(json.epochs),
  seen: numberOf(json.items_seen),
  peakShare: numberOf(json.peak_share),
  slowestTurn: numberOf(json.slowest_turn),
  lostSpeed: numberOf(json.lost_speed),
  peakMemory: numberOf(json.peak_memory_bytes),
  checkpointBytes: numberOf(json.checkpoint_bytes),
  checkpoint: json.checkpoint ?? null,
  deployed: json.deployed ? readDeployed(objectOf(json.deployed)) : null,
});

const pngOf = (value) => (typeof value === "string" && value ? `data:image/png;base64,${value}` : null);
const readLooks = (json) => ({
  size: listOf(json.input_size).filter(known),
  images: listOf(json.images)
    .map(objectOf)
    .map((e) => ({
      image: pngOf(e.image_png),
      map: pngOf(e.map_png),
      truth: String(e.label),
      predicted: String(e.prediction),
      confidence: numberOf(e.confidence),
    })),
  attention: listOf(json.attention)
    .map(objectOf)
    .map((e) => ({layer: String(e.layer), distance: listOf(e.distance).filter(known)}))
    .filter((e) => e.distance.length),
});

// One row per measurement of a list that every model may have.
const rowsOf = (models, list, read) =>
  models.flatMap((model) => listOf(list(model)).map((row) => ({model: String(model.name), ...read(row)})));

const budgetText = (budget) => {
  if (!known(budget.value)) return "";
  if (budget.kind === "time") return `${duration(budget.value)} of training`;
  if (budget.kind === "total") return `${duration(budget.value)} of training in all`;
  if (budget.kind === "epochs") return `${budget.value} epochs`;
  return `${(budget.value / 1e12).toLocaleString("en", {maximumSignificantDigits: 3})} TFLOP of training`;
};

// Names as Vega can use them as keys: no two alike, and not the one that JavaScript's objects take for their prototype.
const usableNames = (names) =>
  names.map((name, i) =>
    names.indexOf(name) !== i ? `${name} (${i})` : name === "__proto__" ? "__proto__ " : name,
  );

const readFusion = (fusion, models, kind) => {
  const alone = ["cnn", "transformer"]
    .map((key) => models.find((m) => m.name === fusion[key]))
    .filter(Boolean);
  const scores = alone.map((m) => m.score).filter(known);
  const hybrid = models.find((m) => m.name === fusion.hybrid);
  const rows = alone.map((m) => ({...m, how: "alone"}));
  const add = (name, how, family, json) => {
    const row = {name, how, family, ...readCost(objectOf(json))};
    if (known(row.score)) rows.push(row);
  };
  if (hybrid) rows.push({...hybrid, how: "hybrid architecture"});
  add("Late fusion", "mean of both probabilities", "combined", fusion.late_fusion);
  add("Distillation", `${fusion.transformer}, taught by ${fusion.cnn}`, "transformer", fusion.distillation);
  add(
    "Oracle",
    "upper bound: right when either is",
    "combined",
    {score: {value: fusion.oracle_score}},
  );
  const o = objectOf(fusion.overlap);
  const overlap =
    known(o.both_right) && alone.length === 2
      ? {
          a: fusion.cnn,
          b: fusion.transformer,
          both: o.both_right,
          onlyA: o.only_cnn_right,
          onlyB: o.only_transformer_right,
          neither: o.both_wrong,
          oracle: numberOf(fusion.oracle_score),
        }
      : null;
  return {rows, overlap, reference: scores.length === 2 ? Math[kind.higher ? "max" : "min"](...scores) : null};
};

const readMethod = (json, data, machine, kind) =>
  [
    ["Task", json.task ? String(json.task).replaceAll("_", " ") : null],
    ["Judged by", `${kind.title}${data.test_split ? `, ${data.test_split} split` : ""}`],
    ["Data", data.name],
    ["Classes", known(data.classCount) ? String(data.classCount) : null],
    [
      "Size",
      [
        ["train", data.train],
        ["validation", data.val],
        ["test", data.test],
      ]
        .filter(([, n]) => known(n))
        .map(([name, n]) => `${n.toLocaleString("en")} ${name}`)
        .join(", "),
    ],
    ["Budget", budgetText(objectOf(json.budget))],
    ["Preference", json.prefer],
    ["Deployed for", json.deploy],
    ["Seeds", listOf(json.seeds).join(", ")],
    ["Folds", json.folds > 1 ? String(json.folds) : null],
    ["Processor", machine.cpu],
    ["Cores", machine.cores],
    ["Threads", machine.threads],
    ["Memory", known(machine.memory_bytes) ? `${significant(machine.memory_bytes / 2 ** 30)} GiB` : null],
    ["Device", machine.device],
    ["Number format", machine.dtype],
    ["System", machine.os],
    ["LibTorch", machine.torch_version],
    ["braid", json.braid_version],
    ["Date", json.created],
    ["Command", json.command],
  ]
    .filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([name, value]) => [name, String(value)]);

// What auto and unset options came to, then the recipe and why it is that one.
const readRecipe = (m) => {
  const why = [m.chosen_because, m.recipe_name, m.recipe_reason].filter(Boolean);
  return [m.name, {...(why.length ? {because: why.join("; ")} : {}), ...objectOf(m.resolved), ...objectOf(m.recipe)}];
};
const readReference = (json) => ({
  title: String(json.title ?? json.name),
  ...readScore(json.score),
  seconds: numberOf(json.seconds),
});

// A row per model of a round before the final.
const readRounds = (rounds) =>
  listOf(rounds)
    .map(objectOf)
    .flatMap((round, k) =>
      listOf(round.models).map((model) => ({
        round: k + 1,
        seconds: numberOf(round.seconds),
        name: String(model.name),
        valScore: numberOf(model.val_score),
        error: model.error ? String(model.error) : null,
        goesOn: model.goes_on === true,
      })),
    );

// Whose scores those are; null where that is not known.
const scoredOn = (data, folds) => {
  if (!data.test) return null;
  const items = `${data.test} ${data.items ?? "items"}`;
  if (data.test_split !== "val") return `scored on test, ${items}`;
  return folds > 1 ? `scored on every fold, ${items}` : `scored on val, ${items}, which chose the best epochs too`;
};

const readResults = (given) => {
  const json = given.schema_version === 1 ? liftSchema1(given) : given;
  const models = json.models.map(readModel),
    kind = readScoreKind(json);
  const data = objectOf(json.data),
    machine = objectOf(json.machine),
    recommendation = objectOf(json.recommendation);
  const names = usableNames(listOf(data.classes).map(String));
  data.classCount = names.length || null;
  const byModel = (key, read) =>
    Object.fromEntries(json.models.filter((m) => listOf(m[key]).length).map((m) => [m.name, read(m[key])]));
  const items = String(data.items ?? "items");
  return {
    models,
    score: kind,
    scores: listOf(json.scores)
      .map(objectOf)
      .filter((s) => s.name !== json.score)
      .map((s) => scoreKind(String(s.name), s.title, s.unit, s.higher_is_better)),
    verb: json.task === "translation" ? "translate" : "predict", // what answers with a checkpoint
    items,
    item: items.replace(/s$/, ""),
    recommendation: {model: recommendation.model ?? null, reason: recommendation.reason ?? "", file: recommendation.file ?? null},
    references: listOf(json.references).map(objectOf).map(readReference),
    rounds: readRounds(json.rounds),
    deploy: json.deploy ? String(json.deploy) : "",
    budget: budgetText(objectOf(json.budget)),
    context: [
      data.name,
      scoredOn(data, Number(json.folds ?? 1)),
      budgetText(objectOf(json.budget)),
      machine.cpu,
      json.created ? String(json.created).slice(0, 10) : null,
    ]
      .filter(Boolean)
      .map(String),
    // Of several trainings the scores are means; pictures and matrices are of the first.
    seeds: Math.max(1, listOf(json.seeds).length),
    folds: Number(json.folds ?? 1),
    testedByFold: Number(json.folds ?? 1) > 1 && data.test_split === "val",
    classes: (count) =>
      names.length === count ? names : Array.from({length: count}, (_, i) => `class ${i}`),
    curves: rowsOf(json.models, (m) => m.curve, (p) => ({
      epoch: p.epoch,
      seconds: p.seconds,
      trainLoss: p.train_loss,
      valLoss: p.val_loss,
      valScore: p.val_score,
    })),
    efficiency: rowsOf(json.models, (m) => m.sample_efficiency, (p) => ({
      fraction: p.fraction,
      score: p.score,
    })).filter((p) => known(p.score)),
    robustness: rowsOf(json.models, (m) => objectOf(m.robustness).corruptions, (p) => ({
      corruption: p.corruption,
      severity: p.severity,
      score: p.score,
    })).filter((p) => known(p.score)),
    shuffled: rowsOf(json.models, (m) => objectOf(m.robustness).shuffled_patches, (p) => ({
      grid: p.grid,
      score: p.score,
    })).filter((p) => known(p.score)),
    fusion: readFusion(objectOf(json.fusion), models, kind),
    confusion: byModel("confusion", (matrix) => matrix),
    misclassified: byModel("misclassified", (list) =>
      list.map((e) => ({
        image: typeof e.image_png === "string" && e.image_png ? `data:image/png;base64,${e.image_png}` : null,
        truth: String(e.label),
        predicted: String(e.prediction),
        confidence: numberOf(e.confidence),
        file: e.file ?? null,
        text: e.text ?? null,
      })),
    ),
    looks: Object.fromEntries(
      json.models
        .filter((m) => listOf(objectOf(m.looks).images).length)
        .map((m) => [m.name, readLooks(objectOf(m.looks))]),
    ),
    withoutLooks: json.models
      .filter((m) => objectOf(m.looks).error)
      .map((m) => ({name: String(m.name), error: String(m.looks.error)})),
    method: readMethod(json, data, machine, kind),
    recipes: json.models.filter((m) => m.recipe || m.resolved).map(readRecipe),
  };
};
