// Everything beyond the model that a run continues from, kept in last/state.safetensors.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "braid/core/config.h"
#include "braid/tasks/task.h"
#include "braid/torch.h"
#include "braid/train/result.h"

namespace braid::train {

struct TrainState {
  int64_t epoch = 0;       // the epoch under way
  int64_t batch = 0;       // its batches that are done
  int64_t step = 0;        // optimizer steps done
  double epoch_loss = 0;   // sum over the epoch's items so far
  double epoch_items = 0;  // what the task counts: images, tokens
  double epoch_seconds = 0;
  double train_seconds = 0;          // of the run, training alone
  double fewer_threads_seconds = 0;  // of those, while others used processors
  double train_items = 0;
  int64_t bad_samples = 0;           // left out because they could not be read, each counted once
  std::vector<int64_t> bad_indices;  // which; an older run does not say
  int64_t skipped_steps = 0;         // in a row, because loss or gradient was not finite
  tasks::Scores best_scores;         // of best_epoch; empty before the first evaluation
  int64_t best_epoch = 0;
  std::vector<EpochStats> history;
  Json schedule;
  Json config;          // of the task and the run, to be compared on resume
  std::string folder;   // the working folder, that relative paths of config are within
  int64_t batches = 0;  // of an epoch; 0: of an older run, unknown
  int64_t train_size = 0, val_size = 0;  // of the data; 0: unknown, likewise
  void visit(FieldVisitor& v);
};

// For TrainState::folder; what is no UTF-8 in its name is replaced.
std::string working_folder();

// The figures of a run that has ended.
TrainResult result_of(const TrainState& state, const tasks::Task& task,
                      const std::string& stop_reason, const std::filesystem::path& best_checkpoint);

// tensors: optimizer, EMA and random-number state under their prefixes.
void save_state(const TrainState& state, const std::map<std::string, torch::Tensor>& tensors,
                const std::filesystem::path& folder);
// Reads what any version wrote. Throws IoError or DataError naming the file.
TrainState load_state(const std::filesystem::path& folder,
                      std::map<std::string, torch::Tensor>& tensors);

// The tensors of `all` whose names begin with `prefix`, without it.
std::map<std::string, torch::Tensor> with_prefix(const std::map<std::string, torch::Tensor>& all,
                                                 const std::string& prefix);

// Throws ConfigError naming the first field in which a resumed run differs from the saved one,
// except those that are free on resume. config: visits the task's and the run's. data, teacher and
// weights may be spelt otherwise as long as they are the same files; moved: they may be others.
void check_same_run(const TrainState& saved, const VisitFields& config, bool moved = false);

}  // namespace braid::train
