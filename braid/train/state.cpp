#include "braid/train/state.h"

#include <fmt/format.h>

#include "braid/core/error.h"
#include "braid/io/safetensors.h"
#include "braid/models/tensor_file.h"
#include "braid/train/run_folder.h"

namespace braid::train {
namespace {
constexpr const char* kFile = "state.safetensors";
constexpr const char* kVersion = "1";
}  // namespace

void save_state(const TrainState& s, const std::map<std::string, torch::Tensor>& tensors,
                const std::filesystem::path& folder) {
  Json history = Json::array();
  for (const auto& stats : s.history) history.push_back(to_json(stats));
  const Json json = {{"epoch", s.epoch},
                     {"batch", s.batch},
                     {"step", s.step},
                     {"epoch_loss", s.epoch_loss},
                     {"epoch_images", s.epoch_images},
                     {"epoch_seconds", s.epoch_seconds},
                     {"train_seconds", s.train_seconds},
                     {"train_images", s.train_images},
                     {"bad_samples", s.bad_samples},
                     {"skipped_steps", s.skipped_steps},
                     {"best_top1", s.best_top1},
                     {"best_epoch", s.best_epoch},
                     {"history", history},
                     {"schedule", s.schedule},
                     {"config", s.config}};
  models::save_tensors(tensors, folder / kFile,
                       {{"format", "pt"}, {"version", kVersion}, {"state", json.dump()}});
}

TrainState load_state(const std::filesystem::path& folder,
                      std::map<std::string, torch::Tensor>& tensors) {
  const auto file = folder / kFile;
  const auto metadata = io::SafetensorsFile::read(file).metadata();
  tensors = models::load_tensors(file);
  TrainState s;
  try {
    if (metadata.at("version") != kVersion)
      throw DataError(
          "resume",
          fmt::format("expected state of version {}, got {}", kVersion, metadata.at("version")),
          file.string());
    const Json j =
        parse_json(metadata.at("state"), {.component = "resume", .where = file.string()});
    j.at("epoch").get_to(s.epoch);
    j.at("batch").get_to(s.batch);
    j.at("step").get_to(s.step);
    j.at("epoch_loss").get_to(s.epoch_loss);
    j.at("epoch_images").get_to(s.epoch_images);
    j.at("epoch_seconds").get_to(s.epoch_seconds);
    j.at("train_seconds").get_to(s.train_seconds);
    j.at("train_images").get_to(s.train_images);
    j.at("bad_samples").get_to(s.bad_samples);
    j.at("skipped_steps").get_to(s.skipped_steps);
    j.at("best_top1").get_to(s.best_top1);
    j.at("best_epoch").get_to(s.best_epoch);
    for (const auto& item : j.at("history")) s.history.push_back(epoch_stats_from_json(item));
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

void check_same_run(const Json& saved, const TrainConfig& config) {
  const Json now = braid::to_json(config);
  for (const Field& field : fields_of(config))
    if (!field.rules.free_on_resume && saved.contains(field.name) &&
        saved[field.name] != now[field.name])
      throw ConfigError("resume",
                        fmt::format("the run was started with {} = {}, got {}", field.name,
                                    saved[field.name].dump(), now[field.name].dump()),
                        "", "resume with the same settings, or start anew in another --output");
}

}  // namespace braid::train
