// Text encoders in 8 bits, from labelled, plain and tagged texts.
#include <ATen/CPUGeneratorImpl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "braid/compress/quantize.h"
#include "braid/core/error.h"
#include "braid/export/calibration_texts.h"
#include "braid/export/onnx/export_onnx.h"
#include "braid/export/quantize_text_model.h"
#include "braid/graph/capture.h"
#include "braid/graph/passes/passes.h"
#include "braid/io/atomic_file.h"
#include "braid/models/registry.h"
#include "braid/models/text/text_checkpoint.h"
#include "braid/tasks/text/length_file.h"
#include "braid/text/tokenizer_files.h"
#include "tests/models/narrow_encoder.h"

namespace braid::onnx {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr int64_t kLongest = 12;

class QuantizeTexts : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("braid_quantize_texts" + std::to_string(::getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  // A checkpoint with a vocabulary of words, and the texts that it was made for.
  tasks::TokenizedModel model(const std::string& name, Json fields,
                              const std::string& head = "sequence_classification") {
    fields.update({{"head", head}, {"num_labels", 2}, {"vocab_size", 400}});
    models::LoadedTextEncoder loaded;
    loaded.model = models::create_model<models::TextEncoder>(name, fields, 1);
    const torch::NoGradGuard no_grad;
    torch::manual_seed(1);
    for (auto& parameter : loaded.model->parameters())
      parameter.add_(torch::randn_like(parameter), 0.05);
    loaded.hub = models::make_hub_config(name, *loaded.model);
    loaded.hub.classes = {"bad", "good"};
    models::save_text_model(*loaded.model, loaded.hub, checkpoint());
    std::string vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
    for (int i = 5; i < 400; ++i) vocabulary += word(i) + "\n";
    write("checkpoint/vocab.txt", vocabulary);
    tasks::write_max_length(checkpoint(), kLongest);
    return tasks::load_tokenized_model(checkpoint());
  }
  tasks::TokenizedModel textcnn() {
    return model("textcnn_small", {{"embed_dim", 64}, {"num_filters", 8}});
  }
  fs::path checkpoint() const { return folder_ / "checkpoint"; }
  static std::string word(int i) { return "w" + std::to_string(i); }
  static std::string line(int i) {
    std::string text = word(5 + i % 390);
    for (int k = 1; k < 1 + i % 15; ++k) text += " " + word(5 + (i * 7 + k * 31) % 390);
    return text;
  }
  // Texts of 1 to 15 words: the longest ones are cut.
  std::string labelled(const std::string& first = "bad", const std::string& second = "good") {
    std::string rows;
    for (int i = 0; i < 120; ++i) rows += line(i) + "\t" + (i % 2 == 0 ? first : second) + "\n";
    return write("reviews.tsv", rows);
  }
  std::string write(const std::string& name, const std::string& bytes) {
    fs::create_directories((folder_ / name).parent_path());
    io::write_file_atomic(folder_ / name, bytes);
    return (folder_ / name).string();
  }
  std::string plain(int lines) {
    std::string text;
    for (int i = 0; i < lines; ++i) text += line(i) + "\n";
    return write("plain.txt", text);
  }
  QuantizeReport quantize(const tasks::TokenizedModel& loaded, const QuantizeRequest& request) {
    return quantize_text_model(loaded, checkpoint(), folder_ / "x.onnx", request, silent_);
  }
  template <class ErrorType>
  std::string error_of(const tasks::TokenizedModel& loaded, const std::string& data,
                       const std::string& split = "auto") {
    try {
      quantize(loaded, {.data = data, .split = split});
    } catch (const ErrorType& error) {
      EXPECT_FALSE(fs::exists(folder_ / "x.onnx"));
      return error.what();
    }
    ADD_FAILURE() << "nothing was thrown";
    return "";
  }

  fs::path folder_;
  Progress silent_;
};

TEST_F(QuantizeTexts, EveryFamilyIsAQuarterOfItsSizeAndKeepsItsClasses) {
  const Json small = {{"hidden_size", 64},
                      {"num_attention_heads", 4},
                      {"intermediate_size", 128},
                      {"num_hidden_layers", 2},
                      {"max_position_embeddings", 32}};
  Json conv = small;
  conv["embedding_size"] = 64;
  const std::map<std::string, Json> models = {
      {"textcnn_small", {{"embed_dim", 64}, {"num_filters", 48}}},
      {"bert_tiny", small},
      {"convbert_small", conv}};
  const auto data = labelled();
  for (const auto& [name, fields] : models) {
    const auto loaded = model(name, fields);
    const auto report = quantize(loaded, {.data = data, .workers = 0});
    EXPECT_EQ(report.split, "val");
    EXPECT_EQ(report.count, 12) << "a tenth of the texts";
    EXPECT_EQ(report.samples, 108);
    EXPECT_EQ(report.bytes, static_cast<int64_t>(fs::file_size(folder_ / "x.onnx")));
    EXPECT_LT(report.size_ratio, name == "textcnn_small" ? 0.32 : 0.4) << name;
    EXPECT_GE(report.agreement, 90) << name;
    EXPECT_LE(*report.drop, 10) << name;
    EXPECT_EQ(report.steps.at(1).step, "naive");
  }
}

TEST_F(QuantizeTexts, PlainLinesCalibrateWithoutLabels) {
  const auto report = quantize(textcnn(), {.data = plain(80), .workers = 0});
  EXPECT_EQ(report.samples, 60);
  EXPECT_EQ(report.count, 20);
  EXPECT_FALSE(report.top1);
  EXPECT_THAT(report.remarks, testing::Contains(HasSubstr("have no labels")));
  EXPECT_THAT(report.remarks, testing::Contains(HasSubstr("what is longer is cut")));
  EXPECT_THAT(report.remarks, testing::Contains(HasSubstr("60 texts calibrate: few")));
}

TEST_F(QuantizeTexts, WordsThatAreTagged) {
  const auto loaded =
      model("bert_tiny", {{"hidden_size", 64}, {"num_attention_heads", 4}}, "token_classification");
  std::string rows;
  for (int i = 0; i < 60; ++i)
    rows += word(5 + i) + " bad\n" + word(90 + i) + " good\n" + word(40 + i) + " bad\n\n";
  const auto report = quantize(loaded, {.data = write("words.conll", rows), .workers = 0});
  EXPECT_EQ(report.samples, 54);
  EXPECT_EQ(report.count, 18) << "words of six sentences";
  EXPECT_TRUE(report.top1);
  EXPECT_GE(report.agreement, 80);
  EXPECT_EQ(quantize(loaded, {.data = plain(40)}).samples, 30) << "plain lines do as well";
}

TEST_F(QuantizeTexts, RefuseWhatCannotCalibrate) {
  const auto loaded = textcnn();
  EXPECT_THAT(error_of<DataError>(loaded, plain(9)), HasSubstr("7 of them"));
  std::string unknown;
  for (int i = 0; i < 60; ++i) unknown += "never seen " + std::to_string(i) + "\n";
  EXPECT_THAT(error_of<DataError>(loaded, write("unknown.txt", unknown)),
              HasSubstr("unknown tokens only"));
  std::string empty;
  for (int i = 0; i < 60; ++i)
    empty += (i % 2 == 0 ? "{\"text\": \"\", \"label\": \"bad\"}\n"
                         : "{\"text\": \"\", \"label\": \"good\"}\n");
  EXPECT_THAT(error_of<DataError>(loaded, write("empty.jsonl", empty)), HasSubstr("empty"));
  EXPECT_THAT(error_of<DataError>(loaded, write("none.txt", "\n\n")), HasSubstr("got"));
  EXPECT_THAT(error_of<DataError>(loaded, labelled("bad", "splendid")), HasSubstr("splendid"));
  EXPECT_THAT(error_of<DataError>(loaded, labelled(), "test"), HasSubstr("no test split"));
  EXPECT_THAT(error_of<DataError>(loaded, write("tags.conll", "a B-X\nb O\n")),
              HasSubstr("got tagged text"));
  EXPECT_THROW(quantize(loaded, {.data = (folder_ / "nowhere").string()}), IoError);
  EXPECT_THROW(quantize(loaded, {.data = labelled(), .with_preprocessing = true}), UsageError);
}

TEST_F(QuantizeTexts, RefuseAModelWithoutClasses) {
  const auto loaded = model("bert_tiny", {{"hidden_size", 32}, {"num_attention_heads", 2}}, "none");
  EXPECT_THAT(error_of<DataError>(loaded, labelled()), HasSubstr("classifier of texts"));
}

// Two layers and narrow heads of every kind of encoder: all its operators have a place in 8 bits,
// and a translation.
class EveryEncoder : public ::testing::TestWithParam<const char*> {
 protected:
  static models::TextEncoderPtr make() {
    const auto fields = models::narrow_encoder_fields(
        GetParam(), {{"head", "sequence_classification"}, {"num_labels", 3}, {"vocab_size", 70}});
    auto model = models::create_model<models::TextEncoder>(GetParam(), fields, 1);
    model->eval();
    return model;
  }
};

TEST_P(EveryEncoder, IsQuantizedAndTranslated) {
  const auto model = make();
  auto graph = graph::capture(*model);
  graph::simplify(graph);
  const auto texts = [&](graph::Sizes sizes, bool padded) {
    const auto all =
        graph::example_texts(*model, sizes, at::make_generator<at::CPUGeneratorImpl>(7));
    compress::Inputs inputs;
    for (const graph::ValueId id : graph.inputs) {
      const auto& name = graph.at(id).name;
      const bool is_mask = name == data::kAttentionMask;
      inputs.push_back(name == data::kInputIds ? all[0]
                       : !is_mask              ? all[2]
                       : padded                ? all[1]
                                               : torch::ones_like(all[1]));
    }
    return inputs;
  };
  const compress::Judge judge(graph, {.batches = {texts({16, 11}, true)}});
  Progress silent;
  for (const char* mode : {"best", "naive"}) {
    const auto out = compress::quantize(graph, {texts({8, 9}, false), texts({8, 13}, false)}, judge,
                                        {.mode = mode, .max_drop = 100}, silent);
    EXPECT_GT(out.units, 3);
    EXPECT_LT(out.quality.error, std::string(mode) == "best" ? 0.2 : 0.5) << mode;
    EXPECT_LT(export_onnx(out.graph, {}).size(), export_onnx(graph, {}).size());
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, EveryEncoder,
                         ::testing::Values("textcnn_small", "bert_tiny", "bert_tiny_cnn",
                                           "conv_stem_bert_mini", "convbert_small",
                                           "distilbert_base", "electra_small",
                                           "lightconv_encoder_tiny", "lite_transformer_encoder_160",
                                           "dynamicconv_encoder_small",
                                           "wav2vec2_conformer_text_tiny",
                                           "wav2vec2_conformer_text_rotary_small"));

// Padding must not enter ranges.
TEST_F(QuantizeTexts, CalibrateInBatchesWithoutPadding) {
  const auto loaded = textcnn();
  const auto data = open_calibration_texts(loaded, {.data = labelled(), .workers = 0}, silent_);
  int64_t texts = 0;
  std::set<int64_t> lengths;
  for (const auto& batch : data.calibration) {
    EXPECT_TRUE(batch.at(data::kAttentionMask).eq(1).all().item<bool>());
    lengths.insert(batch.at(data::kInputIds).size(1));
    texts += batch.size();
  }
  EXPECT_EQ(texts, 108);
  EXPECT_GE(lengths.size(), 8U);
  EXPECT_EQ(*lengths.rbegin(), kLongest) << "cut as in training";
  // Those that judge have padding, as in evaluation.
  ASSERT_EQ(data.judged.size(), 1U);
  EXPECT_TRUE(data.judged[0].at(data::kAttentionMask).eq(0).any().item<bool>());
  EXPECT_EQ(data.judged[0]
                .at(data::kInputIds)
                .masked_select(data.judged[0].at(data::kAttentionMask).eq(0))
                .sum()
                .item<int64_t>(),
            0);
}

}  // namespace
}  // namespace braid::onnx
