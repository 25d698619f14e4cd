// Explains what an exported file, of float32 or in 8 bits, makes of texts.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "braid/explain/explanation.h"
#include "braid/io/asked_text.h"
#include "braid/runner/session.h"
#include "braid/runner/text_input.h"

namespace braid::explain {

// Occlusion of one token after the other.
class ExportedTextExplainer {
 public:
  // session: open_exported()'s. Throws DataError for a file that is no classifier of texts, or one
  // of several labels.
  ExportedTextExplainer(std::unique_ptr<runner::Session> session, const ExplainConfig& config);

  // truncate: of a text that is longer than the model reads the beginning is explained, else it is
  // refused. Throws DataError for texts without a token too.
  TextExplanation explain(const io::AskedText& asked, bool truncate = true) const;
  bool pairs() const { return input_.pairs(); }  // whether it judges two texts together
  int64_t max_length() const { return input_.max_length(); }  // tokens; 0: any number

 private:
  ExplainConfig config_;
  std::unique_ptr<runner::Session> session_;
  runner::TextInput input_;
  std::vector<std::string> classes_;
};

}  // namespace braid::explain
