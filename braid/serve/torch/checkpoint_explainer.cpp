#include "braid/serve/torch/checkpoint_explainer.h"

#include <filesystem>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "braid/core/error.h"
#include "braid/data/image/transforms.h"
#include "braid/explain/heat_map.h"
#include "braid/explain/image_explainer.h"
#include "braid/explain/text_explainer.h"
#include "braid/io/image.h"
#include "braid/io/safetensors.h"
#include "braid/models/checkpoint.h"
#include "braid/serve/people_input.h"
#include "braid/tasks/text/text_classifier.h"

namespace braid::serve {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDevice = "cpu";

// Files as they were, to be read later.
class WeightFiles {
 public:
  explicit WeightFiles(std::string folder) : folder_(std::move(folder)), states_(states()) {}
  const std::string& folder() const { return folder_; }
  void expect_unchanged() const {
    if (states() != states_)
      throw DataError("serve", "expected the weights that are served, got others since", folder_,
                      "load the model again");
  }

 private:
  using State = std::tuple<std::string, uintmax_t, fs::file_time_type>;
  std::vector<State> states() const {
    std::vector<State> found;
    for (const auto& file : io::find_weight_files(folder_))
      found.emplace_back(file.string(), fs::file_size(file), fs::last_write_time(file));
    return found;
  }

  std::string folder_;
  std::vector<State> states_;
};

class ImageCheckpoint final : public Explainer {
 public:
  ImageCheckpoint(const std::string& folder, int64_t max_pixels)
      : files_(folder), max_pixels_(max_pixels) {}
  Explanation explain(const Tensor& input) override {
    const auto image = image_of(input, 0, max_pixels_);
    if (!explainer_) {
      files_.expect_unchanged();
      explainer_.emplace(models::load_for_inference(files_.folder()), explain::ExplainConfig{},
                         kDevice);
    }
    const auto x = explainer_->input_of(image);
    const auto probabilities = explainer_->probabilities(x);
    const auto best = probabilities.argmax().item<int64_t>();
    const auto results = explainer_->results(explainer_->explained(), kMethod, x, best);
    const auto shown = data::prepare_for_evaluation(image, explainer_->predictor().card().input);
    return {.method = kMethod,
            .class_index = best,
            .probability = probabilities[best].item<double>(),
            .picture = io::encode_png(explain::enlarged(shown)),
            .overlay = io::encode_png(explain::overlay(shown, results.at(0).map))};
  }

 private:
  static constexpr const char* kMethod = "grad-cam";
  const WeightFiles files_;
  const int64_t max_pixels_;
  std::optional<explain::ImageExplainer> explainer_;
};

class TextCheckpoint final : public Explainer {
 public:
  explicit TextCheckpoint(const std::string& folder) : files_(folder) {}
  Explanation explain(const Tensor& input) override {
    const auto text = text_of(input, 0);
    if (!explainer_) {
      files_.expect_unchanged();
      explainer_.emplace(tasks::load_text_classifier(files_.folder()), explain::ExplainConfig{},
                         kDevice);
    }
    const auto found = explainer_->explain(text);
    Explanation explanation{
        .method = found.method, .class_index = found.index, .probability = found.probability};
    for (const auto& token : found.tokens)
      explanation.tokens.emplace_back(token.token, token.attribution);
    return explanation;
  }

 private:
  const WeightFiles files_;
  std::optional<explain::TextExplainer> explainer_;
};

}  // namespace

std::unique_ptr<Explainer> explain_images_of(const std::string& folder, int64_t max_pixels) {
  return std::make_unique<ImageCheckpoint>(folder, max_pixels);
}

std::unique_ptr<Explainer> explain_texts_of(const std::string& folder) {
  return std::make_unique<TextCheckpoint>(folder);
}

}  // namespace braid::serve
