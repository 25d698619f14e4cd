// The part of a tokenizer.json that holds the vocabulary.
#include <fmt/format.h>

#include "braid/core/error.h"
#include "braid/text/bpe.h"
#include "braid/text/tokenizer_json.h"
#include "braid/text/wordpiece.h"

namespace braid::text {
namespace {

Vocabulary read_vocabulary(const JsonField& field) {
  if (!field.json().is_object()) field.fail("an object of tokens and their numbers");
  Vocabulary vocabulary;
  vocabulary.reserve(field.json().size());
  for (const auto& item : field.json().items()) {
    // Named, not bound: the fuzz targets' Clang 14 captures no bindings.
    const std::string& token = item.key();
    const Json& value = item.value();
    const auto place = [&] {
      return JsonField(value, field.file(), fmt::format("{}['{}']", field.path(), token));
    };
    if (!value.is_number_integer() || value.is_number_float()) place().fail("a whole number");
    const auto id = static_cast<int32_t>(place().integer(0, kMaxTokenId));
    if (!vocabulary.add(token, id))
      place().fail(fmt::format("a number of its own, not that of '{}'", vocabulary.token(id)),
                   "give every token a number of its own");
  }
  return vocabulary;
}

Bpe::Merges read_merges(const JsonField& field) {
  if (!field.json().is_array()) field.fail("a list");
  Bpe::Merges merges;
  merges.reserve(field.json().size());
  for (const auto& item : field.json()) {
    const auto fail = [&] {
      JsonField(item, field.file(), fmt::format("{}[{}]", field.path(), merges.size()))
          .fail("two tokens: \"a b\" or [\"a\", \"b\"]");
    };
    if (item.is_array() && item.size() == 2 && item[0].is_string() && item[1].is_string()) {
      merges.emplace_back(item[0].get<std::string>(), item[1].get<std::string>());
      continue;
    }
    if (!item.is_string()) fail();
    const auto& line = item.get_ref<const std::string&>();
    const auto space = line.find(' ');
    if (space == std::string::npos || line.find(' ', space + 1) != std::string::npos) fail();
    merges.emplace_back(line.substr(0, space), line.substr(space + 1));
  }
  return merges;
}

std::string type_of_model(const JsonField& model) {
  if (model.find("type")) return model.type();
  return model.find("merges") ? "BPE" : "WordPiece";  // older files do not say
}

}  // namespace

std::shared_ptr<const SubwordModel> read_subword_model(const JsonField& model, bool byte_level) {
  const auto type = type_of_model(model);
  if (type == "WordPiece") {
    WordPieceOptions options;
    options.unk_token = model.text("unk_token", "[UNK]");
    options.continuing_subword_prefix = model.text("continuing_subword_prefix", "##");
    if (const auto most = model.find("max_input_chars_per_word"))
      options.max_input_chars_per_word = static_cast<size_t>(most->integer(0, INT32_MAX));
    if (byte_level) model.at("vocab").fail("BPE's, whose words are bytes");
    return std::make_shared<WordPiece>(read_vocabulary(model.at("vocab")), options, model.file());
  }
  if (type == "BPE") {
    BpeOptions options{.byte_level = byte_level,
                       .unk_token = model.text("unk_token", ""),
                       .continuing_subword_prefix = model.text("continuing_subword_prefix", ""),
                       .end_of_word_suffix = model.text("end_of_word_suffix", ""),
                       .fuse_unk = model.boolean("fuse_unk", false),
                       .byte_fallback = model.boolean("byte_fallback", false),
                       .ignore_merges = model.boolean("ignore_merges", false)};
    if (byte_level && !options.continuing_subword_prefix.empty())
      model.at("continuing_subword_prefix").fail("empty, since words are bytes");
    if (byte_level && !options.end_of_word_suffix.empty())
      model.at("end_of_word_suffix").fail("empty, since words are bytes");
    if (const auto dropout = model.find("dropout"))
      if (!dropout->json().is_number() || dropout->json().get<double>() != 0)
        dropout->fail("null", "encoding draws nothing at random: set it to null");
    return std::make_shared<Bpe>(read_vocabulary(model.at("vocab")),
                                 read_merges(model.at("merges")), options, model.file());
  }
  if (type == "Unigram")
    model.at("type").fail("WordPiece or BPE",
                          "give the SentencePiece model (.model or .spm) that it was made from");
  model.at("type").fail("WordPiece or BPE");
}

}  // namespace braid::text
