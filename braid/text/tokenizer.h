// Text to the numbers that a model reads, and back. Knows no LibTorch.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace braid::text {

// Half-open, in bytes of the text that was given; {0,0} for special tokens.
struct Span {
  size_t begin = 0, end = 0;
  bool operator==(const Span&) const = default;
};

// One row of a batch, before it is padded. All lists have as many elements as there are tokens.
struct Encoding {
  std::vector<int32_t> ids;
  std::vector<int32_t> type_ids;        // 0: the first text and what surrounds it, 1: the second
  std::vector<Span> offsets;            // of each token in its text
  std::vector<uint8_t> special_tokens;  // 1: added around the texts, such as [CLS]
  std::vector<int32_t> words;           // number of the word in its text, -1: none
  std::optional<size_t> pair_begin;     // of two texts: where the second one's tokens begin
  int64_t truncated = 0;                // tokens that were cut away
};

// The numbers of the tokens that have a meaning of their own; unset: the tokenizer has none.
struct SpecialTokens {
  std::optional<int32_t> pad, unk, cls, sep, mask, bos, eos;
};
// Sorted, each once.
std::vector<int32_t> ids_of(const SpecialTokens& special);

struct EncodeOptions {
  bool add_special_tokens = true;
  // Tokens, those that are added too; 0: as many as there are. The longest of two texts is
  // shortened first, at its end (see Tokenizer::truncates_left()).
  int64_t max_length = 0;
};

// Safe to use from several threads.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  // Invalid UTF-8 is read as U+FFFD, by maximal subparts. Throws DataError where a text needs an
  // unknown token and the vocabulary has none.
  virtual Encoding encode(std::string_view text, const EncodeOptions& options = {}) const = 0;
  virtual Encoding encode_pair(std::string_view text, std::string_view pair,
                               const EncodeOptions& options = {}) const = 0;
  // A text that a model is to write: MarianTokenizer's text_target. Most tokenizers make no
  // difference.
  virtual Encoding encode_target(std::string_view text, const EncodeOptions& options = {}) const {
    return encode(text, options);
  }
  // Of what a model has written. Throws DataError for a number that is none of the vocabulary's.
  virtual std::string decode(const std::vector<int32_t>& ids,
                             bool skip_special_tokens = true) const = 0;
  virtual int64_t vocab_size() const = 0;  // the largest number, plus one
  virtual std::optional<int32_t> token_to_id(std::string_view token) const = 0;
  virtual std::string id_to_token(int32_t id) const = 0;  // empty: no such number
  virtual const SpecialTokens& special() const = 0;
  // These and all others that are no part of a text, such as additional_special_tokens: sorted.
  virtual std::vector<int32_t> special_ids() const { return ids_of(special()); }
  // Whether texts are cut at their beginning: truncation_side of tokenizer_config.json.
  virtual bool truncates_left() const { return false; }
  virtual std::string kind() const = 0;  // "wordpiece", "bpe", "sentencepiece"
  // The files that load_tokenizer reads again: the ecosystem's (tokenizer.json, or a SentencePiece
  // model). Throws IoError.
  virtual void save(const std::filesystem::path& folder) const = 0;
};
using TokenizerPtr = std::shared_ptr<const Tokenizer>;

// path: a file (tokenizer.json, vocab.txt, vocab.json with merges.txt beside it, *.model, *.spm),
// or a folder with one of them; Marian's has source.spm and target.spm beside vocab.json.
// tokenizer_config.json beside it, where there is one, says what the file itself does not
// (do_lower_case, ...). Throws IoError, or DataError naming file, field and remedy.
TokenizerPtr load_tokenizer(const std::filesystem::path& path);
// Whether load_tokenizer would find a file there.
bool has_tokenizer(const std::filesystem::path& folder);

}  // namespace braid::text
