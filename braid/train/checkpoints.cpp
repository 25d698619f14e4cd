#include "braid/train/checkpoints.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <map>
#include <string_view>

#include "braid/core/error.h"
#include "braid/io/atomic_file.h"
#include "braid/io/posix_file.h"
#include "braid/models/weights.h"

namespace braid::train {

namespace fs = std::filesystem;

bool Checkpoints::resume(const VisitFields& config, bool moved) {
  if (!fs::exists(last())) return false;
  auto& [task, optimizer, schedule, ema, state] = parts_;
  std::map<std::string, torch::Tensor> tensors;
  state = load_state(last(), tensors);
  check_same_run(state, config, moved);
  state.config = visit_to_json(config);
  state.folder = working_folder();
  models::load_weights(task.model(), last());
  optimizer.load_state(with_prefix(tensors, "optimizer."));
  if (ema)
    for (const auto& [name, tensor] : with_prefix(tensors, "ema."))
      ema->state().at(name).copy_(tensor);
  if (tensors.contains("rng")) {
    auto generator = at::globalContext().defaultGenerator(torch::kCPU);
    generator.set_state(tensors.at("rng"));
  }
  try {
    schedule.load_state(state.schedule);
  } catch (const Json::exception& e) {
    throw DataError("resume", std::string("corrupt state of the schedule: ") + e.what(),
                    last().string());
  }
  return true;
}

void Checkpoints::save_last() {
  auto& [task, optimizer, schedule, ema, state] = parts_;
  std::map<std::string, torch::Tensor> tensors;
  for (const auto& [name, tensor] : optimizer.state()) tensors["optimizer." + name] = tensor;
  if (ema)
    for (const auto& [name, tensor] : ema->state()) tensors["ema." + name] = tensor;
  tensors["rng"] = at::globalContext().defaultGenerator(torch::kCPU).get_state();
  state.schedule = schedule.state();
  io::replace_folder(last(), [&](const fs::path& fresh) {
    parts_.task.save(fresh);
    save_state(parts_.state, tensors, fresh);
  });
  saved_ = std::chrono::steady_clock::now();
}

void Checkpoints::save_best() {
  io::replace_folder(best(), [this](const fs::path& fresh) { parts_.task.save(fresh); });
}

void Checkpoints::keep_epoch(int64_t epoch, int64_t kept) {
  if (kept == 0) return;
  const auto folder = [this](int64_t of) { return run_ / fmt::format("checkpoint-{}", of); };
  io::replace_folder(folder(epoch), [this](const fs::path& fresh) {
    std::vector<fs::path> folders;
    for (const auto& entry : fs::recursive_directory_iterator(last())) {
      const auto copy = fresh / entry.path().lexically_relative(last());
      std::error_code error;
      if (entry.is_directory()) {
        fs::create_directory(copy);
        folders.push_back(copy);
        continue;
      }
      fs::create_hard_link(entry.path(), copy, error);
      if (error) fs::copy_file(entry.path(), copy);
    }
    for (const auto& inner : folders) io::sync_folder(inner);
  });
  const auto all = newest_epochs(std::numeric_limits<int64_t>::max());
  for (size_t i = static_cast<size_t>(kept); i < all.size(); ++i) fs::remove_all(all[i]);
}

std::vector<fs::path> Checkpoints::newest_epochs(int64_t count) const {
  constexpr std::string_view kPrefix = "checkpoint-";
  std::map<int64_t, fs::path> found;
  for (const auto& folder : io::list_folder(run_)) {
    const auto name = folder.filename().string();
    int64_t epoch = 0;
    const char* end = name.data() + name.size();
    if (!name.starts_with(kPrefix) || !io::is_folder(folder)) continue;
    const auto [stop, error] = std::from_chars(name.data() + kPrefix.size(), end, epoch);
    if (error == std::errc() && stop == end) found[epoch] = folder;
  }
  std::vector<fs::path> newest;
  for (auto it = found.rbegin(); it != found.rend() && count > 0; ++it, --count)
    newest.push_back(it->second);
  return newest;
}

double Checkpoints::seconds_since_saved() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - saved_).count();
}

fs::path checkpoint_to_resume(const RunConfig& config) {
  fs::path last = fs::path(config.output) / "last";
  if (io::is_locked(config.output))
    throw TryAgainError("train", "another run writes into this folder", config.output,
                        "wait until it ends, or choose another --output");
  io::restore_folder(last);
  if (!fs::exists(last)) return {};
  if (!config.resume)
    throw UsageError("train", "the folder already holds a run", config.output,
                     "add --resume to continue it, or choose another --output");
  return last;
}

}  // namespace braid::train
