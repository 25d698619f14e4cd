// Exported translators: what they write against all texts there are, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "braid/core/error.h"
#include "braid/runner/braid_run.h"
#include "braid/runner/translator.h"
#include "braid/runner/write_text.h"
#include "tests/decoding/best_of_all.h"
#include "tests/runner/small_translator.h"

namespace braid::runner {
namespace {

using ::testing::HasSubstr;
using Ids = std::vector<int64_t>;
using Metadata = std::map<std::string, std::string>;

constexpr int64_t kEnd = SmallTranslator::kEnd;

// The files in memory, and a model on them.
struct Opened {
  std::vector<uint8_t> encoder, decoder;
  EncoderDecoder model;
  explicit Opened(const SmallTranslator& made)
      : encoder(made.encoder()),
        decoder(made.decoder()),
        model(EncoderDecoder::of_bytes(encoder, decoder)) {}
};

// Of the words that are allowed.
std::pair<Ids, double> best_of_all(const SmallTranslator& made, const Ids& read, int64_t max_length,
                                   double penalty) {
  return decoding::best_of_all({.first = kEnd,
                                .last = SmallTranslator::kWords,
                                .start = SmallTranslator::kStart,
                                .end = kEnd},
                               max_length, penalty,
                               [&](const Ids& ids) { return made.next(read, ids.back()); });
}

Ids greedy(const SmallTranslator& made, const Ids& read, int64_t max_length) {
  Ids ids = {SmallTranslator::kStart};
  while (static_cast<int64_t>(ids.size()) < max_length && (ids.size() == 1 || ids.back() != kEnd)) {
    const auto next = made.next(read, ids.back());
    ids.push_back(std::max_element(next.begin() + kEnd, next.end()) - next.begin());
  }
  return {ids.begin() + 1, ids.end()};
}

TEST(WrittenTexts, GreedySearchTakesTheLikeliestWord) {
  for (unsigned seed = 1; seed <= 5; ++seed) {
    const SmallTranslator made(seed);
    Opened opened(made);
    auto config = opened.model.generation();
    EXPECT_EQ(config.max_length, 4);
    config.max_length = 9;
    for (const Ids& read : {Ids{4, 3}, Ids{5, 6, 7, 3}}) {
      const auto text = write_text(opened.model, read, config);
      EXPECT_EQ(text.ids, greedy(made, read, 9)) << seed;
      double sum = 0;
      int64_t last = SmallTranslator::kStart;
      for (const int64_t id : text.ids) {
        sum += made.next(read, last)[static_cast<size_t>(id)];
        last = id;
      }
      EXPECT_NEAR(text.score, sum / static_cast<double>(text.ids.size()), 1e-5) << seed;
    }
  }
}

TEST(WrittenTexts, WideEnoughBeamsFindTheBestOfAll) {
  for (unsigned seed = 1; seed <= 3; ++seed) {
    const SmallTranslator made(seed);
    Opened opened(made);
    for (const double penalty : {0.0, 0.6, 2.0}) {
      auto config = opened.model.generation();
      config.num_beams = 64;
      config.early_stopping = "never";
      config.length_penalty = penalty;
      const auto text = write_text(opened.model, {6, 5, 3}, config);
      const auto [ids, score] = best_of_all(made, {6, 5, 3}, 4, penalty);
      EXPECT_EQ(text.ids, ids) << seed << " " << penalty;
      EXPECT_NEAR(text.score, score, 1e-5) << seed << " " << penalty;
    }
  }
}

TEST(WrittenTexts, FollowTheFilesSettings) {
  SmallTranslator made;
  made.metadata["generation_config"] =
      R"({"bad_words_ids": [[0], [1], [2], [3]], "max_new_tokens": 5, "forced_bos_token_id": 7,
          "forced_eos_token_id": [3], "no_repeat_ngram_size": 1, "num_return_sequences": 1})";
  Opened opened(made);
  EXPECT_EQ(opened.model.generation().max_length, 6);
  for (const int64_t beams : {1, 3}) {
    auto config = opened.model.generation();
    config.num_beams = beams;
    auto ids = write_text(opened.model, {4, 3}, config).ids;
    EXPECT_EQ(ids.front(), 7) << beams;
    EXPECT_EQ(ids.back(), kEnd) << beams;
    std::sort(ids.begin(), ids.end());
    EXPECT_EQ(std::unique(ids.begin(), ids.end()), ids.end()) << "no word twice";
  }
  made.metadata["generation_config"] = R"({"max_length": 1000})";
  EXPECT_EQ(Opened(made).model.generation().max_length, 12) << "the model takes no more";
  made.metadata.erase("max_length");
  EXPECT_EQ(Opened(made).model.generation().max_length, 1000);
}

