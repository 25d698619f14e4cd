#include "braid/runner/text_input.h"

#include <stdlib.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "braid/core/base64.h"
#include "braid/core/error.h"
#include "braid/io/atomic_file.h"
#include "braid/io/posix_file.h"
#include "braid/text/tokenizer_files.h"

namespace braid::runner {
namespace {

namespace fs = std::filesystem;

// A folder that goes with this object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (fs::temp_directory_path() / "braid-run-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) io::fail_io("make a folder", name, errno);
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code none;
    fs::remove_all(path_, none);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::string decoded(const std::string& base64, const std::string& where) {
  auto bytes = from_base64(base64);
  if (!bytes) throw DataError("runner", "expected base64, got another text", where);
  return std::move(*bytes);
}

text::TokenizerPtr tokenizer_of(const Session& session) {
  const TemporaryFolder folder;
  bool any = false;
  for (const std::string name : text::kTokenizerFiles) {
    auto it = session.metadata().find(name);
    if (it != session.metadata().end()) {
      io::write_file_atomic(folder.path() / name, it->second);
      any = true;
    }
    it = session.metadata().find(name + text::kBase64Suffix);
    if (it == session.metadata().end()) continue;
    io::write_file_atomic(folder.path() / name, decoded(it->second, session.where() + ", " + name));
    any = true;
  }
  if (!any)
    throw DataError("runner", "expected a tokenizer in the file, found none", session.where(),
                    "export a checkpoint that has one, or give tokens with --input");
  return text::load_tokenizer(folder.path());
}

}  // namespace

TextInput::TextInput(const Session& session) {
  bool reads_tokens = false;
  for (const auto& input : session.inputs())
    reads_tokens = reads_tokens || (input.name == "input_ids" && input.dtype == DType::kInt64 &&
                                    input.dims.size() == 2);
  if (!reads_tokens)
    throw DataError("runner", "expected a model of texts with an input input_ids, got another",
                    session.where(), "images are given without a flag");
  if (session.metadata().contains("text_pairs"))
    throw DataError("runner", "expected a model of single texts, got one that judges two together",
                    session.where(),
                    "give it tokens, or take its checkpoint: `braid predict` and `braid serve` "
                    "take two texts");
  tokenizer_ = tokenizer_of(session);
  max_length_ = metadata_number(session, "max_length", 1).value_or(max_length_);
}

text::Encoding TextInput::encode(const std::string& text) const {
  return tokenizer_->encode(text, {.add_special_tokens = true, .max_length = max_length_});
}

std::map<std::string, Tensor> TextInput::prepare(const Session& session,
                                                 const text::Encoding& of_text) const {
  auto encoding = of_text;
  if (encoding.ids.empty()) {  // is one of padding, which is attended to, as in training
    const auto& special = tokenizer_->special();
    encoding.ids = {special.pad ? *special.pad : special.eos.value_or(0)};
    encoding.type_ids = {0};
  }
  const auto length = static_cast<int64_t>(encoding.ids.size());
  std::map<std::string, Tensor> given;
  for (const auto& input : session.inputs()) {
    Tensor tensor = session.make(DType::kInt64, {1, length});
    for (int64_t i = 0; i < length; ++i) {
      const auto at = static_cast<size_t>(i);
      tensor.as<int64_t>()[i] = input.name == "input_ids"        ? encoding.ids[at]
                                : input.name == "token_type_ids" ? encoding.type_ids[at]
                                                                 : 1;
    }
    given[input.name] = tensor;
  }
  return given;
}

}  // namespace braid::runner
