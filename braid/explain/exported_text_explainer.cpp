#include "braid/explain/exported_text_explainer.h"

#include <utility>

#include "braid/core/error.h"
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
      classes_(runner::label_names(*session_)) {
  if (runner::has_several_labels(*session_))
    throw DataError("explain",
                    "expected a classifier that chooses one of its classes, got one of several "
                    "labels",
                    session_->where(), "`braid-run` gives its labels");
}

TextExplanation ExportedTextExplainer::explain(const io::AskedText& asked, bool truncate) const {
  const auto encoding = input_.encode(asked);
  if (!truncate)
    text::expect_whole(encoding.truncated, static_cast<int64_t>(encoding.ids.size()),
                       io::shortened(asked.text));
  const auto occlusion = runner::occlude_tokens(*session_, input_, encoding, config_.batch_size);
  return explain_by_occlusion({.text = asked.text, .pair = asked.pair, .encoding = encoding},
                              occlusion, input_.tokenizer(), classes_, config_.target);
}

}  // namespace braid::explain
