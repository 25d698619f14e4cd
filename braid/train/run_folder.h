// What a run leaves behind for people: config.toml, summary.csv, results.json, TensorBoard events.
#pragma once
#include <filesystem>
#include <vector>

#include "braid/io/event_file.h"
#include "braid/train/trainer.h"

namespace braid::train {

Json to_json(const EpochStats& stats);
EpochStats epoch_stats_from_json(const Json& json);
Json to_json(const TrainResult& result);

class RunFolder {
 public:
  // Creates the folder, proves that `bytes` fit into it, writes config.toml. Throws IoError.
  RunFolder(const TrainConfig& config, uint64_t bytes);
  // Rewrites summary.csv from the whole history and adds the newest epoch to the event file.
  void epoch(const std::vector<EpochStats>& history);
  void result(const TrainResult& result) const;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  io::EventFile events_;
};

}  // namespace braid::train
