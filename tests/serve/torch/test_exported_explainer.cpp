// Exported classifiers of texts say why, without gradients: against LibTorch, which loses a word.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <string>

#include "braid/core/error.h"
#include "braid/export/export_text_model.h"
#include "braid/io/atomic_file.h"
#include "braid/models/registry.h"
#include "braid/models/text/text_checkpoint.h"
#include "braid/serve/torch/load_model.h"

namespace braid::serve {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using Words = std::vector<std::string>;

class ExplainedFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("braid_explained_files_" + std::to_string(::getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    torch::manual_seed(3);
    models::LoadedTextEncoder loaded;
    loaded.model =
        models::create_model<models::TextEncoder>("bert_tiny", {{"head", "sequence_classification"},
                                                                {"num_labels", 3},
                                                                {"vocab_size", 9},
                                                                {"hidden_size", 32},
                                                                {"num_attention_heads", 2},
                                                                {"intermediate_size", 64},
                                                                {"max_position_embeddings", 12}});
    {
      const torch::NoGradGuard no_grad;
      for (auto& parameter : loaded.model->parameters())
        parameter.add_(torch::randn_like(parameter), 0.1);
    }
    loaded.model->eval();
    loaded.hub = models::make_hub_config("bert_tiny", *loaded.model);
    loaded.hub.classes = {"bad", "fair", "good"};
    models::save_text_model(*loaded.model, loaded.hub, checkpoint());
    io::write_file_atomic(folder_ / "run" / "vocab.txt",
                          "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nfine\nlong\nfilm\n");
    onnx::export_text_model(loaded, checkpoint(), file());
    loaded.hub.text_pairs = true;
    onnx::export_text_model(loaded, checkpoint(), file_of_pairs());
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string checkpoint() const { return (folder_ / "run").string(); }
  std::string file() const { return (folder_ / "run.onnx").string(); }
  std::string file_of_pairs() const { return (folder_ / "pairs.onnx").string(); }
  static std::unique_ptr<Model> load(const std::string& source, const std::string& engine,
                                     bool truncate = true) {
    Progress silent;
    return load_model(
        source, {.engine = engine, .dtype = "float32", .threads = 1, .truncate = truncate}, silent);
  }
  // BYTES [N] of what outlives the tensor.
  static Tensor bytes(const Words& elements) {
    Tensor tensor{
        .name = "text", .type = DataType::kBytes, .shape = {static_cast<int64_t>(elements.size())}};
    tensor.elements.assign(elements.begin(), elements.end());
    return tensor;
  }
  static Explanation explain(const Model& model, const std::string& text) {
    const Words one = {text};
    return model.explainer->explain(bytes(one));
  }

  fs::path folder_;
};

TEST_F(ExplainedFiles, AWordIsWorthWhatTheLogitLosesWithoutIt) {
  const auto served = load(file(), "braid-run"), torch = load(checkpoint(), "libtorch");
  ASSERT_TRUE(served->explainer);
  const auto why = explain(*served, "a fine film");
  EXPECT_EQ(why.method, "occlusion");
  ASSERT_EQ(why.tokens.size(), 5U);  // [CLS] a fine film [SEP]
  const Words texts = {"a fine film", "[MASK] fine film", "a [MASK] film", "a fine [MASK]"};
  const auto logits =
      values_of<float>(torch->engine->infer(torch->preparation->prepare(bytes(texts))).at(0));
  ASSERT_EQ(logits.size(), 12U);
  const auto k = static_cast<size_t>(why.class_index);
  EXPECT_EQ(*std::max_element(logits.begin(), logits.begin() + 3), logits[k]);
  for (size_t i = 1; i <= 3; ++i)
    EXPECT_NEAR(why.tokens[i].attribution, logits[k] - logits[3 * i + k], 1e-3) << i;
  EXPECT_NE(why.tokens[1].attribution, why.tokens[2].attribution);
  EXPECT_EQ(why.tokens[0].attribution, 0);
  EXPECT_FALSE(why.tokens[0].sequence);
  EXPECT_EQ(why.tokens[3].token, "film");
  EXPECT_EQ(why.tokens[3].sequence, 0);
  EXPECT_EQ(why.tokens[3].start, 7);
  EXPECT_EQ(why.tokens[3].end, 11);
}

// The weights are the same, so that the types of tokens alone tell the two files apart.
TEST_F(ExplainedFiles, OfPairsTakeTwoTextsInOne) {
  const auto one = load(file(), "braid-run"), two = load(file_of_pairs(), "braid-run");
  EXPECT_FALSE(one->pairs);
  EXPECT_TRUE(two->pairs);
  const Words pairs = {"a fine film\tlong", R"({"text": "a fine film", "text_pair": "long"})"};
  const auto tensors = two->preparation->prepare(bytes(pairs));
  const auto types = std::ranges::find(tensors, "token_type_ids", &Tensor::name);
  ASSERT_NE(types, tensors.end());
  EXPECT_EQ(values_of<int64_t>(*types),
            (std::vector<int64_t>{0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 1, 1}));
  const auto why = explain(*two, pairs[0]);
  ASSERT_EQ(why.tokens.size(), 7U);  // [CLS] a fine film [SEP] long [SEP]
  EXPECT_EQ(why.tokens[5].token, "long");
  EXPECT_EQ(why.tokens[5].sequence, 1);
  EXPECT_EQ(why.tokens[5].start, 0);
  EXPECT_EQ(why.tokens[5].end, 4);
  const auto refuses = [](const Model& model, const std::string& text, const char* word) {
    const Words texts = {text};
    for (const auto& ask : std::vector<std::function<void()>>{
             [&] { model.preparation->prepare(bytes(texts)); }, [&] { explain(model, text); }})
      try {
        ask();
        FAIL() << "it was taken: " << text;
      } catch (const DataError& e) {
        EXPECT_THAT(e.what(), HasSubstr(word));
        EXPECT_THAT(e.what(), HasSubstr("text[0]"));
      }
  };
  refuses(*two, "a fine film", "got one");
  refuses(*one, pairs[1], "got two");
}

TEST_F(ExplainedFiles, SaysWhatItLeavesOutAndRefusesWhatItCannotExplain) {
  const auto served = load(file(), "braid-run");
  std::string long_text = "a";
  for (int i = 0; i < 20; ++i) long_text += " film";
  const auto cut = explain(*served, long_text);
  EXPECT_EQ(cut.tokens.size(), 12U);
  EXPECT_EQ(cut.truncated, 11);
  const auto strict = load(file(), "braid-run", false);
  EXPECT_THROW(explain(*strict, long_text), DataError);
  EXPECT_THROW(explain(*served, ""), DataError);
}

TEST_F(ExplainedFiles, AreThoseThatAreServed) {
  const auto served = load(file(), "braid-run");
  io::write_file_atomic(file(), "another file");
  try {
    explain(*served, "a film");
    FAIL() << "it was explained";
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("load the model again"));
  }
}

}  // namespace
}  // namespace braid::serve
