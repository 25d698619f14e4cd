// Folders with the files of a tokenizer, and small tokenizers.
#pragma once
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "braid/core/error.h"
#include "braid/text/tokenizer.h"

namespace braid::text::test {

// A folder that is gone with this object.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "braid_text_XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path write(const std::string& name, const std::string& content) const {
    std::ofstream(path_ / name, std::ios::binary) << content;
    return path_ / name;
  }
  std::string read(const std::string& name) const {
    std::ifstream in(path_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  std::filesystem::path path_;
};

// The error's text; empty: there was none.
template <class Action>
std::string message_of(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

inline TokenizerPtr from_vocab_txt(const std::string& lines, const std::string& config = "") {
  const Folder folder;
  folder.write("vocab.txt", lines);
  if (!config.empty()) folder.write("tokenizer_config.json", config);
  return load_tokenizer(folder.path());
}

inline std::string tokens_of(const Tokenizer& tokenizer, const std::string& text,
                             const EncodeOptions& options = {}) {
  std::string tokens;
  for (const int32_t id : tokenizer.encode(text, options).ids)
    tokens += (tokens.empty() ? "" : " ") + tokenizer.id_to_token(id);
  return tokens;
}

}  // namespace braid::text::test
