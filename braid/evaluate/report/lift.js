// results.json of version 1 (docs/results.schema.v1.json), which braid 0.1 wrote, as version 2: image classification,
// judged by top-1 accuracy.
const SCORE_KINDS_1 = [
  ["top1", "top-1", "%", true],
  ["top5", "top-5", "%", true],
  ["macro_f1", "macro-F1", "%", true],
  ["ece", "ECE", "%", false],
  ["nll", "nll", "nats", false],
].map(([name, title, unit, higher_is_better]) => ({name, title, unit, higher_is_better}));

const liftScores1 = (json) =>
  SCORE_KINDS_1.filter(({name}) => known(json[name])).map(({name, unit, higher_is_better}) => {
    const [low, high] = name === "top1" ? listOf(json.top1_interval) : [];
    return {name, unit, higher_is_better, value: json[name], low, high};
  });
const renamed = (row, from, to) => ({...row, [to]: row[from]});

const liftModel1 = (json) => {
  const scores = liftScores1(json);
  return {
    ...json,
    scores,
    score: scores.find(({name}) => name === "top1") ?? null,
    train_items_per_s: json.train_images_per_s,
    throughput_items_per_s: json.throughput_images_per_s,
    curve: listOf(json.curve).map((row) => renamed(row, "val_top1", "val_score")),
    sample_efficiency: listOf(json.sample_efficiency).map((row) => renamed(row, "top1", "score")),
    robustness: {
      corruptions: listOf(json.robustness).map((row) => renamed(row, "top1", "score")),
      shuffled_patches: listOf(json.shuffled_patches).map((row) => renamed(row, "top1", "score")),
    },
  };
};
const liftCombination1 = (json) =>
  json && known(json.top1) ? {...json, score: liftScores1(json)[0]} : null;

const liftSchema1 = (json) => {
  const {late_fusion, distillation, oracle_top1, ...fusion} = objectOf(json.fusion);
  return {
    ...json,
    task: "image_classification",
    score: "top1",
    scores: SCORE_KINDS_1,
    data: {...objectOf(json.data), items: "images"},
    models: json.models.map(liftModel1),
    fusion: {
      ...fusion,
      late_fusion: liftCombination1(late_fusion),
      distillation: liftCombination1(distillation),
      oracle_score: oracle_top1,
    },
  };
};
