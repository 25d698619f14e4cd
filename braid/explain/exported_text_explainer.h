// Explains what an exported file, of float32 or in 8 bits, makes of texts.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "braid/explain/explanation.h"
#include "braid/runner/session.h"
#include "braid/runner/text_input.h"

namespace braid::explain {

// Occlusion of one token after the other, run by braid-run's interpreter: a file has no gradients.
class ExportedTextExplainer {
 public:
  // threads: that compute. Throws UsageError for another method or a layer; IoError; DataError for
  // a file that is no classifier of single texts, or that the interpreter cannot run.
  ExportedTextExplainer(const std::filesystem::path& file, const ExplainConfig& config,
                        int threads);

  // truncate: of a text that is longer than the model reads the beginning is explained, else it is
  // refused. Throws DataError for texts without a token too.
  TextExplanation explain(const std::string& text, bool truncate = true) const;
  const std::string& architecture() const { return architecture_; }  // empty: the file does not say
  int64_t max_length() const { return input_->max_length(); }        // tokens; 0: any number

 private:
  ExplainConfig config_;
  std::unique_ptr<runner::Session> session_;
  std::unique_ptr<runner::TextInput> input_;
  std::vector<std::string> classes_;
  std::string architecture_;
};

}  // namespace braid::explain
