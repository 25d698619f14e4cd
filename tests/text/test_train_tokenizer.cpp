// Vocabularies that are learned here: the same as Hugging Face's trainers learn, saved in files
// that load again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>

#include "braid/core/json.h"
#include "braid/text/train_tokenizer.h"
#include "tests/text/tokenizer_files.h"

namespace braid::text {
namespace {

using test::Folder;
using test::message_of;
using test::tokens_of;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TextSource texts_of(std::vector<std::string> texts) {
  return [texts = std::move(texts), next = size_t{0}](std::string& text) mutable {
    if (next == texts.size()) return false;
    text = texts[next++];
    return true;
  };
}

const std::vector<std::string> kTexts = {"low lower lowest", "new newer newest low low",
                                         "wide wider widest new", "aaaa aaa aa",
                                         "caf\u00e9 caf\u00e9"};

Json saved(const Tokenizer& tokenizer) {
  const Folder folder;
  tokenizer.save(folder.path());
  return read_json(folder.path() / "tokenizer.json");
}

// What tokenizers 0.23.3 learns:
//   t = Tokenizer(models.BPE()); t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
//   t.train_from_iterator(kTexts, trainers.BpeTrainer(vocab_size=275, min_frequency=2,
//     special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
//     initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
TEST(TrainTokenizer, LearnsTheMergesOfTheReference) {
  const auto tokenizer = train_bpe(texts_of(kTexts), {.vocab_size = 275});
  std::vector<std::string> merges;
  const auto json = saved(*tokenizer);
  for (const auto& merge : json.at("model").at("merges"))
    merges.push_back(merge.at(0).get<std::string>() + " " + merge.at(1).get<std::string>());
  EXPECT_THAT(merges, ElementsAre("a a", "l o", "lo w", "e w", "n ew", "Ġ low", "d e", "i de",
                                  "s t", "w ide", "Ġ new", "a f", "c af", "e r"));
  EXPECT_EQ(tokenizer->special().mask, 4);
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("lowest caf\u00e9 \U0001F600").ids),
            "lowest caf\u00e9 \U0001F600");
}

// The same set as trainers.WordPieceTrainer(vocab_size=40, min_frequency=2) learns behind
// BertNormalizer and BertPreTokenizer; its order of ##-letters changes from run to run.
TEST(TrainTokenizer, LearnsThePiecesOfTheReference) {
  const auto tokenizer = train_wordpiece(texts_of(kTexts), {.vocab_size = 40});
  std::vector<std::string> tokens;
  for (int32_t id = 0; id < tokenizer->vocab_size(); ++id)
    tokens.push_back(tokenizer->id_to_token(id));
  std::sort(tokens.begin(), tokens.end());
  EXPECT_THAT(tokens,
              ElementsAre("##a", "##d", "##de", "##e", "##er", "##est", "##f", "##i", "##o", "##r",
                          "##s", "##st", "##t", "##w", "[CLS]", "[MASK]", "[PAD]", "[SEP]", "[UNK]",
                          "a", "aa", "c", "ca", "d", "e", "f", "i", "l", "lo", "low", "n", "ne",
                          "new", "o", "r", "s", "t", "w", "wi", "wide"));
}

TEST(TrainTokenizer, DoesNotDependOnTheOrderOfTexts) {
  auto reversed = kTexts;
  std::reverse(reversed.begin(), reversed.end());
  EXPECT_EQ(saved(*train_wordpiece(texts_of(kTexts), {.vocab_size = 45})),
            saved(*train_wordpiece(texts_of(reversed), {.vocab_size = 45})));
  EXPECT_EQ(saved(*train_bpe(texts_of(kTexts), {.vocab_size = 280})),
            saved(*train_bpe(texts_of(reversed), {.vocab_size = 280})));
}

TEST(TrainTokenizer, SavesWhatLoadsAgain) {
  for (const auto& tokenizer : {train_wordpiece(texts_of(kTexts), {.vocab_size = 45}),
                                train_bpe(texts_of(kTexts), {.vocab_size = 280}),
                                train_sentencepiece(texts_of(kTexts), {.vocab_size = 30})}) {
    const Folder folder;
    tokenizer->save(folder.path());
    const auto again = load_tokenizer(folder.path());
    EXPECT_EQ(again->kind(), tokenizer->kind());
    for (const char* text : {"lowest wider", "x \u00e9 low", ""})
      EXPECT_EQ(again->encode(text).ids, tokenizer->encode(text).ids) << text;
  }
}

