#include "braid/evaluate/result.h"

#include <fmt/format.h>

namespace braid::evaluate {

ScoreKind kind_of(const Score& score) {
  return {score.name, tasks::title_of(score), score.unit, score.higher_is_better};
}

std::string score_text(const Score& score) {
  const std::string unit = score.unit.empty() || score.unit == "%" ? score.unit : " " + score.unit;
  return fmt::format("{:.2f}{} {}", score.value, unit, tasks::title_of(score));
}

// The names of results.json; docs/results.schema.json says what they mean.

void ScoreKind::visit(FieldVisitor& v) {
  v.field("name", name, "");
  v.field("title", title, "");
  v.field("unit", unit, "");
  v.field("higher_is_better", higher_is_better, "");
}

void CurvePoint::visit(FieldVisitor& v) {
  v.field("epoch", epoch, "");
  v.field("seconds", seconds, "");
  v.field("lr", lr, "");
  v.field("train_loss", train_loss, "");
  v.field("val_loss", val_loss, "");
  v.field("val_score", val_score, "");
}

void ResolvedSettings::visit(FieldVisitor& v) {
  v.field("device", device, "");
  v.field("dtype", dtype, "");
  v.field("threads", threads, "");
  v.field("batch_size", batch_size, "");
  v.field("input_size", input_size, "");
}

void EfficiencyPoint::visit(FieldVisitor& v) {
  v.field("fraction", fraction, "");
  v.field("score", score, "");
}

void CorruptionScore::visit(FieldVisitor& v) {
  v.field("corruption", corruption, "");
  v.field("severity", severity, "");
  v.field("score", score, "");
}

void ShuffleScore::visit(FieldVisitor& v) {
  v.field("grid", grid, "");
  v.field("score", score, "");
}

void Robustness::visit(FieldVisitor& v) {
  v.field("items", items, "");
  v.field("bad_samples", bad_samples, "");
  v.field("clean_score", clean_score, "");
  v.list("corruptions", corruptions);
  v.list("shuffled_patches", shuffled_patches);
}

void Mistake::visit(FieldVisitor& v) {
  v.field("file", file, "");
  v.field("label", label, "");
  v.field("prediction", prediction, "");
  v.field("confidence", confidence, "");
  v.field("image_png", image_png, "");
  v.field("text", text, "");
}

void Look::visit(FieldVisitor& v) {
  v.field("label", label, "");
  v.field("prediction", prediction, "");
  v.field("confidence", confidence, "");
  v.field("image_png", image_png, "");
  v.field("map_png", map_png, "");
}

void AttentionReach::visit(FieldVisitor& v) {
  v.field("layer", layer, "");
  v.field("distance", distance, "");
}

void Looks::visit(FieldVisitor& v) {
  v.field("error", error, "");
  v.field("layer", layer, "");
  v.field("input_size", input_size, "");
  v.list("images", images);
  v.list("attention", attention);
}

void TestResult::visit(FieldVisitor& v) {
  v.list("scores", scores);
  v.field("count", count, "");
  v.field("bad_samples", bad_samples, "");
  v.field("confusion", confusion, "");
  v.list("misclassified", misclassified);
}

void ReferenceResult::visit(FieldVisitor& v) {
  v.field("name", name, "");
  v.field("title", title, "");
  v.group("score", score);
  v.field("items", items, "");
  v.field("seconds", seconds, "");
}

void References::visit(FieldVisitor& v) { v.list("rows", rows); }

void Deployed::visit(FieldVisitor& v) {
  v.field("engine", engine, "");
  v.field("error", error, "");
  v.field("file", file, "");
  v.field("bytes", bytes, "");
  v.field("float_bytes", float_bytes, "");
  v.group("score", score);
  v.list("scores", scores);
  v.field("drop", drop, "");
  v.field("latency_ms_p50", latency_ms_p50, "");
  v.field("latency_ms_p95", latency_ms_p95, "");
  v.field("throughput_items_per_s", throughput_items_per_s, "");
  v.field("weight_bits", weight_bits, "");
  v.field("operators", operators, "");
  v.field("operators_in_float", operators_in_float, "");
}

void Difference::visit(FieldVisitor& v) {
  v.field("value", value, "");
  v.field("low", low, "");
  v.field("high", high, "");
}

void ModelResult::visit(FieldVisitor& v) {
  v.field("name", name, "");
  v.field("family", family, "");
  v.field("fusion", fusion, "");
  v.field("chosen_because", chosen_because, "");
  v.field("error", error, "");
  v.field("params", params, "");
  v.field("macs", macs, "");
  v.field("train_macs", train_macs, "");
  v.group("score", score);
  v.list("scores", scores);
  v.field("val_score", val_score, "");
  v.field("seed_scores", seed_scores, "");
  v.field("fold_scores", fold_scores, "");
  v.group("behind_best", behind_best);
  v.field("best_seed", best_seed, "");
  v.field("best_fold", best_fold, "");
  v.field("train_items_per_s", train_items_per_s, "");
  v.field("train_seconds", train_seconds, "");
  v.field("fewer_threads_seconds", fewer_threads_seconds, "");
  v.field("epochs", epochs, "");
  v.field("items_seen", items_seen, "");
  v.field("peak_share", peak_share, "");
  v.field("slice_items_per_s", slice_items_per_s, "");
  v.field("slowest_turn", slowest_turn, "");
  v.field("lost_speed", lost_speed, "");
  v.field("latency_ms_p50", latency_ms_p50, "");
  v.field("latency_ms_p95", latency_ms_p95, "");
  v.field("throughput_items_per_s", throughput_items_per_s, "");
  v.field("peak_memory_bytes", peak_memory_bytes, "");
  v.field("checkpoint", checkpoint, "");
  v.field("checkpoint_bytes", checkpoint_bytes, "");
  v.field("bad_samples", bad_samples, "");
  v.group("resolved", resolved);
  v.field("recipe", recipe, "");
  v.field("recipe_name", recipe_name, "");
  v.field("recipe_reason", recipe_reason, "");
  v.list("curve", curve);
  v.list("sample_efficiency", sample_efficiency);
  v.group("robustness", robustness);
  v.group("looks", looks);
  v.group("deployed", deployed);
  v.field("confusion", confusion, "");
  v.list("misclassified", misclassified);
}

void Combination::visit(FieldVisitor& v) {
  v.group("score", score);
  v.field("params", params, "");
  v.field("macs", macs, "");
  v.field("latency_ms_p50", latency_ms_p50, "");
  v.field("latency_ms_p95", latency_ms_p95, "");
  v.field("checkpoint", checkpoint, "");
}

void Overlap::visit(FieldVisitor& v) {
  v.field("both_right", both_right, "");
  v.field("only_cnn_right", only_cnn_right, "");
  v.field("only_transformer_right", only_transformer_right, "");
  v.field("both_wrong", both_wrong, "");
}

void FusionResult::visit(FieldVisitor& v) {
  v.field("cnn", cnn, "");
  v.field("transformer", transformer, "");
  v.field("hybrid", hybrid, "");
  v.group("late_fusion", late_fusion);
  v.group("distillation", distillation);
  v.field("oracle_score", oracle_score, "");
  v.group("overlap", overlap);
}

void Recommendation::visit(FieldVisitor& v) {
  v.field("model", model, "");
  v.field("reason", reason, "");
  v.field("checkpoint", checkpoint, "");
  v.field("file", file, "");
}

void BudgetSummary::visit(FieldVisitor& v) {
  v.field("kind", kind, "");
  v.field("value", value, "");
  v.field("text", text, "");
}

void MachineSummary::visit(FieldVisitor& v) {
  v.field("cpu", cpu, "");
  v.field("cores", cores, "");
  v.field("threads", threads, "");
  v.field("memory_bytes", memory_bytes, "");
  v.field("device", device, "");
  v.field("dtype", dtype, "");
  v.field("peak_flops", peak_flops, "");
  v.field("torch_version", torch_version, "");
  v.field("os", os, "");
}

void DataSummary::visit(FieldVisitor& v) {
  v.field("name", name, "");
  v.field("items", items, "");
  v.field("classes", classes, "");
  v.field("train", train, "");
  v.field("val", val, "");
  v.field("test", test, "");
  v.field("test_split", test_split, "");
  v.field("channels", channels, "");
  v.field("bad_samples", bad_samples, "");
  v.list("left_out", left_out);
}

void RoundModel::visit(FieldVisitor& v) {
  v.field("name", name, "");
  v.field("val_score", val_score, "");
  v.field("error", error, "");
  v.field("goes_on", goes_on, "");
}

void RoundResult::visit(FieldVisitor& v) {
  v.field("seconds", seconds, "");
  v.list("models", models);
}

void Results::visit(FieldVisitor& v) {
  v.field("schema_version", schema_version, "");
  v.field("braid_version", braid_version, "");
  v.field("created", created, "");
  v.field("command", command, "");
  v.field("task", task, "");
  v.field("score", score, "");
  v.list("scores", scores);
  v.group("budget", budget);
  v.field("prefer", prefer, "");
  v.field("deploy", deploy, "");
  v.field("seeds", seeds, "");
  v.field("folds", folds, "");
  v.group("machine", machine);
  v.group("data", data);
  v.group("recommendation", recommendation);
  v.list("models", models);
  v.list("references", references);
  v.list("rounds", rounds);
  v.group("fusion", fusion);
}

}  // namespace braid::evaluate
