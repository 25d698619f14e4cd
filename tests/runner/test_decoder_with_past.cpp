// Translators that go on from what their decoder kept: they write what they write without it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "braid/core/error.h"
#include "braid/runner/braid_run.h"
#include "braid/runner/translator.h"
#include "braid/runner/write_text.h"
#include "tests/decoding/best_of_all.h"
#include "tests/runner/remembering_translator.h"

namespace braid::runner {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Third = RememberingTranslator::Third;

// The files in memory, and a model on two and on three of them.
struct WithAndWithout {
  std::vector<uint8_t> encoder, decoder, third;
  EncoderDecoder without, with;
  explicit WithAndWithout(const RememberingTranslator& made, const Third& of = {})
      : encoder(made.encoder()),
        decoder(made.remembering_decoder()),
        third(made.decoder_with_past(of, made.metadata)),
        without(EncoderDecoder::of_bytes(encoder, decoder)),
        with(EncoderDecoder::of_bytes(encoder, decoder, {}, third)) {}
};

TEST(DecoderWithPast, WritesWhatIsWrittenWithoutIt) {
  std::set<std::vector<int64_t>> different;
  for (unsigned seed = 1; seed <= 8; ++seed) {
    const RememberingTranslator made(seed);
    WithAndWithout two(made);
    EXPECT_EQ(two.without.decoder_with_past(), nullptr);
    ASSERT_NE(two.with.decoder_with_past(), nullptr);
    for (const int64_t beams : {1, 2, 5})
      for (const std::vector<int64_t>& read :
           {std::vector<int64_t>{4, 3}, std::vector<int64_t>{5, 6, 7, 3}}) {
        auto config = two.with.generation();
        config.max_length = 11;
        config.num_beams = beams;
        config.no_repeat_ngram_size = 2;
        const auto expected = write_text(two.without, read, config);
        const auto text = write_text(two.with, read, config);
        EXPECT_EQ(text.ids, expected.ids) << seed << ", beams " << beams;
        EXPECT_NEAR(text.score, expected.score, 1e-5) << seed << ", beams " << beams;
        different.insert(text.ids);
      }
  }
  EXPECT_GT(different.size(), 8u) << "texts that are all alike show nothing";
}

TEST(DecoderWithPast, WideEnoughBeamsFindTheBestOfAll) {
  for (unsigned seed = 1; seed <= 3; ++seed) {
    const RememberingTranslator made(seed);
    WithAndWithout two(made);
    auto config = two.with.generation();
    config.num_beams = 64;
    config.early_stopping = "never";
    config.length_penalty = 0.6;
    const auto [ids, score] =
        decoding::best_of_all({.first = SmallTranslator::kEnd,
                               .last = SmallTranslator::kWords,
                               .start = SmallTranslator::kStart,
                               .end = SmallTranslator::kEnd},
                              4, 0.6, [&](const std::vector<int64_t>& written) {
                                return made.next_of({6, 5, 3}, written);
                              });
    const auto text = write_text(two.with, {6, 5, 3}, config);
    EXPECT_EQ(text.ids, ids) << seed;
    EXPECT_NEAR(text.score, score, 1e-5) << seed;
  }
}

TEST(DecoderWithPast, RowsGoOnFromTheirParents) {
  const RememberingTranslator made;
  WithAndWithout two(made);
  for (auto* model : {&two.without, &two.with}) model->read({4, 5, 3});
  using Rows = std::vector<decoding::TokenIds>;
  const auto expect_same = [&](const Rows& rows, const std::vector<int64_t>& parents) {
    const auto expected = two.without.next(rows), got = two.with.next(rows, parents);
    ASSERT_EQ(got.size(), expected.size());
    for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-5) << i;
  };
  expect_same({{2}}, {});
  expect_same({{2, 4}, {2, 5}, {2, 6}}, {0, 0, 0});
  expect_same({{2, 6, 4}, {2, 4, 4}, {2, 6, 7}}, {2, 0, 2});
  expect_same({{2, 6, 7, 5}}, {2});
  // Without parents, or with a text of another length, all is computed anew.
  expect_same({{2, 7, 7}, {2, 4, 5}}, {});
  expect_same({{2, 5, 5, 5, 5}, {2, 4, 6, 7, 4}}, {0, 1});
  EXPECT_THROW(two.with.next({{2, 5, 5, 5, 5, 4}}, {7}), InternalError);
}

TEST(DecoderWithPast, IsUsed) {
  const RememberingTranslator made;
  Third other;
  other.bias.assign(SmallTranslator::kWords, 0);
  other.bias[SmallTranslator::kEnd] = 1e4f;  // ends each text with its second word
  WithAndWithout two(made, other);
  auto config = two.with.generation();
  config.max_length = 9;
  config.min_length = 2;
  for (const int64_t beams : {1, 3}) {
    config.num_beams = beams;
    const auto ids = write_text(two.with, {4, 5, 3}, config).ids;
    ASSERT_EQ(ids.size(), 2u) << beams;
    EXPECT_EQ(ids.back(), SmallTranslator::kEnd);
  }
}

