#include "braid/train/state.h"

#include <fmt/format.h>

#include <algorithm>

#include "braid/core/error.h"
#include "braid/core/utf8.h"
#include "braid/io/safetensors.h"
#include "braid/runtime/tensor_file.h"

namespace braid::train {
namespace {
constexpr const char* kFile = "state.safetensors";
constexpr const char* kVersion = "2";

Json score(const char* name, const char* unit, const Json& value) {
  return {{"name", name},   {"unit", unit},    {"value", value},
          {"low", nullptr}, {"high", nullptr}, {"higher_is_better", std::string(unit) == "%"}};
}

Json taken(Json& json, const char* key) {
  Json value = json.at(key);
  json.erase(key);
  return value;
}

// Version 1 knew images alone: its scores were top-1 and the loss.
Json from_version_1(Json json) {
  json["epoch_items"] = taken(json, "epoch_images");
  json["train_items"] = taken(json, "train_images");
  const Json best = taken(json, "best_top1");
  json["best_scores"] = Json::array();
  if (best.get<double>() >= 0) json["best_scores"].push_back(score("top1", "%", best));
  for (Json& epoch : json.at("history")) {
    const Json loss = score("loss", "nats", taken(epoch, "val_loss"));
    epoch["scores"] = {score("top1", "%", taken(epoch, "val_top1")), loss};
    epoch["scores_ema"] = {score("top1", "%", taken(epoch, "val_top1_ema")), loss};
    epoch["items_per_s"] = taken(epoch, "images_per_s");
  }
  return json;
}

// Whether two texts, each seen from its working folder, name the same file or the same data set.
// The old one may be gone, with its folder, to where the new one is.
bool same_place(const std::string& old, const std::string& old_folder, const std::string& now) {
  namespace fs = std::filesystem;
  std::error_code error;
  const bool known = !old_folder.empty() || fs::path(old).is_absolute();
  const fs::path before = fs::path(old_folder) / old;
  const bool gone = !known || old.empty() || !fs::exists(before, error);
  if (gone || now.empty() || !fs::exists(now, error)) return old == now;
  return fs::equivalent(before, now, error);
}

bool is_place(const std::string& field) {
  return field == "data" || field == "teacher" || field == "weights";
}

}  // namespace

void TrainState::visit(FieldVisitor& v) {
  v.field("epoch", epoch, "the epoch under way");
  v.field("batch", batch, "its batches that are done");
  v.field("step", step, "optimizer steps done");
  v.field("epoch_loss", epoch_loss, "sum over the epoch's items so far");
  v.field("epoch_items", epoch_items, "images or tokens of the epoch so far");
  v.field("epoch_seconds", epoch_seconds, "of training in the epoch");
  v.field("train_seconds", train_seconds, "of training in the run");
  v.field("fewer_threads_seconds", fewer_threads_seconds, "of them, while others used processors");
  v.field("train_items", train_items, "images or tokens of the run so far");
  v.field("bad_samples", bad_samples, "left out because they could not be read");
  v.field("bad_indices", bad_indices, "their positions in the data");
  v.field("skipped_steps", skipped_steps, "in a row, because loss or gradient was not finite");
  v.list("best_scores", best_scores);
  v.field("best_epoch", best_epoch, "whose scores these are");
  v.list("history", history);
  v.field("schedule", schedule, "of the learning rate");
  v.field("config", config, "of the task and the run");
  v.field("folder", folder, "the working folder");
  v.field("batches", batches, "of an epoch");
  v.field("train_size", train_size, "items of the data");
  v.field("val_size", val_size, "items of the data");
}

std::string working_folder() {
  return replace_invalid_utf8(std::filesystem::current_path().string());
}

TrainResult result_of(const TrainState& state, const tasks::Task& task,
                      const std::string& stop_reason,
                      const std::filesystem::path& best_checkpoint) {
  return {.task = task.name(),
          .items = task.items(),
          .best_scores = state.best_scores,
          .best_epoch = state.best_epoch,
          .steps = state.step,
          .train_seconds = state.train_seconds,
          .fewer_threads_seconds = state.fewer_threads_seconds,
          .items_per_s = state.train_items / std::max(1e-9, state.train_seconds),
          .bad_samples = state.bad_samples,
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
  if (version->second != kVersion && version->second != "1")
    throw DataError(
        "resume",
        fmt::format("expected state of version 1 or {}, got {}", kVersion, version->second),
        file.string(), "finish the run with the braid that began it, or start anew");
  const Json json = parse_json(text->second, {.component = "resume", .where = file.string()});
  try {
    return from_json<TrainState>(version->second == "1" ? from_version_1(json) : json,
                                 file.string());
  } catch (const ConfigError& e) {
    throw DataError("resume", fmt::format("corrupt state: {}", e.what()), file.string());
  } catch (const Json::exception& e) {
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

void check_same_run(const TrainState& saved, const VisitFields& config, bool moved) {
  const Json now = visit_to_json(config);
  for (const Field& field : visit_for_fields(config)) {
    if (field.rules.free_on_resume || !saved.config.contains(field.name)) continue;
    const Json &before = saved.config[field.name], &value = now[field.name];
    const bool place = is_place(field.name) && before.is_string() && value.is_string();
    if (place
            ? moved || same_place(before.get<std::string>(), saved.folder, value.get<std::string>())
            : before == value)
      continue;
    throw ConfigError("resume",
                      fmt::format("the run was started with {} = {}, got {}", field.name,
                                  before.dump(), value.dump()),
                      "",
                      place ? "give --moved-data if it is the same at another place, or start anew "
                              "in another --output"
                            : "resume with the same settings, or start anew in another --output");
  }
}

}  // namespace braid::train
