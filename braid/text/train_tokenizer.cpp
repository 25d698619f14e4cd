#include "braid/text/train_tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_map>

#include "braid/core/error.h"
#include "braid/text/byte_alphabet.h"
#include "braid/text/tokenizer_json.h"
#include "braid/text/train_merges.h"
#include "braid/text/utf8.h"
#include "braid/text/vocabulary_files.h"

namespace braid::text {
namespace {

constexpr const char* kContinues = "##";
// Bytes. A piece of a longer word would be no line of a vocabulary, and the word is unknown to
// whatever is learned: WordPiece reads words of at most 100 characters.
constexpr size_t kLongestWord = 9000;

void check_training(int64_t vocab_size, int64_t min_frequency) {
  if (vocab_size < 1 || vocab_size > kMaxTokenId)
    throw ConfigError("train-tokenizer", fmt::format("expected vocab_size between 1 and {}, got {}",
                                                     kMaxTokenId, vocab_size));
  if (min_frequency < 0)
    throw ConfigError(
        "train-tokenizer",
        fmt::format("expected min_frequency to be at least 0, got {}", min_frequency));
}

void check_fits(size_t tokens, int64_t vocab_size, const std::string& remedy) {
  if (static_cast<int64_t>(tokens) > vocab_size)
    throw ConfigError("train-tokenizer",
                      fmt::format("expected vocab_size to be at least {}, the special tokens and "
                                  "the alphabet, got {}",
                                  tokens, vocab_size),
                      "", remedy);
}

void check_words(const std::vector<CountedWord>& words) {
  if (words.empty())
    throw DataError("train-tokenizer", "expected texts with words, got none", "",
                    "give files with text in them");
}

Json vocabulary_json(const std::vector<std::string>& tokens) {
  Json vocab = Json::object();
  auto& entries =
      static_cast<Json::object_t::Container&>(vocab.get_ref<Json::object_t&>());  // no search
  entries.reserve(tokens.size());
  for (size_t id = 0; id < tokens.size(); ++id) entries.emplace_back(tokens[id], id);
  return vocab;
}

TokenizerPtr tokenizer_of(const Json& json) {
  const auto config = default_config(json);
  auto parts = read_tokenizer_json(json, config, "the trained tokenizer");
  parts.tokenizer_json = json.dump(2);
  parts.tokenizer_config = config.dump(2);
  return make_pipeline(std::move(parts));
}

// The characters that get a token, by their code points.
std::vector<char32_t> alphabet_of(const std::vector<CountedWord>& words, int64_t limit) {
  std::map<char32_t, int64_t> counts;
  for (const auto& word : words)
    for (size_t at = 0; at < word.text.size();) {
      const auto [code, bytes] = decode_utf8(word.text.data() + at);
      counts[code] += word.count;
      at += bytes;
    }
  std::vector<std::pair<char32_t, int64_t>> kept(counts.begin(), counts.end());
  if (limit > 0 && static_cast<int64_t>(kept.size()) > limit) {
    std::stable_sort(kept.begin(), kept.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    kept.resize(static_cast<size_t>(limit));
    std::sort(kept.begin(), kept.end());
  }
  std::vector<char32_t> alphabet;
  alphabet.reserve(kept.size());
  for (const auto& [code, count] : kept) alphabet.push_back(code);
  return alphabet;
}

}  // namespace

TokenizerPtr train_wordpiece(const TextSource& texts, const WordPieceTraining& options) {
  check_training(options.vocab_size, options.min_frequency);
  const BertNormalizerOptions normalizer{.strip_accents = options.lowercase,
                                         .lowercase = options.lowercase};
  auto words = count_words(
      texts, {{.kind = PreTokenizer::Kind::kBert}},
      [&](const std::string& text, AlignedText& aligned) {
        normalize_bert(normalizer, text, {0, static_cast<uint32_t>(text.size())}, aligned);
      });
  std::erase_if(words, [](const CountedWord& word) { return word.text.size() > kLongestWord; });
  check_words(words);

  std::vector<std::string> tokens = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  std::unordered_map<char32_t, int32_t> first, other;
  const auto alphabet = alphabet_of(words, options.limit_alphabet);
  for (const char32_t code : alphabet) {
    first[code] = static_cast<int32_t>(tokens.size());
    append_utf8(tokens.emplace_back(), code);
  }
  std::map<char32_t, bool> continuing;  // characters that stand within words
  std::vector<SymbolWord> symbols;
  for (const auto& word : words)
    for (size_t at = 0; at < word.text.size();) {
      const auto [code, bytes] = decode_utf8(word.text.data() + at);
      if (at > 0 && first.contains(code)) continuing[code] = true;
      at += bytes;
    }
  for (const auto& [code, unused] : continuing) {
    other[code] = static_cast<int32_t>(tokens.size());
    append_utf8(tokens.emplace_back(kContinues), code);
  }
  check_fits(tokens.size(), options.vocab_size, "raise it, or lower limit_alphabet");
  for (const auto& word : words) {
    SymbolWord list{{}, word.count};
    for (size_t at = 0; at < word.text.size();) {
      const auto [code, bytes] = decode_utf8(word.text.data() + at);
      const auto& ids = at == 0 ? first : other;
      if (const auto id = ids.find(code); id != ids.end()) list.symbols.push_back(id->second);
      at += bytes;
    }
    symbols.push_back(std::move(list));
  }
  learn_merges(std::move(symbols), tokens, options.vocab_size, options.min_frequency, kContinues);

  std::string lines;
  for (const auto& token : tokens) lines += token + "\n";
  auto json =
      json_of_vocab_txt(lines, "the trained vocabulary", {{"do_lower_case", options.lowercase}});
  json["model"]["vocab"] = vocabulary_json(tokens);
  return tokenizer_of(json);
}

TokenizerPtr train_bpe(const TextSource& texts, const BpeTraining& options) {
  check_training(options.vocab_size, options.min_frequency);
  const auto words = count_words(
      texts,
      {{.kind = PreTokenizer::Kind::kByteLevel, .add_prefix_space = options.add_prefix_space},
       {.kind = PreTokenizer::Kind::kPattern, .pattern = SplitPattern::kGpt2}},
      [](const std::string& text, AlignedText& aligned) {
        aligned.assign(text, {0, static_cast<uint32_t>(text.size())});
      });
  check_words(words);

  std::vector<std::string> tokens = {"<s>", "<pad>", "</s>", "<unk>", "<mask>"};
  std::map<char32_t, int> letters;  // bytes in the order of their spelling
  for (int byte = 0; byte < 256; ++byte) letters[byte_alphabet()[static_cast<size_t>(byte)]] = byte;
  std::array<int32_t, 256> ids;
  for (const auto& [letter, byte] : letters) {
    ids[static_cast<size_t>(byte)] = static_cast<int32_t>(tokens.size());
    append_utf8(tokens.emplace_back(), letter);
  }
  check_fits(tokens.size(), options.vocab_size, "raise it");
  std::vector<SymbolWord> symbols;
  for (const auto& word : words) {
    SymbolWord list{{}, word.count};
    for (const char byte : word.text) list.symbols.push_back(ids[static_cast<uint8_t>(byte)]);
    symbols.push_back(std::move(list));
  }
  const auto merges =
      learn_merges(std::move(symbols), tokens, options.vocab_size, options.min_frequency, "");

  std::string lines;
  for (const auto& merge : merges)
    lines += tokens[static_cast<size_t>(merge.left)] + ' ' +
             tokens[static_cast<size_t>(merge.right)] + '\n';
  return tokenizer_of(json_of_bpe_files(vocabulary_json(tokens), "the trained vocabulary", lines,
                                        "the trained merges",
                                        {{"add_prefix_space", options.add_prefix_space}}));
}

}  // namespace braid::text
