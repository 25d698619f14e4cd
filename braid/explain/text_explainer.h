// Explains what a classifier makes of texts: attributions to their tokens.
#pragma once
#include <optional>
#include <string>

#include "braid/explain/explanation.h"
#include "braid/explain/text_occlusion.h"
#include "braid/tasks/text/tokenized_model.h"

namespace braid::explain {

// Integrated gradients over the embeddings of the words: from a text of padding, whose special
// tokens stay, to the text itself; a token's attribution is the sum over its embedding. Of two
// texts that are judged together both are padding at first, and their tokens' attributions are of
// the one logit. The model runs as it is: its table of embeddings gets a row for every token
// meanwhile. By occlusion instead, where that is asked for: see text/token_occlusion.h.
class TextExplainer {
 public:
  // Throws UsageError for another method, DataError for a model without a table of embeddings
  // where gradients are asked for,
  // ConfigError for an unknown device.
  TextExplainer(tasks::TokenizedModel classifier, const ExplainConfig& config,
                const std::string& device);

  // pair: the second text, where the model judges two. Throws DataError for one text where there
  // must be two, or the other way round, for texts of no token, or of more than the vocabulary has,
  // and for ones that may not be cut.
  TextExplanation explain(const std::string& text,
                          const std::optional<std::string>& pair = {}) const;
  const tasks::TokenizedModel& classifier() const { return classifier_; }

 private:
  TextExplanation integrate(const ReadText& read, const models::TextInput& one) const;

  tasks::TokenizedModel classifier_;
  ExplainConfig config_;
  torch::Tensor table_;  // the parameter; undefined: no gradients are asked for
};

}  // namespace braid::explain
