// Loading, errors, bytes that are no UTF-8, giant words, saving.
#include "braid/text/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "braid/core/json.h"
#include "braid/text/sequence.h"
#include "tests/text/tokenizer_files.h"

namespace braid::text {
namespace {

using test::Folder;
using test::from_vocab_txt;
using test::message_of;
using test::tokens_of;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr const char* kVocabulary =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nun\n##aff\n##able\na\n##b\né\n";

Json small_bpe() {
  Json json = {{"added_tokens", Json::array()}, {"normalizer", nullptr}};
  json["pre_tokenizer"] = {{"type", "ByteLevel"}, {"add_prefix_space", false}};
  json["decoder"] = {{"type", "ByteLevel"}};
  json["model"] = {{"type", "BPE"}, {"vocab", {{"a", 0}, {"b", 1}, {"ab", 2}, {"abab", 3}}}};
  json["model"]["merges"] = {"a b", "ab ab"};
  return json;
}

std::string error_of_json(const Json& json) {
  const Folder folder;
  folder.write("tokenizer.json", json.dump());
  return message_of([&] { load_tokenizer(folder.path()); });
}

TEST(Tokenizer, ReadsAVocabulary) {
  const auto tokenizer = from_vocab_txt(kVocabulary);
  EXPECT_EQ(tokens_of(*tokenizer, "Unaffable AB e\u0301 \u00c9x"),
            "[CLS] un ##aff ##able a ##b [UNK] [UNK] [SEP]");
  EXPECT_EQ(tokenizer->kind(), "wordpiece");
  EXPECT_EQ(tokenizer->vocab_size(), 11);
  EXPECT_EQ(tokenizer->special().mask, 4);
  EXPECT_EQ(tokenizer->special().bos, std::nullopt);
  EXPECT_EQ(tokenizer->id_to_token(5), "un");
  EXPECT_EQ(tokenizer->id_to_token(99), "");
  EXPECT_EQ(tokenizer->token_to_id("##able"), 7);
  EXPECT_EQ(tokenizer->decode({2, 5, 6, 7, 3}), "unaffable");
}

TEST(Tokenizer, RespectsTheConfigBesideAVocabulary) {
  const auto cased = from_vocab_txt(kVocabulary, R"({"do_lower_case": false})");
  EXPECT_EQ(tokens_of(*cased, "Unaffable \u00e9"), "[CLS] [UNK] é [SEP]");
  const auto accents = from_vocab_txt(kVocabulary, R"({"strip_accents": false})");
  EXPECT_EQ(tokens_of(*accents, "\u00c9"), "[CLS] é [SEP]");
  EXPECT_THAT(message_of([] { from_vocab_txt(kVocabulary, R"({"do_lower_case": "yes"})"); }),
              AllOf(HasSubstr("do_lower_case"), HasSubstr("true or false"), HasSubstr("\"yes\"")));
}

TEST(Tokenizer, TakesTheLastOfEqualLinesAndNoSpacesBehind) {
  const auto tokenizer = from_vocab_txt("[UNK]\r\n[CLS] \n[SEP]\u3000\na\nb\na\n");
  EXPECT_EQ(tokenizer->encode("a b").ids, (std::vector<int32_t>{1, 5, 4, 2}));
  EXPECT_EQ(tokenizer->id_to_token(3), "");
}

TEST(Tokenizer, SaysWhatAVocabularyLacks) {
  EXPECT_THAT(message_of([] { from_vocab_txt("[UNK]\na\n"); }),
              AllOf(HasSubstr("'[CLS]'"), HasSubstr("vocab.txt"), HasSubstr("tokenizer_config")));
  const auto tokenizer = from_vocab_txt("[CLS]\n[SEP]\na\n");
  EXPECT_EQ(tokens_of(*tokenizer, "a"), "[CLS] a [SEP]");  // as long as no text needs it
  EXPECT_THAT(message_of([&] { tokenizer->encode("b"); }),
              AllOf(HasSubstr("'[UNK]'"), HasSubstr("'b'")));
  EXPECT_THAT(message_of([] { from_vocab_txt("[CLS]\n\xff\n"); }), HasSubstr("line 2"));
  EXPECT_THAT(message_of([] { from_vocab_txt(""); }), HasSubstr("empty file"));
}

// A word is one piece after the other, or unknown as a whole: also where no token is as long as
// what continuing pieces begin with.
TEST(Tokenizer, LosesNothingOfAWordBeforeALongPrefix) {
  Json json = {{"added_tokens", Json::array()}};
  json["model"] = {{"type", "WordPiece"},
                   {"unk_token", "?"},
                   {"continuing_subword_prefix", "####"},
                   {"vocab", {{"?", 0}, {"a", 1}, {"b", 2}}}};
  const Folder folder;
  folder.write("tokenizer.json", json.dump());
  const auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(tokenizer->encode("a").ids, std::vector<int32_t>{1});
  EXPECT_EQ(tokenizer->encode("ab").ids, std::vector<int32_t>{0});
  EXPECT_EQ(tokenizer->encode("ab").offsets, (std::vector<Span>{{0, 2}}));
}

// As Rust's replace() has it, which the reference calls: the space stands around every character.
TEST(Tokenizer, DecodesWithAnEmptySuffix) {
  Json json = {{"added_tokens", Json::array()},
               {"decoder", {{"type", "BPEDecoder"}, {"suffix", ""}}}};
  json["model"] = {
      {"type", "BPE"}, {"vocab", {{"a\u00e9", 0}, {"b", 1}}}, {"merges", Json::array()}};
  const Folder folder;
  folder.write("tokenizer.json", json.dump());
  EXPECT_EQ(load_tokenizer(folder.path())->decode({0, 1}), " a \u00e9 b");
}

// A word that is a token needs no merges, also where words end in a suffix that it has not.
TEST(Tokenizer, IgnoresMergesOfWholeWordsWithASuffix) {
  Json json = {{"added_tokens", Json::array()}};
  json["model"] = {{"type", "BPE"},
                   {"end_of_word_suffix", "</w>"},
                   {"ignore_merges", true},
                   {"vocab", {{"ab", 0}, {"a", 1}, {"b</w>", 2}}},
                   {"merges", Json::array()}};
  const auto ids_of = [&json](const char* text) {
    const Folder folder;
    folder.write("tokenizer.json", json.dump());
    return load_tokenizer(folder.path())->encode(text).ids;
  };
  EXPECT_EQ(ids_of("ab"), std::vector<int32_t>{0});
  EXPECT_EQ(ids_of("aab"), (std::vector<int32_t>{1, 1, 2}));
  json["model"]["ignore_merges"] = false;
  EXPECT_EQ(ids_of("ab"), (std::vector<int32_t>{1, 2}));
}

Json byte_fallback_bpe() {
  Json json = {{"added_tokens", Json::array()}, {"pre_tokenizer", {{"type", "Whitespace"}}}};
  json["model"] = {{"type", "BPE"}, {"byte_fallback", true}, {"merges", Json::array()}};
  auto& vocab = json["model"]["vocab"] = Json::object();
  for (const char* byte : {"<0xC3>", "<0xA9>", "<0x3C>", "<0x2F>", "<0x77>", "<0x3E>", "<0xF0>",
                           "<0x9F>", "<0x98>", "<0x80>"})
    vocab[byte] = vocab.size();
  return json;
}

TokenizerPtr tokenizer_of_json(const Json& json) {
  const Folder folder;
  folder.write("tokenizer.json", json.dump());
  return load_tokenizer(folder.path());
}

// The suffix is spelled by its bytes, too, for which the word has no room.
TEST(Tokenizer, SpellsASuffixByItsBytes) {
  auto json = byte_fallback_bpe();
  json["model"]["end_of_word_suffix"] = "</w>";
  const auto encoding = tokenizer_of_json(json)->encode("\u00e9");
  EXPECT_EQ(encoding.ids, (std::vector<int32_t>{0, 1, 2, 3, 4, 5}));
  for (const auto& span : encoding.offsets) EXPECT_EQ(span, (Span{0, 2}));
}

// What is trimmed are the spaces of the token, not of what it stands for, which may be a part of a
// character or unknown.
TEST(Tokenizer, TrimsSpansByTheTokensOwnSpaces) {
  auto json = byte_fallback_bpe();
  json["post_processor"] = {{"type", "RobertaProcessing"},
                            {"sep", {"<0xC3>", 0}},
                            {"cls", {"<0xA9>", 1}},
                            {"trim_offsets", true},
                            {"add_prefix_space", false}};
  const auto bytes = tokenizer_of_json(json)->encode("\U0001F600 ");
  EXPECT_EQ(bytes.ids, (std::vector<int32_t>{1, 6, 7, 8, 9, 0}));
  for (size_t i = 1; i <= 4; ++i) EXPECT_EQ(bytes.offsets[i], (Span{0, 4})) << i;
  json.erase("pre_tokenizer");
  json["model"] = {{"type", "WordPiece"}, {"vocab", {{"<0xC3>", 0}, {"<0xA9>", 1}, {"[UNK]", 2}}}};
  const auto unknown = tokenizer_of_json(json)->encode("xy ");
  EXPECT_EQ(unknown.ids, (std::vector<int32_t>{1, 2, 0}));
  EXPECT_EQ(unknown.offsets[1], (Span{0, 3}));
}

TEST(Tokenizer, FindsTokensThatWereAddedToAVocabulary) {
  const auto with = [](const std::string& name, const std::string& content) {
    const Folder folder;
    folder.write("vocab.txt", kVocabulary);
    folder.write(name, content);
    const auto tokenizer = load_tokenizer(folder.path());
    tokenizer->save(folder.path() / "new");
    EXPECT_EQ(load_tokenizer(folder.path() / "new")->encode("Foo [E] a").ids,
              tokenizer->encode("Foo [E] a").ids);
    return tokenizer;
  };
  // Added words are found in the normalized text, special tokens in the text as it is.
  const auto older = with("added_tokens.json", R"({"Foo": 11, "[E]": 12})");
  EXPECT_EQ(older->vocab_size(), 13);
  EXPECT_EQ(older->encode("fOo [E] [e]").ids, (std::vector<int32_t>{2, 11, 12, 12, 3}));
  EXPECT_EQ(older->decode({11, 12}), "foo [e]");
  EXPECT_EQ(from_vocab_txt(kVocabulary)->encode("fOo").ids, (std::vector<int32_t>{2, 1, 3}));
  const auto now = with("tokenizer_config.json", R"({"added_tokens_decoder": {
      "4": {"content": "[MASK]", "lstrip": true, "normalized": false, "special": true},
      "11": {"content": "Foo"},
      "12": {"content": "[E]", "normalized": false, "special": true}}})");
  EXPECT_EQ(now->encode("fOo [E] a  [MASK]").ids, (std::vector<int32_t>{2, 11, 12, 8, 4, 3}));
  EXPECT_EQ(now->encode("a  [MASK]").offsets[2], (Span{1, 9}));
  EXPECT_EQ(now->decode({2, 11, 12, 3}), "foo");