TEST(WrittenTexts, OfTheLastWordAloneLogitsAreComputed) {
  const SmallTranslator made;
  const auto bytes = made.decoder();
  const auto run = [&](const SessionOptions& options) {
    const auto session = Session::of_bytes(bytes, "decoder", options);
    Tensor ids = session->make(DType::kInt64, {2, 3}), mask = session->make(DType::kInt64, {2, 2});
    for (int64_t i = 0; i < 6; ++i) ids.as<int64_t>()[i] = 2 + i % 5;
    std::fill_n(mask.as<int64_t>(), 4, int64_t{1});
    Tensor hidden = session->make(DType::kFloat, {2, 2, SmallTranslator::kWidth});
    for (int64_t i = 0; i < hidden.count(); ++i) hidden.as<float>()[i] = static_cast<float>(i % 7);
    return session
        ->run({{"input_ids", ids},
               {"encoder_hidden_states", hidden},
               {"encoder_attention_mask", mask}})
        .at(0);
  };
  for (const bool fuses : {true, false}) {
    const auto all = run({.fuses = fuses});
    const auto last = run({.fuses = fuses, .last_position = true});
    ASSERT_EQ(all.dims(), (Dims{2, 3, SmallTranslator::kWords}));
    ASSERT_EQ(last.dims(), (Dims{2, 1, SmallTranslator::kWords})) << fuses;
    for (int64_t row = 0; row < 2; ++row)
      for (int64_t word = 0; word < SmallTranslator::kWords; ++word)
        EXPECT_NEAR(last.as<float>()[row * SmallTranslator::kWords + word],
                    all.as<float>()[(row * 3 + 2) * SmallTranslator::kWords + word], 1e-5f);
  }
}

TEST(ExportedTranslator, TranslatesTexts) {
  const SmallTranslator made;
  const auto encoder = made.encoder(), decoder = made.decoder();
  auto translator = Translator::of_bytes(encoder, decoder, {.max_length = 9});
  const auto translated = translator.translate("A b");
  EXPECT_FALSE(translated.cut);
  std::string words;
  for (const int64_t id : greedy(made, {4, 5, kEnd}, 9))
    if (id != kEnd) words += std::string(words.empty() ? "" : " ") + "abcd"[id - 4];
  EXPECT_EQ(translated.text, words);
  EXPECT_EQ(translator.translate("").text, "");
  EXPECT_EQ(translator.translate(" \t\n").text, "");
  for (const char* nothing : {"\u00a0", "\u3000\u3000", "\ufffd"})  // to BERT's normalizer
    EXPECT_EQ(translator.translate(nothing).text, "") << "the tokenizer leaves nothing";
  EXPECT_EQ(translator.max_length(), 12);
  const auto full = translator.translate("a b c d a b c d a b c");
  EXPECT_FALSE(full.cut);
  const auto longer = translator.translate("a b c d a b c d a b c d d d");
  EXPECT_TRUE(longer.cut);
  EXPECT_EQ(longer.text, full.text) << "of its first 11 words";
  EXPECT_EQ(longer.score, full.score);
}

