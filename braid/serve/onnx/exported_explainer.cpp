#include "braid/serve/onnx/exported_explainer.h"

#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "braid/core/cpu.h"
#include "braid/core/error.h"
#include "braid/explain/exported_image_explainer.h"
#include "braid/explain/heat_map.h"
#include "braid/explain/text_occlusion.h"
#include "braid/runner/session.h"
#include "braid/runner/text_input.h"
#include "braid/runner/text_occlusion.h"
#include "braid/serve/people_input.h"
#include "braid/text/token_places.h"
#include "braid/text/whole_text.h"

namespace braid::serve {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kBatch = 16;
constexpr size_t kMostTokens = 1024;

// A file that is opened when it is needed, as it was.
class ExportedFile {
 public:
  ExportedFile(std::string file, int64_t threads)
      : file_(std::move(file)), threads_(threads), state_(state()) {}

  std::unique_ptr<runner::Session> open() const {
    if (state() != state_)
      throw DataError("serve", "expected the file that is served, got another since", file_,
                      "load the model again");
    return runner::Session::open(
        file_, {.threads = static_cast<int>(threads_ > 0 ? threads_ : usable_cpus())});
  }

 private:
  using State = std::pair<uintmax_t, fs::file_time_type>;
  // Of a file that is not there, that of none.
  State state() const {
    std::error_code none;
    return {fs::file_size(file_, none), fs::last_write_time(file_, none)};
  }

  const std::string file_;
  const int64_t threads_;
  const State state_;
};

class ExportedImageExplainer final : public Explainer {
 public:
  ExportedImageExplainer(const std::string& file, const ModelOptions& options)
      : file_(file, options.threads), options_(options) {}

  Explanation explain(const Tensor& input) override {
    const auto image = image_of(input, 0, options_.max_pixels);
    if (!explainer_) explainer_.emplace(file_.open(), explain::ExplainConfig{});
    const auto found = explainer_->find(image);
    return {.method = explain::kOcclusion,
            .class_index = found.index,
            .probability = found.probability,
            .picture = io::encode_png(explain::enlarged(found.shown)),
            .overlay = io::encode_png(explain::overlay(found.shown, found.result.map))};
  }

 private:
  const ExportedFile file_;
  const ModelOptions options_;
  std::optional<explain::ExportedImageExplainer> explainer_;
};

class ExportedTextExplainer final : public Explainer {
 public:
  ExportedTextExplainer(const std::string& file, const ModelOptions& options)
      : file_(file, options.threads), options_(options) {}

  Explanation explain(const Tensor& input) override {
    if (!session_) {
      auto session = file_.open();
      input_.emplace(*session);
      session_ = std::move(session);
    }
    const auto text = text_of(input, 0);
    const auto encoding = input_->encode(text);
    if (!options_.truncate)
      text::expect_whole(encoding.truncated, static_cast<int64_t>(encoding.ids.size()),
                         input.name + "[0]");
    if (encoding.ids.size() > kMostTokens)
      throw DataError("request",
                      "expected at most " + std::to_string(kMostTokens) +
                          " tokens to explain, got " + std::to_string(encoding.ids.size()),
                      input.name + "[0]");
    const auto found = runner::occlude_tokens(*session_, *input_, encoding, kBatch);
    Explanation explanation{.method = explain::kOcclusion, .class_index = found.likeliest()};
    explanation.probability = found.probability(explanation.class_index);
    explanation.truncated = encoding.truncated;
    const auto attributions = found.attributions(explanation.class_index);
    const auto places = text::token_places(encoding, text);
    for (size_t i = 0; i < attributions.size(); ++i)
      explanation.tokens.push_back({.token = input_->tokenizer().id_to_token(encoding.ids[i]),
                                    .attribution = attributions[i],
                                    .sequence = places[i].sequence,
                                    .start = places[i].start,
                                    .end = places[i].end});
    return explanation;
  }

 private:
  const ExportedFile file_;
  const ModelOptions options_;
  std::unique_ptr<runner::Session> session_;
  std::optional<runner::TextInput> input_;
};

}  // namespace

std::unique_ptr<Explainer> explain_exported_images(const std::string& file,
                                                   const ModelOptions& options) {
  return std::make_unique<ExportedImageExplainer>(file, options);
}

std::unique_ptr<Explainer> explain_exported_texts(const std::string& file,
                                                  const ModelOptions& options) {
  return std::make_unique<ExportedTextExplainer>(file, options);
}

}  // namespace braid::serve
