#include "braid/serve/onnx/exported_explainer.h"

#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "braid/core/cpu.h"
#include "braid/core/error.h"
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

class ExportedTextExplainer final : public Explainer {
 public:
  ExportedTextExplainer(std::string file, const ModelOptions& options)
      : file_(std::move(file)), options_(options), state_(state()) {}

  Explanation explain(const Tensor& input) override {
    open();
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
    Explanation explanation{.method = "occlusion", .class_index = found.likeliest()};
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
  using State = std::pair<uintmax_t, fs::file_time_type>;
  // Of a file that is not there, that of none.
  State state() const {
    std::error_code none;
    return {fs::file_size(file_, none), fs::last_write_time(file_, none)};
  }

  void open() {
    if (session_) return;
    if (state() != state_)
      throw DataError("serve", "expected the file that is served, got another since", file_,
                      "load the model again");
    auto session = runner::Session::open(
        file_,
        {.threads = static_cast<int>(options_.threads > 0 ? options_.threads : usable_cpus())});
    input_.emplace(*session);
    session_ = std::move(session);
  }

  const std::string file_;
  const ModelOptions options_;
  const State state_;
  std::unique_ptr<runner::Session> session_;
  std::optional<runner::TextInput> input_;
};

}  // namespace

std::unique_ptr<Explainer> explain_exported_texts(const std::string& file,
                                                  const ModelOptions& options) {
  return std::make_unique<ExportedTextExplainer>(file, options);
}

}  // namespace braid::serve
