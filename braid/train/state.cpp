#include "braid/train/state.h"

#include <fmt/format.h>

#include <algorithm>

#include "braid/core/error.h"
#include "braid/io/safetensors.h"
#include "braid/runtime/tensor_file.h"

namespace braid::train {
namespace {
constexpr const char* kFile = "state.safetensors";
constexpr const char* kVersion = "2";
}  // namespace

void TrainState::visit(FieldVisitor& v) {
  v.field("epoch", epoch, "the epoch under way");
  v.field("batch", batch, "its batches that are done");
  v.field("step", step, "optimizer steps done");
  v.field("epoch_loss", epoch_loss, "sum over the epoch's items so far");
  v.field("epoch_items", epoch_items, "images or tokens of the epoch so far");
  v.field("epoch_seconds", epoch_seconds, "of training in the epoch");
  v.field("train_seconds", train_seconds, "of training in the run");
  v.field("train_items", train_items, "images or tokens of the run so far");
  v.field("bad_samples", bad_samples, "left out because they could not be read");
  v.field("skipped_steps", skipped_steps, "in a row, because loss or gradient was not finite");
  v.list("best_scores", best_scores);
  v.field("best_epoch", best_epoch, "whose scores these are");
  v.list("history", history);
  v.field("schedule", schedule, "of the learning rate");
  v.field("config", config, "of the task and the run");
}

TrainResult result_of(const TrainState& state, const tasks::Task& task,
                      const std::string& stop_reason, int64_t bad_samples,
                      const std::filesystem::path& best_checkpoint) {
  return {.task = task.name(),
          .items = task.items(),
          .best_scores = state.best_scores,
          .best_epoch = state.best_epoch,
          .steps = state.step,
          .train_seconds = state.train_seconds,
          .items_per_s = state.train_items / std::max(1e-9, state.train_seconds),
          .bad_samples = bad_samples,
          .val_bad_samples = task.unread(tasks::Split::kVal),
          .data = task.data(),
          .stop_reason = stop_reason,
          .best_checkpoint = best_checkpoint,
          .history = state.history};
}

void save_state(const TrainState& state, const std::map<std::string, torch::Tensor>& tensors,
                const std::filesystem::path& folder) {
  runtime::save_tensors(
      tensors, folder / kFile,
      {{"format", "pt"}, {"version", kVersion}, {"state", to_json(state).dump()}});
}

TrainState load_state(const std::filesystem::path& folder,
                      std::map<std::string, torch::Tensor>& tensors) {
  const auto file = folder / kFile;
  auto [loaded, metadata] = runtime::load_tensor_file(file);
  tensors = std::move(loaded);
  const auto version = metadata.find("version"), text = metadata.find("state");
  if (version == metadata.end() || text == metadata.end())
    throw DataError("resume", "expected a trainer's state, got other metadata", file.string());
  if (version->second != kVersion)
    throw DataError("resume",
                    fmt::format("expected state of version {}, got {}", kVersion, version->second),
                    file.string(), "finish the run with the braid that began it, or start anew");
  const Json json = parse_json(text->second, {.component = "resume", .where = file.string()});
  try {
    return from_json<TrainState>(json, file.string());
  } catch (const ConfigError& e) {
    throw DataError("resume", fmt::format("corrupt state: {}", e.what()), file.string());
  }
}

std::map<std::string, torch::Tensor> with_prefix(const std::map<std::string, torch::Tensor>& all,
                                                 const std::string& prefix) {
  std::map<std::string, torch::Tensor> out;
  for (const auto& [name, tensor] : all)
    if (name.starts_with(prefix)) out[name.substr(prefix.size())] = tensor;
  return out;
}

void check_same_run(const Json& saved, const VisitFields& config) {
  const Json now = visit_to_json(config);
  for (const Field& field : visit_for_fields(config))
    if (!field.rules.free_on_resume && saved.contains(field.name) &&
        saved[field.name] != now[field.name])
      throw ConfigError("resume",
                        fmt::format("the run was started with {} = {}, got {}", field.name,
                                    saved[field.name].dump(), now[field.name].dump()),
                        "", "resume with the same settings, or start anew in another --output");
}

}  // namespace braid::train