  const Folder folder;
  folder.write("vocab.txt", kVocabulary);
  folder.write("added_tokens.json", R"({"Foo": 11, "[E]": 12})");
  folder.write("special_tokens_map.json", R"({"additional_special_tokens": ["[E]"]})");
  EXPECT_EQ(load_tokenizer(folder.path())->encode("[E] [e]").ids.at(1), 12);
  EXPECT_EQ(load_tokenizer(folder.path())->encode("[e]").ids.at(1), 1);
  folder.write("added_tokens.json", R"({"Foo": "x"})");
  EXPECT_THAT(message_of([&] { load_tokenizer(folder.path()); }),
              AllOf(HasSubstr("added_tokens.json"), HasSubstr("Foo")));
  folder.write("tokenizer_config.json", R"({"added_tokens_decoder": {"x": {"content": "Foo"}}})");
  EXPECT_THAT(message_of([&] { load_tokenizer(folder.path()); }),
              AllOf(HasSubstr("tokenizer_config.json"), HasSubstr("added_tokens_decoder.x")));
}

// transformers' truncation_side, of tokenizer_config.json or else of the tokenizer.json.
TEST(Tokenizer, CutsTextsOnTheSideThatItsFilesName) {
  const auto left = from_vocab_txt(kVocabulary, R"({"truncation_side": "left"})");
  EXPECT_TRUE(left->truncates_left());
  const auto cut = left->encode("unaffable ab", {.max_length = 4});
  EXPECT_EQ(cut.ids, (std::vector<int32_t>{2, 8, 9, 3}));
  EXPECT_EQ(cut.offsets[1], (Span{10, 11}));
  EXPECT_EQ(cut.truncated, 3);
  EXPECT_EQ(left->encode_pair("unaffable", "ab", {.max_length = 6}).ids,
            (std::vector<int32_t>{2, 6, 7, 3, 9, 3}));
  const auto sequence = make_sequence("unaffable ab", *left, {.eos = 3, .max_length = 3});
  EXPECT_EQ(sequence.ids, (std::vector<int32_t>{8, 9, 3}));
  EXPECT_TRUE(sequence.cut);
  const std::string book = std::string(5000, 'a') + " ab";
  EXPECT_EQ(make_sequence(book, *left, {.eos = 3, .max_length = 3}).ids, sequence.ids);

  const auto right = from_vocab_txt(kVocabulary, R"({"truncation_side": "right"})");
  EXPECT_EQ(right->encode("unaffable ab", {.max_length = 4}).ids,
            (std::vector<int32_t>{2, 5, 6, 3}));
  EXPECT_THAT(message_of([] { from_vocab_txt(kVocabulary, R"({"truncation_side": "middle"})"); }),
              AllOf(HasSubstr("truncation_side"), HasSubstr("left or right"), HasSubstr("middle")));
  auto json = small_bpe();
  json["truncation"] = {{"direction", "Left"}, {"max_length", 5}};
  const Folder folder;
  folder.write("tokenizer.json", json.dump());
  EXPECT_TRUE(load_tokenizer(folder.path())->truncates_left());
  folder.write("tokenizer_config.json", R"({"truncation_side": "right"})");
  EXPECT_FALSE(load_tokenizer(folder.path())->truncates_left());
}

