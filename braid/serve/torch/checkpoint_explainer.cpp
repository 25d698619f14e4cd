#include "braid/serve/torch/checkpoint_explainer.h"

#include <ATen/Parallel.h>

#include <filesystem>
#include <optional>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include "braid/core/error.h"
#include "braid/data/image/transforms.h"
#include "braid/explain/heat_map.h"
#include "braid/explain/image_explainer.h"
#include "braid/explain/text_explainer.h"
#include "braid/io/asked_text.h"
#include "braid/io/image.h"
#include "braid/io/safetensors.h"
#include "braid/models/checkpoint.h"
#include "braid/serve/people_input.h"
#include "braid/tasks/text/text_classifier.h"

namespace braid::serve {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDevice = "cpu";

// A model that is read again when it is needed, of files as they were.
template <class Model>
class Reread {
 public:
  explicit Reread(std::string folder) : folder_(std::move(folder)), states_(states()) {}

  // load(folder): emplaces the model. What it throws once it throws ever after.
  template <class Load>
  Model& get(const Load& load) {
    if (!problem_.empty()) throw DataError("serve", problem_, folder_);
    if (!model_) try {
        if (states() != states_)
          throw DataError("serve", "expected the files that are served, got others since", folder_,
                          "load the model again");
        load(folder_, model_);
      } catch (const Error& error) {
        problem_ = error.what();
        throw;
      }
    return *model_;
  }

 private:
  using State = std::tuple<std::string, uintmax_t, fs::file_time_type>;
  std::vector<State> states() const {
    std::error_code gone;  // a file that was removed has another state than it had
    auto files = io::find_weight_files(folder_);
    for (const char* name : {"config.json", "tokenizer.json"})
      if (fs::exists(fs::path(folder_) / name, gone)) files.push_back(fs::path(folder_) / name);
    std::vector<State> found;
    for (const auto& file : files)
      found.emplace_back(file.string(), fs::file_size(file, gone), fs::last_write_time(file, gone));
    return found;
  }

  const std::string folder_;
  const std::vector<State> states_;
  std::optional<Model> model_;
  std::string problem_;
};

class ImageCheckpoint final : public Explainer {
 public:
  ImageCheckpoint(const std::string& folder, const ModelOptions& options)
      : explainer_(folder), options_(options) {}
  Explanation explain(const Tensor& input) override {
    at::set_num_threads(static_cast<int>(options_.threads));  // another thread's may differ
    const auto image = image_of(input, 0, options_.max_pixels);
    auto& explainer = explainer_.get([](const std::string& folder, auto& model) {
      model.emplace(models::load_for_inference(folder), explain::ExplainConfig{}, kDevice);
    });
    const auto x = explainer.input_of(image);
    const auto probabilities = explainer.probabilities(x);
    const auto best = probabilities.argmax().item<int64_t>();
    const auto& method = explainer.methods().front();
    const auto results = explainer.results(explainer.explained(), method, x, best);
    const auto shown = data::prepare_for_evaluation(image, explainer.predictor().card().input);
    return {.method = method,
            .class_index = best,
            .probability = probabilities[best].item<double>(),
            .picture = io::encode_png(explain::enlarged(shown)),
            .overlay = io::encode_png(explain::overlay(shown, results.at(0).map))};
  }

 private:
  Reread<explain::ImageExplainer> explainer_;
  const ModelOptions options_;
};

class TextCheckpoint final : public Explainer {
 public:
  TextCheckpoint(const std::string& folder, const ModelOptions& options)
      : explainer_(folder), options_(options) {}
  Explanation explain(const Tensor& input) override {
    at::set_num_threads(static_cast<int>(options_.threads));
    auto& explainer = explainer_.get([this](const std::string& folder, auto& model) {
      auto classifier = tasks::load_text_classifier(folder);
      classifier.truncate = options_.truncate;
      model.emplace(std::move(classifier), explain::ExplainConfig{}, kDevice);
    });
    const auto asked =
        io::parse_asked_text(text_of(input, 0), explainer.classifier().hub.text_pairs, "text[0]");
    const auto found = explainer.explain(asked.text, asked.pair);
    Explanation explanation{
        .method = found.method, .class_index = found.index, .probability = found.probability};
    explanation.truncated = found.truncated;
    for (const auto& token : found.tokens)
      explanation.tokens.push_back({.token = token.token,
                                    .attribution = token.attribution,
                                    .sequence = token.sequence,
                                    .start = token.start,
                                    .end = token.end});
    return explanation;
  }

 private:
  Reread<explain::TextExplainer> explainer_;
  const ModelOptions options_;
};

}  // namespace

std::unique_ptr<Explainer> explain_images_of(const std::string& folder,
                                             const ModelOptions& options) {
  return std::make_unique<ImageCheckpoint>(folder, options);
}

std::unique_ptr<Explainer> explain_texts_of(const std::string& folder,
                                            const ModelOptions& options) {
  return std::make_unique<TextCheckpoint>(folder, options);
}

}  // namespace braid::serve
