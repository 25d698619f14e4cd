#include "braid/serve/engine_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <string>
#include <utility>

#include "braid/core/error.h"
#include "braid/serve/warm_up.h"

namespace braid::serve {
namespace {

using Clock = std::chrono::steady_clock;
constexpr double kSeconds = 0.5;
constexpr int64_t kMostTurns = 200;
constexpr int64_t kWords = 48;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string words(int64_t count) {
  std::string text = "a";
  for (int64_t i = 1; i < count; ++i) text += " a";
  return text;
}

}  // namespace

std::vector<Tensor> made_up_request(const Model& model) {
  if (model.prepared.name != "text" || !model.preparation) return made_up_inputs(*model.engine);
  // A model that reads few tokens may refuse longer texts.
  for (int64_t count = kWords;; count /= 2) {
    const std::string one = words(count), text = model.pairs ? one + "\t" + one : one;
    try {
      return model.preparation->prepare({.name = model.prepared.name,
                                         .type = DataType::kBytes,
                                         .shape = {1},
                                         .elements = {text}});
    } catch (const DataError&) {
      if (count == 1) throw;
    }
  }
}

std::vector<double> time_requests(const std::vector<const Model*>& models) {
  std::vector<std::vector<Tensor>> requests;
  for (const auto* model : models) {
    requests.push_back(made_up_request(*model));
    infer(*model->engine, requests.back());
  }
  std::vector<double> fastest(models.size(), std::numeric_limits<double>::infinity());
  const auto begin = Clock::now();
  for (int64_t turn = 0; turn < kMostTurns && (turn == 0 || seconds_since(begin) < kSeconds);
       ++turn)
    for (size_t i = 0; i < models.size(); ++i) {
      const auto start = Clock::now();
      infer(*models[i]->engine, requests[i]);
      fastest[i] = std::min(fastest[i], seconds_since(start));
    }
  return fastest;
}

std::unique_ptr<Model> with_remark(std::unique_ptr<Model> model, const std::string& remark) {
  model->remark = remark + (model->remark.empty() ? "" : "; ") + model->remark;
  return model;
}

std::unique_ptr<Model> faster_of(std::unique_ptr<Model> first, std::unique_ptr<Model> second,
                                 const TimeRequests& time) {
  bool second_wins = false;
  std::string why;
  try {
    const auto seconds = time({first.get(), second.get()});
    second_wins = seconds.at(1) < seconds.at(0);
    why = fmt::format("measured: {:.3g} ms a request, {} {:.3g} ms", 1e3 * seconds[second_wins],
                      (second_wins ? first : second)->platform, 1e3 * seconds[!second_wins]);
  } catch (const Error& error) {
    why = fmt::format("{} was not timed: {}", second->platform, error.what());
  }
  return with_remark(std::move(second_wins ? second : first), why);
}

}  // namespace braid::serve