TEST(TrainTokenizer, TrainsSentencePiece) {
  for (const char* type : {"unigram", "bpe"}) {
    const auto tokenizer = train_sentencepiece(texts_of(kTexts), {.type = type, .vocab_size = 30});
    EXPECT_EQ(tokenizer->special().pad, 0);
    EXPECT_EQ(tokenizer->special().eos, 1);
    EXPECT_EQ(tokenizer->special().unk, 2);
    const auto encoding = tokenizer->encode("low  newest");
    EXPECT_EQ(encoding.ids.back(), 1) << "a text ends with </s>";
    EXPECT_EQ(tokenizer->decode(encoding.ids), "low newest");
    EXPECT_EQ(encoding.offsets.front().begin, 0u);
    EXPECT_EQ(encoding.offsets[encoding.offsets.size() - 2].end, 11u);
  }
}

// The library ends the program where a word is longer than 65,535 code points; normalized, each of
// these becomes 18.
TEST(TrainTokenizer, ReadsGiantWords) {
  std::string ligatures;
  for (int i = 0; i < 10'000; ++i) ligatures += "\ufdfa";
  for (const auto& giant : {std::string(100'000, 'a'), ligatures}) {
    auto texts = kTexts;
    texts.push_back(giant);
    const auto bpe = train_sentencepiece(
        texts_of(texts), {.type = "bpe", .vocab_size = 60, .character_coverage = 1});
    EXPECT_EQ(bpe->decode(bpe->encode("low newest").ids), "low newest");
    const auto pieces = train_wordpiece(texts_of(texts), {.vocab_size = 60});
    EXPECT_TRUE(pieces->token_to_id("low").has_value());
  }
}

// Cut at a space, where there is one: what is learned of a line is what is learned of its parts.
TEST(TrainTokenizer, CutsLongLinesBetweenWords) {
  std::string line;
  for (int i = 0; i < 5'000; ++i) line += "lowest widest ";
  const SentencePieceTraining training{.type = "bpe", .vocab_size = 60};
  const auto one = train_sentencepiece(texts_of({line}), training);
  const auto parts =
      train_sentencepiece(texts_of(std::vector<std::string>(5'000, "lowest widest")), training);
  EXPECT_EQ(tokens_of(*one, "lowest widest"), "\u2581lowest \u2581widest </s>");
  EXPECT_EQ(one->vocab_size(), parts->vocab_size()) << "no piece of half a word";
}

TEST(TrainTokenizer, SaysWhatCannotBeLearned) {
  EXPECT_THAT(message_of([] { train_bpe(texts_of(kTexts), {.vocab_size = 100}); }),
              AllOf(HasSubstr("at least 261"), HasSubstr("100")));
  EXPECT_THAT(message_of([] { train_wordpiece(texts_of(kTexts), {.vocab_size = 10}); }),
              HasSubstr("limit_alphabet"));
  EXPECT_THAT(message_of([] { train_wordpiece(texts_of({" ", ""}), {}); }), HasSubstr("got none"));
  EXPECT_THAT(message_of([] { train_sentencepiece(texts_of({}), {}); }), HasSubstr("got none"));
  EXPECT_THAT(message_of([] { train_sentencepiece(texts_of(kTexts), {.type = "word"}); }),
              HasSubstr("unigram or bpe"));
  EXPECT_THAT(message_of([] { train_sentencepiece(texts_of(kTexts), {.vocab_size = 4}); }),
              HasSubstr("vocab_size"));
}

TEST(TrainTokenizer, ReadsLinesOfSeveralFiles) {
  const Folder folder;
  const auto source = lines_of({folder.write("a", "one\ntwo\r\n\nthree"), folder.write("b", ""),
                                folder.write("c", "four\n")});
  std::vector<std::string> lines;
  for (std::string line; source(line);) lines.push_back(line);
  EXPECT_THAT(lines, ElementsAre("one", "two", "", "three", "four"));
  std::string line;
  EXPECT_THROW(lines_of({folder.path() / "none"})(line), IoError);
  EXPECT_THROW(lines_of({folder.path()})(line), IoError);
}

TEST(TrainTokenizer, ReadsPackedLinesAndRefusesUtf16) {
  const Folder folder;
  const auto packed = folder.write("a.gz", "");
  gzFile file = gzopen(packed.c_str(), "wb");
  gzputs(file, "\xef\xbb\xbfone\ntwo\n");
  gzclose(file);
  const auto source = lines_of({packed, folder.write("b", "\xef\xbb\xbfthree")});
  std::vector<std::string> lines;
  for (std::string line; source(line);) lines.push_back(line);
  EXPECT_THAT(lines, ElementsAre("one", "two", "three"));
  std::string line;
  EXPECT_THROW(lines_of({folder.write("c", std::string("\xff\xfe"
                                                       "a\0\n\0",
                                                       6))})(line),
               DataError);
}

}  // namespace
}  // namespace braid::text
