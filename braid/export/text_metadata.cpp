#include "braid/export/text_metadata.h"

#include <algorithm>
#include <system_error>

#include "braid/core/base64.h"
#include "braid/core/version.h"
#include "braid/io/atomic_file.h"
#include "braid/tasks/text/length_file.h"
#include "braid/text/tokenizer_files.h"

namespace braid::onnx {
namespace {

namespace fs = std::filesystem;

// Without the blanks between its words and numbers: of a small model they weigh as much as layers.
std::string compact_json(const std::string& json) {
  std::string compact;
  bool quoted = false;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (!quoted && (c == ' ' || c == '\n' || c == '\r' || c == '\t')) continue;
    if (c == '"') quoted = !quoted;
    compact += c;
    if (quoted && c == '\\' && i + 1 < json.size()) compact += json[++i];
  }
  return compact;
}

// Each file that a tokenizer may consist of under its own name; SentencePiece's in base64.
void add_tokenizer(Metadata& metadata, const fs::path& folder) {
  if (folder.empty()) return;
  for (const char* name : text::kTokenizerFiles) {
    const auto file = folder / name;
    if (std::error_code none; !fs::is_regular_file(file, none)) continue;
    const auto bytes = io::read_file(file);
    const bool binary = file.extension() == ".model" || file.extension() == ".spm";
    if (binary)
      metadata[std::string(name) + text::kBase64Suffix] = to_base64(bytes);
    else if (file.extension() == ".json")
      metadata[name] = compact_json({bytes.begin(), bytes.end()});
    else
      metadata[name] = std::string(bytes.begin(), bytes.end());
  }
}

// In tokens, 0 without a limit: what the checkpoint was trained on, at most the model's positions.
int64_t longest_text(const models::TextModel& model, const fs::path& checkpoint) {
  const int64_t positions = model.max_positions();
  const int64_t trained = checkpoint.empty() ? 0 : tasks::read_max_length(checkpoint);
  if (positions == 0 || trained == 0) return std::max(positions, trained);
  return std::min(positions, trained);
}

}  // namespace

Metadata text_metadata(const models::TextModel& model, const std::string& architecture,
                       const fs::path& checkpoint) {
  Metadata metadata = {{"braid_version", version()},
                       {"architecture", architecture},
                       {"pad_token_id", std::to_string(model.fill_token_id())}};
  if (const int64_t most = longest_text(model, checkpoint); most > 0)
    metadata["max_length"] = std::to_string(most);
  add_tokenizer(metadata, checkpoint);
  return metadata;
}

}  // namespace braid::onnx