TEST(Tokenizer, MayReadTheNamesOfSpecialTokensAsWords) {
  const auto text = "a [MASK]";
  EXPECT_EQ(from_vocab_txt(kVocabulary)->encode(text).ids, (std::vector<int32_t>{2, 8, 4, 3}));
  EXPECT_EQ(from_vocab_txt(kVocabulary, R"({"split_special_tokens": true})")->encode(text).ids,
            (std::vector<int32_t>{2, 8, 1, 1, 1, 3}));
  EXPECT_THAT(message_of([] { from_vocab_txt(kVocabulary, R"({"split_special_tokens": "yes"})"); }),
              AllOf(HasSubstr("split_special_tokens"), HasSubstr("true or false")));
}

TEST(Tokenizer, KnowsItsOtherSpecialTokens) {
  EXPECT_EQ(from_vocab_txt(kVocabulary)->special_ids(), (std::vector<int32_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(from_vocab_txt(kVocabulary, R"({"additional_special_tokens": ["un", "none"],
          "added_tokens_decoder": {"12": {"content": "[E]", "special": true},
                                   "13": {"content": "Foo"}}})")
                ->special_ids(),
            (std::vector<int32_t>{0, 1, 2, 3, 4, 5, 12}));
}

TEST(Tokenizer, FindsItsFiles) {
  const Folder folder;
  EXPECT_FALSE(has_tokenizer(folder.path()));
  EXPECT_THAT(message_of([&] { load_tokenizer(folder.path()); }), HasSubstr("tokenizer.json"));
  EXPECT_THAT(message_of([&] { load_tokenizer(folder.path() / "none"); }), HasSubstr("found none"));
  folder.write("vocab.txt", kVocabulary);
  EXPECT_TRUE(has_tokenizer(folder.path()));
  EXPECT_THAT(message_of([&] { load_tokenizer(folder.write("x.bin", "a")); }), HasSubstr("x.bin"));
  EXPECT_THAT(message_of([&] { load_tokenizer(folder.write("config.json", "{\"a\": []}")); }),
              HasSubstr("field model"));
  const auto vocab = folder.write("vocab.json", R"({"a": 0, "b": 1, "ab": 2})");
  EXPECT_THAT(message_of([&] { load_tokenizer(vocab); }), HasSubstr("merges.txt"));
  folder.write("merges.txt", "#version: 0.2\na b\n");
  EXPECT_EQ(load_tokenizer(vocab)->encode("ab").ids, (std::vector<int32_t>{2}));
  folder.write("merges.txt", "#version: 0.2\na b\na b c\n");
  EXPECT_THAT(message_of([&] { load_tokenizer(vocab); }),
              AllOf(HasSubstr("line 3"), HasSubstr("merges.txt")));
}

TEST(Tokenizer, NamesTheFieldThatIsWrong) {
  const auto with = [](const char* pointer, const Json& value) {
    auto json = small_bpe();
    json[Json::json_pointer(pointer)] = value;
    return error_of_json(json);
  };
  EXPECT_EQ(error_of_json(small_bpe()), "");
  EXPECT_THAT(with("/model/vocab", 3), AllOf(HasSubstr("model.vocab"), HasSubstr("object")));
  EXPECT_THAT(with("/model/vocab/a", "x"), HasSubstr("model.vocab['a']"));
  EXPECT_THAT(with("/model/vocab/a", -1), HasSubstr("model.vocab['a']"));
  EXPECT_THAT(with("/model/vocab/a", 0.5), HasSubstr("model.vocab['a']"));
  EXPECT_THAT(with("/model/vocab/a", 18446744073709551615u), HasSubstr("model.vocab['a']"));
  EXPECT_THAT(with("/model/vocab/b", 0), AllOf(HasSubstr("model.vocab['b']"), HasSubstr("'a'")));
  EXPECT_THAT(with("/model/merges/0", "a  b"), HasSubstr("model.merges[0]"));
  EXPECT_THAT(with("/model/merges/1", Json::array({"ab"})), HasSubstr("model.merges[1]"));
  EXPECT_THAT(with("/model/merges/1", "ab x"), AllOf(HasSubstr("'x'"), HasSubstr("merge 1")));
  EXPECT_THAT(with("/model/type", "Unigram"), HasSubstr(".spm"));
  EXPECT_THAT(with("/model/type", "Other"), HasSubstr("model.type"));
  EXPECT_THAT(with("/model/dropout", 0.1), HasSubstr("model.dropout"));
  EXPECT_THAT(with("/normalizer", {{"type", "NFKC"}}), HasSubstr("normalizer.type"));
  EXPECT_THAT(with("/pre_tokenizer/type", "Metaspace"), HasSubstr("pre_tokenizer.type"));
  EXPECT_THAT(with("/pre_tokenizer", {{"type", "Split"},
                                      {"pattern", {{"Regex", "a+"}}},
                                      {"behavior", "Isolated"},
                                      {"invert", false}}),
              AllOf(HasSubstr("pattern.Regex"), HasSubstr("GPT-2")));
  EXPECT_THAT(with("/decoder", {{"type", "CTC"}}), HasSubstr("decoder.type"));
  EXPECT_THAT(
      with("/post_processor", {{"type", "BertProcessing"}, {"sep", {"x", 77}}, {"cls", {"a", 0}}}),
      AllOf(HasSubstr("post_processor.sep[1]"), HasSubstr("77")));
  EXPECT_THAT(with("/added_tokens", {{{"id", 1}, {"content", "<x>"}}}),
              AllOf(HasSubstr("added_tokens[0].id"), HasSubstr("'b'")));
  EXPECT_THAT(with("/added_tokens", {{{"id", 9}, {"content", std::string(2000, 'x')}}}),
              HasSubstr("added_tokens[0].content"));
  EXPECT_THAT(error_of_json(Json::array()), HasSubstr("field model"));
}

TEST(Tokenizer, TakesMergesAsPairs) {
  auto json = small_bpe();
  json["model"]["merges"] = Json::array({Json::array({"a", "b"}), Json::array({"ab", "ab"})});
  const Folder folder;
  folder.write("tokenizer.json", json.dump());
  EXPECT_EQ(load_tokenizer(folder.path())->encode("ababab").ids, (std::vector<int32_t>{3, 2}));
}

TEST(Tokenizer, ReadsBrokenUtf8AsReplacements) {
  // U+FFFD by maximal subparts: BERT drops it, and spans are those of the text as it was.
  const auto tokenizer = from_vocab_txt(kVocabulary);
  const auto got = tokenizer->encode(
      "a\xf0\x9f\x98 \xe2\x82"
      "a\xff"
      "b\xc0\xaf");
  EXPECT_EQ(got.ids, (std::vector<int32_t>{2, 8, 8, 9, 3}));
  EXPECT_EQ(got.offsets, (std::vector<Span>{{0, 0}, {0, 1}, {7, 8}, {9, 10}, {0, 0}}));
}

TEST(Tokenizer, TakesTimeLinearInAWord) {
  const std::string word(10'000'000, 'a');
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(tokens_of(*from_vocab_txt(kVocabulary), word), "[CLS] [UNK] [SEP]");
  const Folder folder;
  folder.write("tokenizer.json", small_bpe().dump());
  std::string pairs;
  for (int i = 0; i < 1'000'000; ++i) pairs += "ab";
  EXPECT_EQ(load_tokenizer(folder.path())->encode(pairs).ids, std::vector<int32_t>(500'000, 3));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
}

TEST(Tokenizer, RefusesALengthThatTheAddedTokensExceed) {
  const auto tokenizer = from_vocab_txt(kVocabulary);
  EXPECT_EQ(tokens_of(*tokenizer, "a a a", {.max_length = 3}), "[CLS] a [SEP]");
  EXPECT_EQ(tokenizer->encode("a a a", {.max_length = 3}).truncated, 2);
  EXPECT_EQ(tokens_of(*tokenizer, "a a a", {.max_length = 2}), "[CLS] [SEP]");
  EXPECT_THAT(message_of([&] { tokenizer->encode("a", {.max_length = 1}); }),
              HasSubstr("at least 2"));
  EXPECT_EQ(tokens_of(*tokenizer, "a a a", {.add_special_tokens = false, .max_length = 1}), "a");
}

TEST(Tokenizer, SaysWhereTheSecondTextBegins) {
  const auto tokenizer = from_vocab_txt(kVocabulary);
  EXPECT_FALSE(tokenizer->encode("a a").pair_begin);
  EXPECT_EQ(tokenizer->encode_pair("a a", "a").pair_begin, 4U) << "[CLS] a a [SEP]";
  EXPECT_EQ(tokenizer->encode_pair("", "a").pair_begin, 2U);
  EXPECT_EQ(tokenizer->encode_pair("a", "").pair_begin, 3U);
  EXPECT_EQ(tokenizer->encode_pair("a a a", "a", {.max_length = 5}).pair_begin, 3U);
  EXPECT_EQ(tokenizer->encode_pair("a a", "a", {.add_special_tokens = false}).pair_begin, 2U);
}

TEST(Tokenizer, SavesWhatItReads) {
  const auto tokenizer = from_vocab_txt(kVocabulary, R"({"do_lower_case": false})");
  const Folder folder;
  tokenizer->save(folder.path() / "new");
  const auto again = load_tokenizer(folder.path() / "new");
  for (const auto* text : {"unaffable", "Unaffable \u00e9", "[MASK] a"})
    EXPECT_EQ(again->encode(text).ids, tokenizer->encode(text).ids) << text;
  EXPECT_EQ(again->special().pad, tokenizer->special().pad);
}

TEST(Tokenizer, RefusesNumbersThatAreNone) {
  const auto tokenizer = from_vocab_txt(kVocabulary);
  EXPECT_THAT(message_of([&] {
                tokenizer->decode({2, 11});
              }),
              AllOf(HasSubstr("11"), HasSubstr("below 11")));
  EXPECT_THROW(tokenizer->decode({-1}), DataError);
}

}  // namespace
}  // namespace braid::text
