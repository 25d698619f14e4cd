#include "braid/serve/repository.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <utility>

#include "braid/core/error.h"

namespace braid::serve {

namespace fs = std::filesystem;

namespace {

constexpr const char* kExported = ".onnx";  // of files that are models
constexpr const char* kStatistics = "stats";

// GET /v2/models/stats is the statistics of all models, in Triton too, where a model of that name
// is hidden behind them without a word.
void refuse_taken_name(const std::string& name, const char* where, const char* remedy) {
  if (name == kStatistics)
    throw UsageError("serve",
                     "expected another name than 'stats': /v2/models/stats is where the statistics "
                     "of all models are, and no model's metadata",
                     where, remedy);
}

}  // namespace

bool is_model_name(const std::string& name) {
  constexpr size_t kLongest = 128;
  return !name.empty() && name.size() <= kLongest && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-';
         });
}

Repository::Repository(LoadModel load, const std::vector<ModelSource>& sources,
                       const fs::path& folder, const BatchOptions& options, Metrics& metrics,
                       WorkerPool& loader)
    : load_(std::move(load)),
      folder_(folder),
      options_(options),
      metrics_(metrics),
      loader_(loader) {
  for (const auto& [name, source] : sources) {
    if (!is_model_name(name))
      throw UsageError("serve",
                       "expected a name of letters, digits, '.', '_' and '-', got '" + name + "'",
                       "--model", "give it one: --model NAME=CHECKPOINT");
    refuse_taken_name(name, "--model", "give it another one: --model NAME=CHECKPOINT");
    if (!entries_.emplace(name, Entry{.source = source}).second)
      throw UsageError("serve", "expected each model's name once, got '" + name + "' twice",
                       "--model", "give them names: --model NAME=CHECKPOINT");
  }
  if (!folder_.empty() && !fs::is_directory(folder_))
    throw IoError("serve", "expected a folder of models", folder_.string());
}

ServedModelPtr Repository::find(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(name);
  return found == entries_.end() ? nullptr : found->second.model;
}

std::vector<std::string> Repository::ready() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries_)
    if (entry.model) names.push_back(name);
  return names;
}

std::map<std::string, std::string> Repository::platforms() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, std::string> platforms;
  for (const auto& [name, entry] : entries_)
    if (entry.model) platforms[name] = entry.model->model->platform;
  return platforms;
}

std::vector<ModelState> Repository::index() const {
  std::set<std::string> in_folder;
  std::error_code ignored;  // a folder that is gone holds nothing
  if (!folder_.empty())
    for (fs::directory_iterator at(folder_, ignored), end; at != end; at.increment(ignored)) {
      const bool folder = at->is_directory(ignored);
      if (!folder && at->path().extension() != kExported) continue;
      const auto name = (folder ? at->path().filename() : at->path().stem()).string();
      if (is_model_name(name)) in_folder.insert(name);
    }
  const std::lock_guard lock(mutex_);
  std::map<std::string, ModelState> states;
  for (const auto& name : in_folder)
    states[name] = {.name = name, .state = "UNAVAILABLE", .reason = "not loaded"};
  for (const auto& [name, entry] : entries_) {
    const char* state = entry.model ? "READY" : entry.loading ? "LOADING" : "UNAVAILABLE";
    const bool remarked = entry.reason.empty() && entry.model;
    states[name] = {.name = name,
                    .state = state,
                    .reason = remarked ? entry.model->model->remark : entry.reason};
  }
  std::vector<ModelState> list;
  list.reserve(states.size());
  for (auto& [name, state] : states) list.push_back(std::move(state));
  return list;
}

std::string Repository::source_of(const std::string& name) const {
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(name);
    if (found != entries_.end() && !found->second.source.empty()) return found->second.source;
  }
  std::error_code ignored;
  if (folder_.empty() || !is_model_name(name)) return "";
  if (fs::is_directory(folder_ / name, ignored)) return (folder_ / name).string();
  const auto file = folder_ / (name + kExported);
  return fs::is_regular_file(file, ignored) ? file.string() : "";
}

bool Repository::knows(const std::string& name) const { return !source_of(name).empty(); }

// A model ends in the loader's thread: the last to hold it may be its own batcher's.
ServedModelPtr Repository::hold(std::unique_ptr<ServedModel> served) {
  const std::lock_guard lock(mutex_);
  ++alive_;
  return {served.release(), [this](ServedModel* gone) {
            loader_.post([this, gone] {
              delete gone;
              const std::lock_guard end(mutex_);
              --alive_;
              ended_.notify_all();
            });
          }};
}

void Repository::expect_open() const {
  if (closed_) throw TryAgainError("serve", "the server is about to end");
}

void Repository::load(const std::string& name) {
  const std::lock_guard one_at_a_time(loading_);
  {
    const std::lock_guard lock(mutex_);
    expect_open();
  }
  const std::string source = source_of(name);
  if (source.empty())
    throw UsageError("serve", "expected a model of the repository, got '" + name + "'");
  refuse_taken_name(name, source.c_str(), "rename it in the repository");
  {
    const std::lock_guard lock(mutex_);
    entries_[name].loading = true;
  }
  ServedModelPtr old;
  try {
    auto model = load_(source);
    auto served = hold(
        std::make_unique<ServedModel>(name, std::move(model), options_, metrics_.of_model(name)));
    const std::lock_guard lock(mutex_);
    expect_open();
    auto& entry = entries_[name];
    old = std::exchange(entry.model, std::move(served));
    entry.loading = false;
    entry.reason.clear();
  } catch (const std::exception& e) {
    const std::lock_guard lock(mutex_);
    auto& entry = entries_[name];
    entry.loading = false;
    entry.reason = std::string("loading failed: ") + e.what();
    throw;
  }
}

bool Repository::unload(const std::string& name) {
  const std::lock_guard one_at_a_time(loading_);
  const bool is_there = knows(name);
  ServedModelPtr old;
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(name);
  if (found == entries_.end() || !found->second.model) return false;
  old = std::move(found->second.model);
  found->second.model = nullptr;
  found->second.reason = "unloaded";
  if (!is_there) entries_.erase(found);
  return true;
}

void Repository::clear() {
  {
    std::map<std::string, Entry> gone;
    const std::lock_guard lock(mutex_);
    closed_ = true;
    gone.swap(entries_);
  }
  { const std::lock_guard no_load(loading_); }
  std::unique_lock lock(mutex_);
  ended_.wait(lock, [this] { return alive_ == 0; });
}

}  // namespace braid::serve
