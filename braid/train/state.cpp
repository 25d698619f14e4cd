#include "braid/train/state.h"

#include <fmt/format.h>

#include <set>

#include "braid/core/error.h"
#include "braid/io/safetensors.h"
#include "braid/runtime/tensor_file.h"

namespace braid::train {
namespace {
constexpr const char* kFile = "state.safetensors";
constexpr const char* kVersion = "2";
}  // namespace

void save_state(const TrainState& s, const std::map<std::string, torch::Tensor>& tensors,
                const std::filesystem::path& folder) {
  Json history = Json::array();
  for (const auto& stats : s.history) history.push_back(to_json(stats));
  const Json json = {{"epoch", s.epoch},
                     {"batch", s.batch},
                     {"step", s.step},
                     {"epoch_loss", s.epoch_loss},
                     {"epoch_items", s.epoch_items},
                     {"epoch_seconds", s.epoch_seconds},
                     {"train_seconds", s.train_seconds},
                     {"train_items", s.train_items},
                     {"bad_samples", s.bad_samples},
                     {"skipped_steps", s.skipped_steps},
                     {"best_scores", tasks::scores_to_json(s.best_scores)},
                     {"best_epoch", s.best_epoch},
                     {"history", history},
                     {"schedule", s.schedule},
                     {"config", s.config}};
  runtime::save_tensors(tensors, folder / kFile,
                        {{"format", "pt"}, {"version", kVersion}, {"state", json.dump()}});
}

TrainState load_state(const std::filesystem::path& folder,
                      std::map<std::string, torch::Tensor>& tensors) {
  const auto file = folder / kFile;
  const auto metadata = io::SafetensorsFile::read(file).metadata();
  tensors = runtime::load_tensors(file);
  TrainState s;
  try {
    if (metadata.at("version") != kVersion)
      throw DataError(
          "resume",
          fmt::format("expected state of version {}, got {}", kVersion, metadata.at("version")),
          file.string(), "finish the run with the braid that began it, or start anew");
    const Json j = Json::parse(metadata.at("state"));
    j.at("epoch").get_to(s.epoch);
    j.at("batch").get_to(s.batch);
    j.at("step").get_to(s.step);
    j.at("epoch_loss").get_to(s.epoch_loss);
    j.at("epoch_items").get_to(s.epoch_items);
    j.at("epoch_seconds").get_to(s.epoch_seconds);
    j.at("train_seconds").get_to(s.train_seconds);
    j.at("train_items").get_to(s.train_items);
    j.at("bad_samples").get_to(s.bad_samples);
    j.at("skipped_steps").get_to(s.skipped_steps);
    s.best_scores = tasks::scores_from_json(j.at("best_scores"), file.string());
    j.at("best_epoch").get_to(s.best_epoch);
    for (const auto& item : j.at("history"))
      s.history.push_back(epoch_stats_from_json(item, file.string()));
    s.schedule = j.at("schedule");
    s.config = j.at("config");
  } catch (const std::out_of_range& e) {
    throw DataError("resume", "expected a trainer's state, got other metadata", file.string());
  } catch (const Json::exception& e) {
    throw DataError("resume", fmt::format("corrupt state: {}", e.what()), file.string());
  }
  return s;
}

std::map<std::string, torch::Tensor> with_prefix(const std::map<std::string, torch::Tensor>& all,
                                                 const std::string& prefix) {
  std::map<std::string, torch::Tensor> out;
  for (const auto& [name, tensor] : all)
    if (name.starts_with(prefix)) out[name.substr(prefix.size())] = tensor;
  return out;
}

void check_same_run(const Json& saved, const Json& now) {
  static const std::set<std::string> kFree = {
      "output",  "resume",  "epochs",          "max_train_seconds",  "max_steps",
      "workers", "threads", "checkpoint_hist", "checkpoint_minutes", "early_stop_epochs"};
  for (const auto& [field, value] : now.items())
    if (!kFree.contains(field) && saved.contains(field) && saved[field] != value)
      throw ConfigError("resume",
                        fmt::format("the run was started with {} = {}, got {}", field,
                                    saved[field].dump(), value.dump()),
                        "", "resume with the same settings, or start anew in another --output");
}

}  // namespace braid::train
