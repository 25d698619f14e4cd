// The written files of models that write texts, read back field by field.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "braid/core/error.h"
#include "braid/export/encoder_decoder_graphs.h"
#include "braid/export/export_encoder_decoder.h"
#include "braid/io/atomic_file.h"
#include "braid/models/registry.h"
#include "tests/export/read_model.h"
#include "tests/export/small_translators.h"

namespace braid::onnx {
namespace {

using Dimensions = std::vector<std::string>;

class Pairs : public ::testing::TestWithParam<std::pair<const char*, const char*>> {
 protected:
  void SetUp() override {
    const auto [name, fields] = GetParam();
    loaded.model = models::create_model<models::EncoderDecoder>(name, Json::parse(fields));
    loaded.model->eval();
    loaded.hub = models::make_hub_config(name, *loaded.model);
    folder = std::filesystem::temp_directory_path() /
             ("braid_onnx_pair_" + std::string(name) + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  models::LoadedEncoderDecoder loaded;
  std::filesystem::path folder;
};

TEST_P(Pairs, AreWholeFilesFreeInBatchAndBothLengths) {
  const auto report = export_encoder_decoder(loaded, {}, folder / "new");
  EXPECT_LT(report.encoder.relative_error, 2e-5);
  EXPECT_LT(report.decoder.relative_error, 2e-5);
  const auto encoder = read_file(folder / "new/encoder_model.onnx");
  const auto decoder = read_file(folder / "new/decoder_model.onnx");
  expect_ordered(encoder);
  expect_ordered(decoder);
  const Dimensions text = {"batch", "sequence"};
  EXPECT_EQ(encoder.inputs,
            (std::map<std::string, Dimensions>{{"input_ids", text}, {"attention_mask", text}}));
  EXPECT_EQ(encoder.outputs.at("last_hidden_state"), (Dimensions{"batch", "sequence", "32"}));
  EXPECT_EQ(decoder.inputs, (std::map<std::string, Dimensions>{
                                {"input_ids", text},
                                {"encoder_hidden_states", {"batch", "encoder_sequence", "32"}},
                                {"encoder_attention_mask", {"batch", "encoder_sequence"}}}));
  EXPECT_EQ(decoder.outputs.at("logits"), (Dimensions{"batch", "sequence", "44"}));
  int64_t tables = 0;
  for (const auto& item : decoder.initializers)
    tables += item.second.first == std::vector<int64_t>{44, 32} ||
              item.second.first == std::vector<int64_t>{32, 44};
  EXPECT_EQ(tables, 1) << "the embeddings of words are the last layer too";
  EXPECT_EQ(report.decoder.input,
            "input_ids NxL, encoder_hidden_states NxMx32, encoder_attention_mask NxM");
}

TEST_P(Pairs, HaveAThirdFileThatGoesOn) {
  const auto report = export_encoder_decoder(loaded, {}, folder / "new");
  ASSERT_TRUE(report.decoder_with_past);
  EXPECT_LT(report.decoder_with_past->relative_error, 2e-5);
  ASSERT_TRUE(report.decoder_with_past->file_relative_error) << "braid-run ran the file";
  EXPECT_LT(*report.decoder_with_past->file_relative_error, 2e-5);
  const auto decoder = read_file(folder / "new/decoder_model.onnx");
  const auto next = read_file(folder / "new/decoder_with_past_model.onnx");
  expect_ordered(next);
  const std::string name = GetParam().first;
  const std::string kept = name == "lightconv_tiny" ? "0.decoder.conv" : "0.decoder.key";
  const std::string heads = name == "lightconv_tiny" ? "1" : "4";
  const std::string dim = name == "transformer_tiny" ? "8" : name == "lightconv_tiny" ? "32" : "4";
  EXPECT_EQ(decoder.outputs.at("present." + kept), (Dimensions{"batch", heads, "sequence", dim}));
  EXPECT_EQ(decoder.outputs.at("present.0.encoder.value"),
            (Dimensions{"batch", "4", "encoder_sequence", "8"}));
  EXPECT_EQ(next.inputs.at("input_ids"), (Dimensions{"batch", "1"}));
  EXPECT_EQ(next.inputs.at("encoder_attention_mask"), (Dimensions{"batch", "encoder_sequence"}));
  EXPECT_EQ(next.inputs.at("past_key_values." + kept),
            (Dimensions{"batch", heads, "past_sequence", dim}));
  EXPECT_EQ(next.inputs.at("past_key_values.0.encoder.key"),
            (Dimensions{"batch", "4", "encoder_sequence", "8"}));
  EXPECT_FALSE(next.inputs.contains("encoder_hidden_states"));
  EXPECT_EQ(next.outputs.at("logits"), (Dimensions{"batch", "1", "44"}));
  EXPECT_EQ(next.outputs.at("present." + kept),
            (Dimensions{"batch", heads, "past_sequence + 1", dim}));
  EXPECT_FALSE(next.outputs.contains("present.0.encoder.key")) << "stays as it is";
  EXPECT_EQ(next.metadata.at("part"), "decoder_with_past");
}

TEST_P(Pairs, CarryWhatATranslationNeeds) {
  io::write_file_atomic(folder / "vocab.txt", "[PAD]\n[UNK]\n");
  io::write_file_atomic(folder / "target.spm", "pieces");
  io::write_file_atomic(folder / "tokenizer_config.json", R"({"model_max_length": 24})");
  io::write_file_atomic(folder / "generation_config.json", R"({"max_length": 17, "num_beams": 3})");
  const auto options = onnx_options(loaded, folder);
  EXPECT_EQ(options.encoder.metadata.at("part"), "encoder");
  EXPECT_EQ(options.decoder.metadata.at("part"), "decoder");
  for (const auto* one : {&options.encoder, &options.decoder}) {
    const auto& metadata = one->metadata;
    EXPECT_EQ(metadata.at("pad_token_id"), std::to_string(loaded.model->pad_token_id()));
    EXPECT_EQ(metadata.at("eos_token_id"), std::to_string(loaded.model->eos_token_id()));
    EXPECT_EQ(metadata.at("decoder_start_token_id"),
              std::to_string(loaded.model->decoder_start_token_id()));
    EXPECT_EQ(metadata.at("max_length"), "40") << "as `braid translate` cuts";
    EXPECT_EQ(metadata.at("vocab.txt"), "[PAD]\n[UNK]\n");
    EXPECT_EQ(metadata.at("target.spm;base64"), "cGllY2Vz");
    const Json generation = Json::parse(metadata.at("generation_config"));
    EXPECT_EQ(generation.at("max_length"), 17);
    EXPECT_EQ(generation.at("num_beams"), 3);
    EXPECT_EQ(generation.at("bad_words_ids"), (Json{{loaded.model->pad_token_id()}}));
  }
}

INSTANTIATE_TEST_SUITE_P(Small, Pairs, ::testing::ValuesIn(kSmallTranslators));

}  // namespace
}  // namespace braid::onnx
