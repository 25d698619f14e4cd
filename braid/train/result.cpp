#include "braid/train/result.h"

#include <cmath>

#include "braid/core/error.h"
#include "braid/core/version.h"

namespace braid::train {

Json to_json(const EpochStats& s) {
  return {{"epoch", s.epoch},
          {"step", s.step},
          {"train_loss", s.train_loss},
          {"scores", tasks::scores_to_json(s.scores)},
          {"scores_ema", tasks::scores_to_json(s.scores_ema)},
          {"lr", s.lr},
          {"seconds", s.seconds},
          {"items_per_s", s.items_per_s}};
}

EpochStats epoch_stats_from_json(const Json& j, const std::string& where) {
  EpochStats s;
  try {
    j.at("epoch").get_to(s.epoch);
    j.at("step").get_to(s.step);
    const Json& loss = j.at("train_loss");  // JSON has no NaN: it is written as null
    s.train_loss = loss.is_null() ? std::nan("") : loss.get<double>();
    s.scores = tasks::scores_from_json(j.at("scores"), where);
    s.scores_ema = tasks::scores_from_json(j.at("scores_ema"), where);
    j.at("lr").get_to(s.lr);
    j.at("seconds").get_to(s.seconds);
    j.at("items_per_s").get_to(s.items_per_s);
  } catch (const Json::exception& e) {
    throw DataError("train", std::string("expected an epoch's figures: ") + e.what(), where);
  }
  return s;
}

Json to_json(const TrainResult& r) {
  Json history = Json::array();
  for (const auto& stats : r.history) history.push_back(to_json(stats));
  return {{"schema_version", 2},
          {"braid_version", version()},
          {"task", r.task},
          {"items", r.items},
          {"best_scores", tasks::scores_to_json(r.best_scores)},
          {"best_epoch", r.best_epoch},
          {"steps", r.steps},
          {"train_seconds", r.train_seconds},
          {"items_per_s", r.items_per_s},
          {"bad_samples", r.bad_samples},
          {"stop_reason", r.stop_reason},
          {"best_checkpoint", r.best_checkpoint.string()},
          {"history", history}};
}

}  // namespace braid::train
