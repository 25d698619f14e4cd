// Translators in 8 bits: their files, what judges them, and that braid-run translates with them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>

#include "braid/core/error.h"
#include "braid/export/encoder_decoder_graphs.h"
#include "braid/export/export_encoder_decoder.h"
#include "braid/export/one_word_batches.h"
#include "braid/export/quantize_encoder_decoder.h"
#include "braid/io/atomic_file.h"
#include "braid/models/registry.h"
#include "braid/models/text/text_checkpoint.h"
#include "braid/runner/translator.h"
#include "tests/export/small_translators.h"

namespace braid::onnx {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class QuantizedTranslators : public ::testing::TestWithParam<std::pair<const char*, const char*>> {
 protected:
  void SetUp() override {
    const auto [name, fields] = GetParam();
    folder_ = fs::temp_directory_path() /
              ("braid_quantized_translator_" + std::string(name) + std::to_string(::getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "data");
    torch::manual_seed(5);
    const auto model = models::create_model<models::EncoderDecoder>(name, Json::parse(fields));
    {
      const torch::NoGradGuard no_grad;  // words that are likelier than others
      for (auto& p : model->parameters())
        if (p.dim() > 1) p.mul_(2);
    }
    models::save_text_model(*model, models::make_hub_config(name, *model), checkpoint());
    std::string vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
    for (int i = 5; i < 44; ++i) vocabulary += word(i) + "\n";
    io::write_file_atomic(checkpoint() / "vocab.txt", vocabulary);
    io::write_file_atomic(checkpoint() / "generation_config.json", R"({"max_length": 14})");
    write_split("train", 60);
    write_split("val", kJudges);
  }
  void TearDown() override { fs::remove_all(folder_); }

  static constexpr int kJudges = 9;
  static std::string word(int i) { return "w" + std::to_string(i); }
  // Sources of 1 to 7 words, targets of two more.
  static std::string line(int i, int more) {
    std::string text = word(5 + i * 11 % 39);
    for (int k = 1; k < 1 + i % 7 + more; ++k) text += " " + word(5 + (i * 7 + k * 5) % 39);
    return text;
  }
  void write_split(const std::string& stem, int lines) const {
    std::string en, de;
    for (int i = 0; i < lines; ++i) {
      en += line(i, 0) + "\n";
      de += line(i + 3, 2) + "\n";
    }
    io::write_file_atomic(folder_ / "data" / (stem + ".en"), en);
    io::write_file_atomic(folder_ / "data" / (stem + ".de"), de);
  }
  fs::path checkpoint() const { return folder_ / "checkpoint"; }
  QuantizeRequest request() const {
    return {.data = (folder_ / "data").string(), .samples = 40, .workers = 0};
  }
  EncoderDecoderQuantization quantize(const QuantizeRequest& request) {
    const auto loaded = tasks::load_translator(checkpoint());
    return quantize_encoder_decoder(loaded, checkpoint(),
                                    open_calibration_pairs(loaded, request, silent_),
                                    folder_ / "int8", request, silent_);
  }
  template <class ErrorType>
  std::string error_of(const QuantizeRequest& request) {
    try {
      quantize(request);
    } catch (const ErrorType& error) {
      return error.what();
    }
    return "nothing was thrown";
  }

  fs::path folder_;
  Progress silent_;
};

TEST_P(QuantizedTranslators, AreSmallerAndSayNearlyTheSame) {
  const auto made = quantize(request());
  // The places of the targets of val, each with the token that ends it: of the encoder too, which
  // the decoder reads.
  int64_t words = 0;
  for (int i = 0; i < kJudges; ++i) words += 1 + (i + 3) % 7 + 2 + 1;
  ASSERT_TRUE(made.decoder_with_past);
  for (const auto* report : {&made.encoder, &made.decoder}) EXPECT_EQ(report->count, words);
  // At four places of the longest targets, which share a batch, and at no place of padding.
  EXPECT_GT(made.decoder_with_past->count, kJudges);
  EXPECT_LE(made.decoder_with_past->count, 4 * kJudges);
  for (const auto* report : {&made.encoder, &made.decoder, &*made.decoder_with_past}) {
    EXPECT_EQ(report->samples, 40);
    EXPECT_EQ(report->split, "val");
    EXPECT_EQ(report->bytes, static_cast<int64_t>(fs::file_size(report->file)));
    EXPECT_LT(report->bytes, report->float_bytes);
    EXPECT_GT(report->units, static_cast<int64_t>(report->in_float.size()));
    EXPECT_GE(report->agreement, 60) << report->file;
    ASSERT_TRUE(report->file_relative_error) << "braid-run ran the file";
  }
  const auto encoder = folder_ / "int8" / kEncoderFile, decoder = folder_ / "int8" / kDecoderFile;
  EXPECT_EQ(made.encoder.file, encoder.string());
  EXPECT_EQ(made.decoder.file, decoder.string());
  // braid-run takes all as one model, and what it writes is made of the vocabulary's words.
  auto translator = runner::Translator::open(folder_ / "int8");
  ASSERT_TRUE(translator.model().decoder_with_past());
  EXPECT_EQ(translator.model().encoder().metadata().count("quantization"), 1u);
  const auto text = translator.translate(line(4, 0)).text;
  EXPECT_THAT(text, HasSubstr("w"));
  EXPECT_EQ(translator.translate(line(4, 0)).text, text);
}

// The decoder's own logits at that place; what it is asked for is the place.
TEST_P(QuantizedTranslators, OneWordAfterThoseBeforeSaysTheSame) {
  const auto [name, fields] = GetParam();
  models::LoadedEncoderDecoder loaded;
  loaded.model = models::create_model<models::EncoderDecoder>(name, Json::parse(fields));
  loaded.hub = models::make_hub_config(name, *loaded.model);
  const auto graphs = make_encoder_decoder_graphs(loaded);
  std::vector<data::Batch> batches;
  for (const int64_t words : {1, 2, 3, 9}) {
    const auto mask = torch::ones({2, 5}, torch::kLong);
    mask[1].slice(0, 3).zero_();
    batches.push_back({.tensors = {{data::kInputIds, torch::randint(44, {2, words}, torch::kLong)},
                                   {kEncoderHidden, torch::randn({2, 5, 32})},
                                   {kEncoderMask, mask},
                                   {data::kLabels, torch::arange(words).expand({2, words})}},
                       .indices = {0, 1}});
  }
  const auto read = one_word_batches(graphs.decoder, *graphs.decoder_with_past, batches);
  EXPECT_EQ(read.items, 6) << "a text of one word has none before";
  ASSERT_EQ(read.batches.size(), 1U + 2 + 4);
  const std::vector<size_t> from = {1, 2, 2, 3, 3, 3, 3};
  std::vector<int64_t> places;
  for (size_t i = 0; i < from.size(); ++i) {
    const auto place = read.batches[i].at(data::kLabels)[0][0].item<int64_t>();
    const auto expected =
        onnx::outputs_of(graphs.decoder, batches[from[i]].tensors)[0].select(1, place);
    const auto got =
        onnx::outputs_of(*graphs.decoder_with_past, read.batches[i].tensors)[0].select(1, 0);
    EXPECT_TRUE(torch::allclose(got, expected, 1e-4, 1e-5)) << i;
    places.push_back(place);
  }
  EXPECT_EQ(places, (std::vector<int64_t>{1, 1, 2, 2, 4, 6, 8}));
}

TEST_P(QuantizedTranslators, ComputeLogitsOfTheLastWordAlone) {
  quantize(request());
  const auto file = folder_ / "int8" / kDecoderFile;
  const auto all = runner::Session::open(file),
             last = runner::Session::open(file, {.last_position = true});
  EXPECT_EQ(last->steps(), all->steps() + 1) << "the choice of the last word";
  const auto run = [](runner::Session& session) {
    auto ids = session.make(runner::DType::kInt64, {1, 3}),
         mask = session.make(runner::DType::kInt64, {1, 2});
    for (int64_t i = 0; i < 3; ++i) ids.as<int64_t>()[i] = 7 + 11 * i;
    for (int64_t i = 0; i < 2; ++i) mask.as<int64_t>()[i] = 1;
    auto hidden = session.make(runner::DType::kFloat, {1, 2, session.inputs().at(1).dims.back()});
    for (int64_t i = 0; i < hidden.count(); ++i)
      hidden.as<float>()[i] = static_cast<float>(i % 5 - 2);
    return session
        .run({{"input_ids", ids},
              {"encoder_hidden_states", hidden},
              {"encoder_attention_mask", mask}})
        .at(0);
  };
  const auto a = run(*all), b = run(*last);
  ASSERT_EQ(a.dims(), (runner::Dims{1, 3, 44}));
  ASSERT_EQ(b.dims(), (runner::Dims{1, 1, 44}));
  for (int64_t i = 0; i < 44; ++i)
    EXPECT_NEAR(b.as<float>()[i], a.as<float>()[2 * 44 + i], 1e-5f) << i;
}

TEST_P(QuantizedTranslators, WeightsOfFewerBitsSayLessOfTheSame) {
  auto coarse = request();
  coarse.options.mode = "naive";
  coarse.options.weight_bits = 4;
  const auto a = quantize(coarse), b = quantize(request());
  EXPECT_GT(a.encoder.steps.back().kl, b.encoder.steps.back().kl)
      << "what the decoder makes of the encoder's output tells them apart";
  EXPECT_GT(a.decoder.steps.back().kl, b.decoder.steps.back().kl);
}

TEST_P(QuantizedTranslators, RefuseWhatMakesNoSense) {
  auto images = request();
  images.with_preprocessing = true;
  EXPECT_THAT(error_of<UsageError>(images), HasSubstr("--with-preprocessing"));
  auto split = request();
  split.split = "test";
  EXPECT_THAT(error_of<UsageError>(split), HasSubstr("--split"));
  write_split("train", 5);
  EXPECT_THAT(error_of<DataError>(request()), HasSubstr("at least 8 pairs"));
  EXPECT_FALSE(fs::exists(folder_ / "int8" / kEncoderFile));
}

INSTANTIATE_TEST_SUITE_P(Small, QuantizedTranslators, ::testing::ValuesIn(kSmallTranslators));

}  // namespace
}  // namespace braid::onnx
