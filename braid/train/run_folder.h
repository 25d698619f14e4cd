// What a run leaves behind for people: config.toml, summary.csv, results.json, TensorBoard events.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "braid/core/config.h"
#include "braid/io/event_file.h"
#include "braid/io/posix_file.h"
#include "braid/tasks/task.h"
#include "braid/train/config.h"
#include "braid/train/result.h"

namespace braid::train {

// Every setting of a run, the task's and its own, flat.
VisitFields settings_of(const tasks::Task& task, const RunConfig& config);

class RunFolder {
 public:
  // Creates the folder, proves that the task's checkpoints fit into it, locks it for this object's
  // life. Throws IoError, and TryAgainError while another run has the lock.
  RunFolder(const RunConfig& config, tasks::Task& task);
  // Writes config.toml. settings: as settings_of gives them, once a resume has accepted them.
  void begin(const Json& settings) const;
  // Rewrites summary.csv from the whole history and adds the newest epoch to the event file.
  void epoch(const std::vector<EpochStats>& history);
  void result(const TrainResult& result) const;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  io::FolderLock lock_;
  std::string items_;
  io::EventFile events_;
};

// A run's scores as its tables list them: the one that chooses the best epoch comes last, so that
// it stands beside its value for the averaged weights.
tasks::Scores in_columns(const tasks::Scores& scores);

}  // namespace braid::train