// A model that never ends a text.
SmallTranslator endless() {
  SmallTranslator made;
  made.bias[kEnd] = -1e4f;
  made.metadata["max_length"] = "100";
  made.metadata["generation_config"] = R"({"bad_words_ids": [[0], [1], [2]], "max_length": 90})";
  return made;
}

int64_t words_in(const std::string& text) {
  return text.empty() ? 0 : 1 + std::count(text.begin(), text.end(), ' ');
}

TEST(ExportedTranslator, IsNoLongerThanItsSourceAllows) {
  const auto made = endless();
  const auto encoder = made.encoder(), decoder = made.decoder();
  std::string source = "a b";
  for (int i = 0; i < 14; ++i) source += " c";  // 16 words, and the token that ends them
  for (const int64_t beams : {1, 2}) {
    const auto words_of = [&](double factor, const std::string& text) {
      return words_in(
          Translator::of_bytes(encoder, decoder, {.num_beams = beams, .max_length_factor = factor})
              .translate(text)
              .text);
    };
    // Without the start token; lengths are rounded up to 16.
    EXPECT_EQ(words_of(0, "a b"), 89) << beams;
    EXPECT_EQ(words_of(2, "a b"), 16 + 2 * 16 - 1) << beams;
    EXPECT_EQ(words_of(0.5, "a b"), 16 + 8 - 1) << beams;
    EXPECT_EQ(words_of(0.5, source), 16 + 16 - 1) << beams;
    EXPECT_EQ(words_of(100, "a b"), 89) << beams << ": the files' own limit holds";
  }
}

TEST(ExportedTranslator, MakesNothingOutOfNothing) {
  const auto made = endless();
  const auto encoder = made.encoder(), decoder = made.decoder();
  auto translator = Translator::of_bytes(encoder, decoder, {.max_length = 9});
  EXPECT_NE(translator.translate("a").text, "");
  // The tokenizer drops control characters.
  EXPECT_EQ(translator.translate("\x01 \x02").text, "");
}

TEST(ExportedTranslator, WithoutAFolderForTemporaryFilesSaysSo) {
  const SmallTranslator made;
  const auto encoder = made.encoder(), decoder = made.decoder();
  const char* before = std::getenv("TMPDIR");
  const std::string kept = before == nullptr ? "" : before;
  ::setenv("TMPDIR", "/nowhere/at/all", 1);
  std::string said;
  try {
    Translator::of_bytes(encoder, decoder);
  } catch (const IoError& e) {
    said = e.what();
  }
  if (before == nullptr)
    ::unsetenv("TMPDIR");
  else
    ::setenv("TMPDIR", kept.c_str(), 1);
  EXPECT_THAT(said, HasSubstr("TMPDIR"));
}

