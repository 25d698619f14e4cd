// What braid-run writes with the files of a translator, against the model that they were made
// of.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "braid/export/export_encoder_decoder.h"
#include "braid/generate/search.h"
#include "braid/io/atomic_file.h"
#include "braid/models/registry.h"
#include "braid/runner/write_text.h"
#include "tests/export/small_translators.h"

namespace braid::onnx {
namespace {

class ExportedTranslators : public ::testing::TestWithParam<std::pair<const char*, const char*>> {
 protected:
  void SetUp() override {
    const auto [name, fields] = GetParam();
    folder = std::filesystem::temp_directory_path() /
             ("braid_exported_translator_" + std::string(name) + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    io::write_file_atomic(folder / "generation_config.json", R"({"max_length": 14})");
    torch::manual_seed(5);
    loaded.model = models::create_model<models::EncoderDecoder>(name, Json::parse(fields));
    {
      const torch::NoGradGuard no_grad;  // words that are likelier than others
      for (auto& p : loaded.model->parameters())
        if (p.dim() > 1) p.mul_(2);
    }
    loaded.model->eval();
    loaded.hub = models::make_hub_config(name, *loaded.model);
    export_encoder_decoder(loaded, folder, folder / "files");
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  models::LoadedEncoderDecoder loaded;
  std::filesystem::path folder;
};

TEST_P(ExportedTranslators, AreWrittenWithAsTheModelIs) {
  auto model = runner::EncoderDecoder::open(folder / "files");
  EXPECT_EQ(model.generation().max_length, 14);
  EXPECT_EQ(model.vocab_size(), loaded.model->vocab_size());
  EXPECT_EQ(model.generation().bad_words_ids,
            (std::vector<std::vector<int64_t>>{{loaded.model->pad_token_id()}}));
  using Change = std::function<void(decoding::GenerationConfig&)>;
  const std::vector<std::pair<const char*, Change>> searches = {
      {"greedy", [](auto&) {}},
      {"penalties",
       [](auto& c) {
         c.repetition_penalty = 1.3;
         c.no_repeat_ngram_size = 2;
         c.min_length = 6;
       }},
      {"two beams", [](auto& c) { c.num_beams = 2; }},
      {"early stopping",
       [](auto& c) {
         c.num_beams = 4;
         c.early_stopping = "true";
         c.length_penalty = 0.6;
       }},
      {"never stopping",
       [](auto& c) {
         c.num_beams = 3;
         c.early_stopping = "never";
         c.length_penalty = 2;
         c.forced_eos_token_id = c.eos_token_id[0];
       }},
      {"two ends", [](auto& c) {
         c.num_beams = 3;
         c.eos_token_id.push_back(20);
         c.bad_words_ids.push_back({21, 22});
       }}};
  for (const auto& [name, change] : searches) {
    auto config = model.generation();
    change(config);
    for (const auto& read : {std::vector<int64_t>{7, 30, 12, 9, loaded.model->eos_token_id()},
                             std::vector<int64_t>{41, loaded.model->eos_token_id()}}) {
      const auto ids = torch::tensor(read, torch::kLong).unsqueeze(0);
      const auto expected = generate::generate(*loaded.model, {ids, {}, {}}, config).at(0).at(0);
      const auto written = runner::write_text(model, read, config);
      EXPECT_EQ(written.ids, expected.ids) << name;
      EXPECT_NEAR(written.score, expected.score, 1e-4) << name;
    }
  }
}

TEST_P(ExportedTranslators, AreWrittenWithAlikeWithAndWithoutTheThirdFile) {
  auto three = runner::EncoderDecoder::open(folder / "files");
  ASSERT_NE(three.decoder_with_past(), nullptr);
  std::filesystem::remove(folder / "files" / kDecoderWithPastFile);
  auto two = runner::EncoderDecoder::open(folder / "files");
  EXPECT_EQ(two.decoder_with_past(), nullptr);
  for (const int64_t beams : {1, 4}) {
    auto config = two.generation();
    config.num_beams = beams;
    config.max_length = 40;  // as many as the model takes
    config.min_length = 20;
    for (int64_t seed = 0; seed < 4; ++seed) {
      const std::vector<int64_t> read = {5 + seed, 30 - 3 * seed, 12, loaded.model->eos_token_id()};
      const auto expected = runner::write_text(two, read, config);
      const auto written = runner::write_text(three, read, config);
      EXPECT_EQ(written.ids, expected.ids) << beams << " beams";
      EXPECT_NEAR(written.score, expected.score, 1e-5) << beams << " beams";
    }
  }
}

TEST_P(ExportedTranslators, ComputeLogitsOfTheLastWordAlone) {
  const auto file = folder / "files" / kDecoderFile;
  const auto all = runner::Session::open(file),
             last = runner::Session::open(file, {.last_position = true});
  EXPECT_EQ(last->steps(), all->steps() + 1) << "the choice of the last word";
}

INSTANTIATE_TEST_SUITE_P(Small, ExportedTranslators, ::testing::ValuesIn(kSmallTranslators));

}  // namespace
}  // namespace braid::onnx
