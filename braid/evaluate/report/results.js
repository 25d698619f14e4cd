// results.json (docs/results.schema.json) -> what the page shows. Only this file knows the schema's names.
const numberOf = (value) => (known(value) ? value : null);
const listOf = (value) => (Array.isArray(value) ? value : []);
const objectOf = (value) => (value && typeof value === "object" && !Array.isArray(value) ? value : {});
const familyOf = (value) => (value in FAMILIES ? value : "combined");

const readCost = (json) => {
  const [low, high] = listOf(json.top1_interval);
  const whole = known(low) && known(high);
  return {
    top1: numberOf(json.top1),
    low: whole ? low : null,
    high: whole ? high : null,
    params: numberOf(json.params),
    macs: numberOf(json.macs),
    latencyP50: numberOf(json.latency_ms_p50),
    latencyP95: numberOf(json.latency_ms_p95),
  };
};
const readModel = (json) => ({
  name: String(json.name),
  family: familyOf(json.family),
  ...readCost(json),
  macroF1: numberOf(json.macro_f1),
  ece: numberOf(json.ece),
  throughput: numberOf(json.throughput_images_per_s),
  trainRate: numberOf(json.train_images_per_s),
  peakMemory: numberOf(json.peak_memory_bytes),
  checkpointBytes: numberOf(json.checkpoint_bytes),
  checkpoint: json.checkpoint ?? null,
});

// One row per measurement of a list that every model may have.
const rowsOf = (models, key, read) =>
  models.flatMap((model) => listOf(model[key]).map((row) => ({model: String(model.name), ...read(row)})));

const budgetText = (budget) => {
  if (!known(budget.value)) return "";
  if (budget.kind === "time") return `${duration(budget.value)} of training`;
  if (budget.kind === "epochs") return `${budget.value} epochs`;
  return `${(budget.value / 1e12).toLocaleString("en", {maximumSignificantDigits: 3})} TFLOP of training`;
};

// Names as Vega can use them as keys: no two alike, and not the one that JavaScript's objects take for their prototype.
const usableNames = (names) =>
  names.map((name, i) =>
    names.indexOf(name) !== i ? `${name} (${i})` : name === "__proto__" ? "__proto__ " : name,
  );

const readFusion = (fusion, models) => {
  const alone = ["cnn", "transformer"]
    .map((key) => models.find((m) => m.name === fusion[key]))
    .filter(Boolean);
  const scores = alone.map((m) => m.top1).filter(known);
  const hybrid = models.find((m) => m.name === fusion.hybrid);
  const rows = alone.map((m) => ({...m, how: "alone"}));
  const add = (name, how, family, json) => {
    if (json && known(json.top1)) rows.push({name, how, family, ...readCost(json)});
  };
  if (hybrid) rows.push({...hybrid, how: "hybrid architecture"});
  add("Late fusion", "mean of both probabilities", "combined", fusion.late_fusion);
  add("Distillation", `${fusion.transformer}, taught by ${fusion.cnn}`, "transformer", fusion.distillation);
  add(
    "Oracle",
    "upper bound: right when either is",
    "combined",
    known(fusion.oracle_top1) ? {top1: fusion.oracle_top1} : null,
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
          oracle: numberOf(fusion.oracle_top1),
        }
      : null;
  return {rows, overlap, reference: scores.length === 2 ? Math.max(...scores) : null};
};

const readMethod = (json, data, machine) =>
  [
    ["Data", data.name],
    ["Classes", known(data.classCount) ? String(data.classCount) : null],
    [
      "Images",
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
    ["Seeds", listOf(json.seeds).join(", ")],
    ["Processor", machine.cpu],
    ["Cores", machine.cores],
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

const readResults = (json) => {
  const models = json.models.map(readModel);
  const data = objectOf(json.data),
    machine = objectOf(json.machine),
    recommendation = objectOf(json.recommendation);
  const names = usableNames(listOf(data.classes).map(String));
  data.classCount = names.length || null;
  const byModel = (key, read) =>
    Object.fromEntries(json.models.filter((m) => listOf(m[key]).length).map((m) => [m.name, read(m[key])]));
  return {
    models,
    recommendation: {model: recommendation.model ?? null, reason: recommendation.reason ?? ""},
    budget: budgetText(objectOf(json.budget)),
    context: [
      data.name,
      budgetText(objectOf(json.budget)),
      machine.cpu,
      json.created ? String(json.created).slice(0, 10) : null,
    ]
      .filter(Boolean)
      .map(String),
    classes: (count) =>
      names.length === count ? names : Array.from({length: count}, (_, i) => `class ${i}`),
    curves: rowsOf(json.models, "curve", (p) => ({
      epoch: p.epoch,
      seconds: p.seconds,
      trainLoss: p.train_loss,
      valLoss: p.val_loss,
      valTop1: p.val_top1,
    })),
    efficiency: rowsOf(json.models, "sample_efficiency", (p) => ({
      fraction: p.fraction,
      top1: p.top1,
    })).filter((p) => known(p.top1)),
    robustness: rowsOf(json.models, "robustness", (p) => ({
      corruption: p.corruption,
      severity: p.severity,
      top1: p.top1,
    })).filter((p) => known(p.top1)),
    shuffled: rowsOf(json.models, "shuffled_patches", (p) => ({grid: p.grid, top1: p.top1})).filter((p) =>
      known(p.top1),
    ),
    fusion: readFusion(objectOf(json.fusion), models),
    confusion: byModel("confusion", (matrix) => matrix),
    misclassified: byModel("misclassified", (list) =>
      list.map((e) => ({
        image: typeof e.image_png === "string" && e.image_png ? `data:image/png;base64,${e.image_png}` : null,
        truth: String(e.label),
        predicted: String(e.prediction),
        confidence: numberOf(e.confidence),
        file: e.file ?? null,
      })),
    ),
    method: readMethod(json, data, machine),
    recipes: json.models.filter((m) => m.recipe).map((m) => [m.name, m.recipe]),
  };
};
