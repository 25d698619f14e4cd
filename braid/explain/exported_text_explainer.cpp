#include "braid/explain/exported_text_explainer.h"

#include <optional>
#include <utility>

#include "braid/explain/text_occlusion.h"
#include "braid/io/question_row.h"
#include "braid/runner/labels.h"
#include "braid/runner/text_occlusion.h"
#include "braid/text/whole_text.h"

namespace braid::explain {

ExportedTextExplainer::ExportedTextExplainer(std::unique_ptr<runner::Session> session,
                                             const ExplainConfig& config)
    : config_(config),
      session_(std::move(session)),
      input_(*session_),
      classes_(runner::label_names(*session_)) {}

TextExplanation ExportedTextExplainer::explain(const std::string& text, bool truncate) const {
  const auto encoding = input_.encode(text);
  if (!truncate)
    text::expect_whole(encoding.truncated, static_cast<int64_t>(encoding.ids.size()),
                       io::shortened(text));
  const auto occlusion = runner::occlude_tokens(*session_, input_, encoding, config_.batch_size);
  const std::optional<std::string> no_pair;
  return explain_by_occlusion({.text = text, .pair = no_pair, .encoding = encoding}, occlusion,
                              input_.tokenizer(), classes_, config_.target);
}

}  // namespace braid::explain
