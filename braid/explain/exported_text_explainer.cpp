#include "braid/explain/exported_text_explainer.h"

#include <algorithm>
#include <optional>

#include "braid/core/error.h"
#include "braid/explain/text_occlusion.h"
#include "braid/io/question_row.h"
#include "braid/runner/labels.h"
#include "braid/runner/text_occlusion.h"
#include "braid/text/whole_text.h"

namespace braid::explain {

ExportedTextExplainer::ExportedTextExplainer(const std::filesystem::path& file,
                                             const ExplainConfig& config, int threads)
    : config_(config) {
  if (config.method != "auto" && config.method != kOcclusion)
    throw UsageError("explain",
                     "expected occlusion of an exported file, got '" + config.method + "'",
                     "--method", "leave it out: only a checkpoint has gradients");
  if (config.layer)
    throw UsageError("explain",
                     "expected no --layer with an exported file, got '" + *config.layer + "'");
  session_ = runner::Session::open(file, {.threads = threads});
  const auto& inputs = session_->inputs();
  if (std::none_of(inputs.begin(), inputs.end(),
                   [](const auto& input) { return input.name == "input_ids"; }))
    throw DataError("explain", "expected an exported classifier of texts, got another model",
                    file.string(), "images are explained by their checkpoint, a folder");
  input_ = std::make_unique<runner::TextInput>(*session_);
  classes_ = runner::label_names(*session_);
  const auto& metadata = session_->metadata();
  if (const auto name = metadata.find("architecture"); name != metadata.end())
    architecture_ = name->second;
}

TextExplanation ExportedTextExplainer::explain(const std::string& text, bool truncate) const {
  const auto encoding = input_->encode(text);
  if (!truncate)
    text::expect_whole(encoding.truncated, static_cast<int64_t>(encoding.ids.size()),
                       io::shortened(text));
  const auto occlusion = runner::occlude_tokens(*session_, *input_, encoding, config_.batch_size);
  const std::optional<std::string> no_pair;
  return explain_by_occlusion({.text = text, .pair = no_pair, .encoding = encoding}, occlusion,
                              input_->tokenizer(), classes_, config_.target);
}

}  // namespace braid::explain
