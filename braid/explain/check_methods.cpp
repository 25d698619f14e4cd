#include "braid/explain/check_methods.h"

#include <ATen/CPUGeneratorImpl.h>
#include <fmt/format.h>

#include <cmath>

#include "braid/explain/faithfulness.h"
#include "braid/explain/heat_map.h"

namespace braid::explain {
namespace {

using torch::Tensor;

// Enough of them that a mean says something, few enough to wait for.
constexpr size_t kMostImages = 8;
constexpr int64_t kPlaces = 4;                                  // planted patches per image
constexpr double kMostCorrelation = 0.5;                        // with a model of noise
constexpr double kLeastFound = 0.5;                             // of planted patches
const std::vector<double> kShares = {0.1, 0.25, 0.5, 0.75, 1};  // of the modules, from the last
constexpr int64_t kRandomCells = 7;                             // of a random map, along one side

class Checker {
 public:
  Checker(const ImageExplainer& explainer, const std::vector<Tensor>& images,
          const std::vector<int64_t>& targets, const ExplainConfig& config)
      : explainer_(explainer),
        images_(images.begin(),
                images.begin() + static_cast<std::ptrdiff_t>(std::min(images.size(), kMostImages))),
        targets_(targets),
        config_(config),
        classify_([this](const Tensor& x) { return logits(explainer_.explained(), x); }),
        planted_(plant_patches(classify_, images_, targets_, kPlaces,
                               static_cast<uint64_t>(config.seed))),
        cascade_(cascade(explainer.explained(), kShares, static_cast<uint64_t>(config.seed))),
        generator_(at::make_generator<at::CPUGeneratorImpl>(static_cast<uint64_t>(config.seed))) {}

  CheckRow row(const std::string& method) {
    CheckRow row;
    row.method = method;
    row.images = static_cast<int64_t>(images_.size());
    measure_order(row);
    const auto game = pointing_game(
        [&](const Tensor& image, int64_t target) { return map_of(method, image, target); },
        planted_);
    row.planted = game.planted;
    if (game.planted > 0) {
      row.pointing = static_cast<double>(game.found) / static_cast<double>(game.planted);
      row.pointing_chance = game.chance;
    }
    for (const auto& noisy : cascade_) {
      double sum = 0;
      for (size_t i = 0; i < images_.size(); ++i)
        sum += rank_correlation(
            result_of(explainer_.explained(), method, images_[i], targets_[i]).values,
            result_of(noisy, method, images_[i], targets_[i]).values);
      row.cascade.push_back(sum / static_cast<double>(images_.size()));
    }
    row.randomized = row.cascade.back();
    row.verdict = verdict_of(row);
    return row;
  }

 private:
  MethodResult result_of(const ExplainableGraph& explained, const std::string& method,
                         const Tensor& image, int64_t target) const {
    return explainer_.results(explained, method, image, target).back();
  }
  Tensor map_of(const std::string& method, const Tensor& image, int64_t target) const {
    return result_of(explainer_.explained(), method, image, target).map.cpu();
  }

  Tensor random_map() {
    const auto& explained = explainer_.explained();
    return to_pixels(torch::rand({kRandomCells, kRandomCells}, generator_), explained.height,
                     explained.width);
  }

  void measure_order(CheckRow& row) {
    double deletion = 0, insertion = 0, random_deletion = 0, random_insertion = 0;
    for (size_t i = 0; i < images_.size(); ++i) {
      const PixelOrder order{.target = targets_[i], .batch = config_.batch_size};
      const auto map = map_of(row.method, images_[i], targets_[i]);
      const auto random = random_map();
      deletion += deletion_area(classify_, images_[i], map, order);
      insertion += insertion_area(classify_, images_[i], map, order);
      random_deletion += deletion_area(classify_, images_[i], random, order);
      random_insertion += insertion_area(classify_, images_[i], random, order);
    }
    const auto count = static_cast<double>(images_.size());
    row.deletion = deletion / count;
    row.insertion = insertion / count;
    row.random_deletion = random_deletion / count;
    row.random_insertion = random_insertion / count;
  }

  const ImageExplainer& explainer_;
  std::vector<Tensor> images_;
  const std::vector<int64_t>& targets_;
  const ExplainConfig& config_;
  Classify classify_;
  std::vector<Planted> planted_;
  std::vector<ExplainableGraph> cascade_;
  at::Generator generator_;
};

}  // namespace

std::string verdict_of(const CheckRow& row) {
  std::string fails;
  const auto add = [&](const std::string& text) { fails += (fails.empty() ? "" : "; ") + text; };
  if (row.randomized && *row.randomized > kMostCorrelation)
    add(fmt::format(
        "the map hardly changes when all weights become noise (rank correlation {:.2f})",
        *row.randomized));
  if (row.deletion && row.insertion && *row.deletion >= *row.random_deletion &&
      *row.insertion <= *row.random_insertion)
    add("it orders pixels no better than chance");
  if (row.pointing && *row.pointing <= *row.pointing_chance)
    add("it finds planted patches no better than chance");
  else if (row.pointing && *row.pointing < kLeastFound)
    add(fmt::format("it finds {:.0f}% of the planted patches", 100 * *row.pointing));
  return fails.empty() ? "passes" : "fails: " + fails;
}

std::vector<CheckRow> check_methods(const ImageExplainer& explainer,
                                    const std::vector<Tensor>& images,
                                    const std::vector<int64_t>& targets,
                                    const ExplainConfig& config, Progress& progress) {
  std::vector<CheckRow> rows;
  if (images.empty()) return rows;
  Checker checker(explainer, images, targets, config);
  std::vector<std::string> methods = explainer.methods();
  std::erase(methods, "erf");  // of the architecture more than of an image
  progress.begin("checking", static_cast<int64_t>(methods.size()));
  for (size_t i = 0; i < methods.size(); ++i) {
    rows.push_back(checker.row(methods[i]));
    progress.update(static_cast<int64_t>(i) + 1, methods[i]);
  }
  progress.end();
  return rows;
}

}  // namespace braid::explain
