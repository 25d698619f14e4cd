#include "braid/serve/onnx/exported_explainer.h"

#include <optional>
#include <utility>

#include "braid/core/error.h"
#include "braid/io/asked_text.h"
#include "braid/runner/session.h"
#include "braid/runner/text_input.h"
#include "braid/runner/text_occlusion.h"
#include "braid/serve/onnx/exported_file.h"
#include "braid/serve/people_input.h"
#include "braid/text/token_places.h"
#include "braid/text/whole_text.h"

namespace braid::serve {
namespace {

constexpr int64_t kBatch = 16;
constexpr size_t kMostTokens = 1024;

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
    const auto place = input.name + "[0]";
    const auto asked = io::parse_asked_text(text_of(input, 0), input_->pairs(), place);
    const auto encoding = input_->encode(asked);
    if (!options_.truncate)
      text::expect_whole(encoding.truncated, static_cast<int64_t>(encoding.ids.size()), place);
    if (encoding.ids.size() > kMostTokens)
      throw DataError("request",
                      "expected at most " + std::to_string(kMostTokens) +
                          " tokens to explain, got " + std::to_string(encoding.ids.size()),
                      place);
    const auto found = runner::occlude_tokens(*session_, *input_, encoding, kBatch);
    Explanation explanation{.method = "occlusion", .class_index = found.likeliest()};
    explanation.probability = found.probability(explanation.class_index);
    explanation.truncated = encoding.truncated;
    const auto attributions = found.attributions(explanation.class_index);
    const auto places = text::token_places(encoding, asked.text, asked.pair.value_or(""));
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

std::unique_ptr<Explainer> explain_exported_texts(const std::string& file,
                                                  const ModelOptions& options) {
  return std::make_unique<ExportedTextExplainer>(file, options);
}

}  // namespace braid::serve
