#include "braid/train/run_folder.h"

#include <fmt/format.h>

#include "braid/core/version.h"
#include "braid/io/atomic_file.h"

namespace braid::train {
namespace {

uint64_t checkpoint_bytes(const torch::nn::Module& model) {
  uint64_t bytes = 0;
  for (const auto& p : model.parameters()) bytes += p.nbytes();
  return 6 * bytes + (1 << 20);  // weights, two moments, an average, and the old beside the new
}

std::filesystem::path made(const std::filesystem::path& output, uint64_t bytes) {
  io::check_writable(output, bytes);
  return output;
}

std::string csv_value(const tasks::Score& score) {
  return score.unit == "%" ? fmt::format("{:.4f}", score.value)
                           : fmt::format("{:.6f}", score.value);
}

}  // namespace

VisitFields settings_of(const tasks::Task& task, const RunConfig& config) {
  return [&task, run = config](FieldVisitor& v) mutable {
    task.visit_config(v);
    run.visit(v);
  };
}

tasks::Scores in_columns(const tasks::Scores& scores) {
  tasks::Scores columns(scores.begin() + (scores.empty() ? 0 : 1), scores.end());
  if (!scores.empty()) columns.push_back(scores.front());
  return columns;
}

RunFolder::RunFolder(const RunConfig& config, tasks::Task& task)
    : path_(made(config.output, checkpoint_bytes(task.model()))),
      lock_(path_),
      items_(task.items()),
      events_(path_) {}

void RunFolder::begin(const Json& settings) const {
  io::write_file_atomic(path_ / "config.toml", to_toml(settings));
}

void RunFolder::epoch(const std::vector<EpochStats>& history) {
  const auto& newest = history.back();
  std::string csv = "epoch,step,train_loss,";
  for (const auto& score : in_columns(newest.scores)) csv += "val_" + score.name + ",";
  if (!newest.scores_ema.empty()) csv += "val_" + newest.scores_ema.front().name + "_ema,";
  csv += "lr,seconds," + items_ + "_per_s\n";
  for (const auto& s : history) {
    csv += fmt::format("{},{},{:.6f},", s.epoch, s.step, s.train_loss);
    for (const auto& score : in_columns(s.scores)) csv += csv_value(score) + ",";
    if (!s.scores_ema.empty()) csv += csv_value(s.scores_ema.front()) + ",";
    csv += fmt::format("{:.8g},{:.3f},{:.1f}\n", s.lr, s.seconds, s.items_per_s);
  }
  io::write_file_atomic(path_ / "summary.csv", csv);
  events_.scalar("loss/train", newest.step, newest.train_loss);
  for (const auto& score : in_columns(newest.scores))
    events_.scalar(score.name + "/val", newest.step, score.value);
  if (!newest.scores_ema.empty())
    events_.scalar(newest.scores_ema.front().name + "/val_ema", newest.step,
                   newest.scores_ema.front().value);
  events_.scalar("lr", newest.step, newest.lr);
  events_.scalar(items_ + "_per_s", newest.step, newest.items_per_s);
}

void RunFolder::result(const TrainResult& result) const {
  Json json = {{"schema_version", 2}, {"braid_version", version()}};
  json.update(to_json(result));
  io::write_file_atomic(  // files that were left out may have any names
      path_ / "results.json", dump_json(json, 2) + "\n");
}

}  // namespace braid::train
