// Plain text for pre-training: files of documents, and their tokens in blocks.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "braid/core/progress.h"
#include "braid/data/bad_samples.h"
#include "braid/data/left_out.h"
#include "braid/io/posix_file.h"
#include "braid/text/tokenizer.h"

namespace braid::data {

struct PlainTextFiles {
  std::vector<std::filesystem::path> train;
  std::vector<std::filesystem::path> val;  // empty: none
  std::vector<LeftOut> left_out;
  std::vector<std::string> remarks;
};

// spec: a name that `braid data get` knows; a file; or a folder of files (.txt, or .jsonl with
// {"text": ..}; packed or not), those of folders in it too, in natural order. Files and folders of
// val are told by their names, as for labelled texts; those of test are left out. Throws IoError or
// DataError where there is no such file.
PlainTextFiles find_plain_text(const std::string& spec);

// Whether a spec names plain text rather than images, labelled texts or parallel files.
bool is_plain_text(const std::string& spec);

// Where a document ends in a .txt file.
enum class Documents {
  kAuto,        // blank lines, if there are any between two others, else lines
  kBlankLines,  // a document is the lines between two blank ones
  kLines        // each line is a document
};

// The documents of files, one after the other, the lines of each joined by "\n". Reads line by
// line: memory for the longest document. Invalid UTF-8 is read as U+FFFD. JSON is told by a file's
// suffix, in either case.
class DocumentReader {
 public:
  // bad: what becomes of a row of .jsonl without a text, which the DataError names; outlives this.
  DocumentReader(std::vector<std::filesystem::path> files, Documents documents, BadSamples& bad);
  ~DocumentReader();
  DocumentReader(const DocumentReader&) = delete;
  DocumentReader& operator=(const DocumentReader&) = delete;

  // Nothing: there are no more. Blank lines are none; a row's text may be. Throws IoError or
  // DataError.
  std::optional<std::string> next();
  // Of the last one: where it begins, for people ("corpus.txt:17"), and whether it has bytes that
  // are no UTF-8.
  std::string place() const;
  bool replaced() const { return replaced_; }

 private:
  struct OpenFile;
  std::optional<std::string> next_line();
  std::optional<std::string> next_row();
  std::optional<std::string> next_text();

  std::vector<std::filesystem::path> files_;
  Documents documents_;
  BadSamples& bad_;
  size_t next_file_ = 0;
  std::unique_ptr<OpenFile> file_;
  int64_t begin_ = 0;  // the last document's first line, from 1
  bool replaced_ = false;
};

struct TokenBlockOptions {
  int64_t block_length = 128;  // tokens, those around the text too
  Documents documents = Documents::kAuto;
  // Blocks end where a document does, and only a longer one is cut, for tasks that need to know
  // what belongs together; else documents follow each other with a separator between.
  bool whole_documents = false;
  int64_t threads = 1;                      // that tokenize
  std::string on_bad_sample = "error";      // of a row that cannot be read; skip: left out and said
  std::filesystem::path cache_folder = {};  // of the tokens while they are in use; empty: TMPDIR
};

// All tokens of some files, 4 bytes each in a file that nobody else sees, as blocks of one length.
class TokenBlocks {
 public:
  // A part of the tokens; `words`: which begin a word.
  struct Block {
    std::vector<int32_t> ids;          // without those around the text
    std::vector<uint8_t> begins_word;  // of each
  };

  // Tokenizes everything once. Throws what reading and tokenizing does, IoError where the tokens
  // have no room, and ConfigError for a length without room for a text.
  TokenBlocks(const std::vector<std::filesystem::path>& files, const text::Tokenizer& tokenizer,
              const TokenBlockOptions& options, Progress& progress);

  int64_t size() const;                      // blocks
  Block get(int64_t block) const;            // thread-safe
  int64_t document_of(int64_t block) const;  // whole_documents: its number; else 0
  int64_t block_length() const { return options_.block_length; }
  int64_t room() const { return room_; }  // tokens of a block's text, at most
  int64_t tokens() const { return tokens_; }
  int64_t documents() const { return documents_; }
  const std::string& describe() const { return name_; }

 private:
  void write(const std::vector<std::vector<uint32_t>>& documents);

  TokenBlockOptions options_;
  std::string name_;
  std::filesystem::path path_;
  io::FileDescriptor file_;
  int64_t room_ = 0, tokens_ = 0, documents_ = 0;
  std::vector<int64_t> begins_;           // whole_documents: of each block, and the end of the last
  std::vector<int64_t> block_documents_;  // likewise
  uint32_t separator_ = 0;
  bool has_separator_ = false;
};
using TokenBlocksPtr = std::shared_ptr<const TokenBlocks>;

}  // namespace braid::data
