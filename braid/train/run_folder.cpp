#include "braid/train/run_folder.h"

#include <fmt/format.h>

#include <cmath>

#include "braid/core/version.h"
#include "braid/io/atomic_file.h"

namespace braid::train {
namespace {

std::filesystem::path prepared(const TrainConfig& config, uint64_t bytes) {
  io::check_writable(config.output, bytes);
  io::write_file_atomic(std::filesystem::path(config.output) / "config.toml",
                        to_toml(braid::to_json(config)));
  return config.output;
}

}  // namespace

Json to_json(const EpochStats& s) {
  return {{"epoch", s.epoch},
          {"step", s.step},
          {"train_loss", s.train_loss},
          {"val_loss", s.val_loss},
          {"val_top1", s.val_top1},
          {"val_top1_ema", s.val_top1_ema},
          {"lr", s.lr},
          {"seconds", s.seconds},
          {"images_per_s", s.images_per_s}};
}

namespace {

// JSON has no NaN: a loss that is not finite is written as null.
void read(const Json& json, const char* key, double& value) {
  const Json& field = json.at(key);
  value = field.is_null() ? std::nan("") : field.get<double>();
}

}  // namespace

EpochStats epoch_stats_from_json(const Json& j) {
  EpochStats s;
  j.at("epoch").get_to(s.epoch);
  j.at("step").get_to(s.step);
  read(j, "train_loss", s.train_loss);
  read(j, "val_loss", s.val_loss);
  j.at("val_top1").get_to(s.val_top1);
  j.at("val_top1_ema").get_to(s.val_top1_ema);
  j.at("lr").get_to(s.lr);
  j.at("seconds").get_to(s.seconds);
  j.at("images_per_s").get_to(s.images_per_s);
  return s;
}

Json to_json(const TrainResult& r) {
  Json history = Json::array();
  for (const auto& stats : r.history) history.push_back(to_json(stats));
  return {{"schema_version", 1},
          {"braid_version", version()},
          {"best_top1", r.best_top1},
          {"best_epoch", r.best_epoch},
          {"steps", r.steps},
          {"train_seconds", r.train_seconds},
          {"images_per_s", r.images_per_s},
          {"bad_samples", r.bad_samples},
          {"stop_reason", r.stop_reason},
          {"best_checkpoint", r.best_checkpoint.string()},
          {"history", history}};
}

RunFolder::RunFolder(const TrainConfig& config, uint64_t bytes)
    : path_(prepared(config, bytes)), events_(path_) {}

void RunFolder::epoch(const std::vector<EpochStats>& history) {
  std::string csv =
      "epoch,step,train_loss,val_loss,val_top1,val_top1_ema,lr,seconds,images_per_s\n";
  for (const auto& s : history)
    csv += fmt::format("{},{},{:.6f},{:.6f},{:.4f},{:.4f},{:.8g},{:.3f},{:.1f}\n", s.epoch, s.step,
                       s.train_loss, s.val_loss, s.val_top1, s.val_top1_ema, s.lr, s.seconds,
                       s.images_per_s);
  io::write_file_atomic(path_ / "summary.csv", csv);
  const auto& s = history.back();
  events_.scalar("loss/train", s.step, s.train_loss);
  events_.scalar("loss/val", s.step, s.val_loss);
  events_.scalar("top1/val", s.step, s.val_top1);
  events_.scalar("top1/val_ema", s.step, s.val_top1_ema);
  events_.scalar("lr", s.step, s.lr);
  events_.scalar("images_per_s", s.step, s.images_per_s);
}

void RunFolder::result(const TrainResult& result) const {
  io::write_file_atomic(path_ / "results.json", to_json(result).dump(2) + "\n");
}

}  // namespace braid::train