TEST(ExportedTranslator, FlagsWinOverTheFiles) {
  const SmallTranslator made;
  const auto encoder = made.encoder(), decoder = made.decoder();
  const auto refused = [&](const TranslatorOptions& options) {
    try {
      Translator::of_bytes(encoder, decoder, options);
    } catch (const UsageError& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  EXPECT_EQ(refused({.num_beams = 3, .max_length = 12}), "");
  EXPECT_THAT(refused({.max_length = 13}), HasSubstr("at most 12 tokens"));
  EXPECT_THAT(refused({.max_length = 1}), HasSubstr("max_length"));
  EXPECT_THAT(refused({.num_beams = -1}), HasSubstr("num_beams"));
  EXPECT_THAT(refused({.num_beams = 5000}), HasSubstr("num_beams"));
}

std::string refusal(const std::vector<uint8_t>& encoder, const std::vector<uint8_t>& decoder) {
  try {
    Translator::of_bytes(encoder, decoder).translate("a b");
  } catch (const DataError& e) {
    return e.what();
  }
  return "";
}

// Both files with one key changed, or left out where the value is empty.
std::string refusal_with(const std::string& key, const std::string& value) {
  SmallTranslator made;
  made.metadata.erase(key);
  if (!value.empty()) made.metadata[key] = value;
  return refusal(made.encoder(), made.decoder());
}

TEST(ExportedTranslator, MetadataThatSayNothingOrHarmAreRefusedByName) {
  for (const auto* key : {"pad_token_id", "decoder_start_token_id", "eos_token_id"})
    for (const auto* value : {"", "-1", "many", "8", "99999999999999999999"})
      EXPECT_THAT(refusal_with(key, value), HasSubstr(key)) << value;
  EXPECT_THAT(refusal_with("generation_config", ""), HasSubstr("generation_config"));
  EXPECT_THAT(refusal_with("generation_config", ""), HasSubstr("braid export"));
  EXPECT_THAT(refusal_with("vocab.txt", ""), HasSubstr("tokenizer"));
  EXPECT_THAT(refusal_with("vocab.txt", "[PAD]\n"), HasSubstr("memory, encoder, vocab.txt"));
  EXPECT_THAT(refusal_with("max_length", "0"), HasSubstr("max_length"));
  const std::vector<std::pair<std::string, std::string>> settings = {
      {"{", "generation_config"},
      {"[]", "generation_config"},
      {R"({"num_beams": 0})", "num_beams"},
      {R"({"num_beams": 1e300})", "num_beams"},
      {R"({"num_beams": "four"})", "num_beams"},
      {R"({"max_length": -5})", "max_length"},
      {R"({"bad_words_ids": [[]]})", "bad_words_ids"},
      {R"({"bad_words_ids": [[8]]})", "bad_words_ids"},
      {R"({"eos_token_id": [3, 8]})", "eos_token_id"},
      {R"({"forced_bos_token_id": 8})", "forced_bos_token_id"},
      {R"({"early_stopping": "soon"})", "early_stopping"},
      {R"({"length_penalty": "none"})", "length_penalty"},
      {R"({"do_sample": true})", "do_sample"},
      {std::string(200, '[') + std::string(200, ']'), "generation_config"}};
  for (const auto& [json, field] : settings) {
    const auto said = refusal_with("generation_config", json);
    EXPECT_THAT(said, HasSubstr(field)) << json;
    EXPECT_THAT(said, HasSubstr("memory, encoder")) << json;
  }
}

TEST(ExportedTranslator, FilesThatBelongToOthersAreRefused) {
  const SmallTranslator made;
  const auto encoder = made.encoder(), decoder = made.decoder();
  EXPECT_EQ(refusal(encoder, decoder), "");
  const auto &first = decoder, &second = encoder;
  EXPECT_THAT(refusal(first, second), HasSubstr("expected the encoder"));
  EXPECT_THAT(refusal(encoder, encoder), HasSubstr("expected the decoder"));
  auto other = made.metadata;
  other["architecture"] = "large";
  EXPECT_THAT(refusal(encoder, made.decoder_with(other)),
              AllOf(HasSubstr("architecture"), HasSubstr("'small'"), HasSubstr("'large'")));
  EXPECT_THAT(refusal(made.encoder_of_width(3, made.metadata), decoder),
              AllOf(HasSubstr("of the 3 numbers"), HasSubstr("one of 4")));
  auto words = made;
  words.metadata["vocab.txt"] += "e\n";
  EXPECT_THAT(refusal(words.encoder(), words.decoder()), HasSubstr("at most 8 tokens"));
  EXPECT_THAT(refusal(encoder, model_of([](pbf_writer& graph) {
                        add_value(graph, 11, "x", 1, {1});
                        add_node(graph, "Relu", {"x"}, {"a"});
                        add_value(graph, 12, "a", 1, {1});
                      })),
              HasSubstr("'part'"));
  Metadata as_decoder = made.metadata;
  as_decoder["part"] = "decoder";
  EXPECT_THAT(refusal(encoder, made.encoder_of_width(4, as_decoder)), HasSubstr("3 inputs"));
}

TEST(ExportedTranslator, OutputThatIsNotFiniteIsRefused) {
  for (const float value : {NAN, INFINITY})
    for (const auto* beams : {"1", "3"}) {
      SmallTranslator made;
      made.bias[5] = value;
      made.metadata["generation_config"] = std::string("{\"num_beams\": ") + beams + "}";
      EXPECT_THAT(refusal(made.encoder(), made.decoder()), HasSubstr("not finite")) << beams;
    }
}

class TranslatorFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    folder =
        std::filesystem::temp_directory_path() / ("braid_translator_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
  }
  void TearDown() override { std::filesystem::remove_all(folder); }
  void write(const std::string& name, const std::vector<uint8_t>& bytes) const {
    std::ofstream(folder / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<long>(bytes.size()));
  }
  std::string refusal() const {
    try {
      Translator::open(folder);
    } catch (const DataError& e) {
      return e.what();
    }
    return "";
  }
  std::filesystem::path folder;
};

TEST_F(TranslatorFolder, HasBothFiles) {
  const SmallTranslator made;
  EXPECT_THAT(refusal(), HasSubstr("found none of them"));
  write("decoder_model.onnx", made.decoder());
  EXPECT_THAT(refusal(), AllOf(HasSubstr("decoder_model.onnx alone"), HasSubstr(folder.string())));
  write("encoder_model.onnx", made.encoder());
  EXPECT_EQ(refusal(), "");
  EXPECT_NO_THROW(Translator::open(folder).translate("a"));
  EXPECT_THROW(Translator::open(folder / "missing"), IoError);
  EXPECT_THROW(Translator::open(folder / "encoder_model.onnx"), IoError);
}

TEST_F(TranslatorFolder, OpensFromC) {
  const SmallTranslator made;
  const auto encoder = made.encoder(), decoder = made.decoder();
  write("encoder_model.onnx", encoder);
  write("decoder_model.onnx", decoder);
  const BraidRunSearch search = {2, 6};
  auto* one = braid_run_open_translator(folder.c_str(), &search, 1);
  ASSERT_NE(one, nullptr) << braid_run_error();
  auto* two = braid_run_open_translator_memory(encoder.data(), encoder.size(), decoder.data(),
                                               decoder.size(), &search, 1);
  ASSERT_NE(two, nullptr) << braid_run_error();
  BraidRunTranslation a{}, b{};
  ASSERT_EQ(braid_run_translate(one, "a b c", &a), 0) << braid_run_error();
  ASSERT_EQ(braid_run_translate(two, "a b c", &b), 0) << braid_run_error();
  EXPECT_STREQ(a.text, b.text);
  EXPECT_EQ(a.size, std::strlen(a.text));
  EXPECT_EQ(a.score, b.score);
  EXPECT_EQ(a.cut, 0);
  EXPECT_EQ(Translator::open(folder, {.num_beams = 2, .max_length = 6}).translate("a b c").text,
            a.text);
  EXPECT_EQ(braid_run_translate(one, nullptr, &a), 65);
  EXPECT_EQ(braid_run_translate(nullptr, "a", &a), 65);
  const BraidRunSearch too_long = {0, 500};
  EXPECT_EQ(braid_run_open_translator(folder.c_str(), &too_long, 1), nullptr);
  EXPECT_NE(std::strstr(braid_run_error(), "at most 12 tokens"), nullptr) << braid_run_error();
  EXPECT_EQ(braid_run_open_translator(nullptr, nullptr, 1), nullptr);
  EXPECT_EQ(braid_run_open_translator_memory(nullptr, 0, nullptr, 0, nullptr, 1), nullptr);
  braid_run_free_translator(one);
  braid_run_free_translator(two);
  braid_run_free_translator(nullptr);
}

}  // namespace
}  // namespace braid::runner