TEST(DecoderWithPast, SharesTheMemoryOfAllParts) {
  const RememberingTranslator made;
  const auto encoder = made.encoder(), decoder = made.remembering_decoder(),
             third = made.decoder_with_past();
  // A half of it is enough to read this text, a third is not.
  const std::vector<int64_t> read(1000, 4);
  const SessionOptions options{.most_bytes = 80'000};
  EXPECT_NO_THROW(EncoderDecoder::of_bytes(encoder, decoder, options).read(read));
  auto three = EncoderDecoder::of_bytes(encoder, decoder, options, third);
  EXPECT_THROW(three.read(read), OutOfMemoryError);
}

std::string refusal_of(const RememberingTranslator& made, const std::vector<uint8_t>& decoder,
                       const std::vector<uint8_t>& third) {
  const auto encoder = made.encoder();
  try {
    Translator::of_bytes(encoder, decoder, {.num_beams = 2, .max_length = 9}, third)
        .translate("a b");
  } catch (const DataError& e) {
    return e.what();
  }
  return "";
}

TEST(DecoderWithPast, OfAnotherModelIsRefused) {
  const RememberingTranslator made;
  const auto decoder = made.remembering_decoder();
  EXPECT_EQ(refusal_of(made, decoder, made.decoder_with_past()), "");
  const auto refusal = [&](const Third& third) {
    return refusal_of(made, decoder, made.decoder_with_past(third, made.metadata));
  };
  auto other = made.metadata;
  other["architecture"] = "large";
  EXPECT_THAT(refusal_of(made, decoder, made.decoder_with_past({}, other)),
              AllOf(HasSubstr("architecture"), HasSubstr("'large'"), HasSubstr("with past")));
  EXPECT_THAT(refusal_of(made, decoder, decoder), HasSubstr("expected the decoder_with_past"));
  EXPECT_THAT(refusal_of(made, made.decoder_with_past(), made.decoder_with_past()),
              HasSubstr("expected the decoder of"));
  EXPECT_THAT(refusal_of(made, made.decoder(), made.decoder_with_past()),
              AllOf(HasSubstr("present.0.decoder.key"), HasSubstr("memory, decoder")));
  EXPECT_THAT(refusal({.width = 3}),
              AllOf(HasSubstr("past_key_values.0.decoder.key"), HasSubstr("with past")));
  EXPECT_THAT(refusal({.words = 9}), HasSubstr("logits of 8 words"));
  EXPECT_THAT(refusal({.gives_key = false}), HasSubstr("none that words are added to"));
  EXPECT_THAT(refusal({.key = "7.decoder.key"}), HasSubstr("present.7.decoder.key"));
  EXPECT_THAT(refusal({.more_output = "present.1.decoder.key"}),
              HasSubstr("'present.1.decoder.key'"));
  EXPECT_THAT(refusal({.more_input = "anything"}), HasSubstr("'anything'"));
  EXPECT_THAT(refusal({.one_row = true}), HasSubstr("2 rows of 'present.0.decoder.key'"));
  EXPECT_THAT(refusal_of(made, decoder, {1, 2, 3}), HasSubstr("memory, decoder with past"));
}

class FolderWithPast : public ::testing::Test {
 protected:
  void SetUp() override {
    folder = std::filesystem::temp_directory_path() /
             ("braid_translator_with_past_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    write("encoder_model.onnx", made.encoder());
    write("decoder_model.onnx", made.remembering_decoder());
  }
  void TearDown() override { std::filesystem::remove_all(folder); }
  void write(const std::string& name, const std::vector<uint8_t>& bytes) const {
    std::ofstream(folder / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<long>(bytes.size()));
  }

  RememberingTranslator made;
  std::filesystem::path folder;
};

TEST_F(FolderWithPast, TakesTheThirdFileWhereItIs) {
  const TranslatorOptions options{.num_beams = 2, .max_length = 9};
  auto two = Translator::open(folder, options);
  EXPECT_EQ(two.model().decoder_with_past(), nullptr);
  write("decoder_with_past_model.onnx", made.decoder_with_past());
  auto three = Translator::open(folder, options);
  ASSERT_NE(three.model().decoder_with_past(), nullptr);
  EXPECT_EQ(three.translate("a b c").text, two.translate("a b c").text);
  write("decoder_with_past_model.onnx", made.remembering_decoder());
  EXPECT_THROW(Translator::open(folder), DataError);
}

TEST_F(FolderWithPast, OpensFromC) {
  const auto encoder = made.encoder(), decoder = made.remembering_decoder(),
             third = made.decoder_with_past();
  const BraidRunSearch search = {2, 9};
  auto* one = braid_run_open_translator_memory(encoder.data(), encoder.size(), decoder.data(),
                                               decoder.size(), &search, 1);
  auto* two = braid_run_open_translator_memory_with_past(encoder.data(), encoder.size(),
                                                         decoder.data(), decoder.size(),
                                                         third.data(), third.size(), &search, 1);
  ASSERT_NE(one, nullptr);
  ASSERT_NE(two, nullptr) << braid_run_error();
  BraidRunTranslation a{}, b{};
  ASSERT_EQ(braid_run_translate(one, "a b c", &a), 0) << braid_run_error();
  ASSERT_EQ(braid_run_translate(two, "a b c", &b), 0) << braid_run_error();
  EXPECT_STREQ(a.text, b.text);
  EXPECT_NEAR(a.score, b.score, 1e-5);
  EXPECT_EQ(
      braid_run_open_translator_memory_with_past(encoder.data(), encoder.size(), decoder.data(),
                                                 decoder.size(), nullptr, 0, &search, 1),
      nullptr);
  EXPECT_NE(std::strstr(braid_run_error(), "a decoder with past"), nullptr) << braid_run_error();
  braid_run_free_translator(one);
  braid_run_free_translator(two);
}

}  // namespace
}  // namespace braid::runner
