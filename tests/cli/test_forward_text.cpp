// braid forward of text encoders as its users run it: files written, exit codes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "braid/core/json.h"
#include "braid/runtime/tensor_file.h"
#include "braid/torch.h"
#include "tests/cli/program.h"

namespace braid {
namespace {

using ::testing::HasSubstr;

class ForwardText : public test::ProgramTest {
 protected:
  static constexpr const char* kFiles = " --input in.safetensors --output out.safetensors ";
  // A model of 40 words; fields: JSON without the braces.
  Result init(const std::string& fields, const std::string& more) const {
    return braid("forward bert_tiny --init 3 --model-kwargs '{\"vocab_size\": 40, " + fields +
                 "}' " + more);
  }
  void write_texts(const runtime::TensorMap& more = {}) const {
    runtime::TensorMap tensors = {
        {"input_ids", torch::tensor({{3, 9, 1, 39}, {5, 2, 0, 0}}, torch::kInt)},
        {"attention_mask", torch::tensor({{1, 1, 1, 1}, {1, 1, 0, 0}}, torch::kInt)}};
    for (const auto& [name, tensor] : more) tensors[name] = tensor;
    runtime::save_tensors(tensors, path("in.safetensors"));
  }
  runtime::TensorMap outputs() const { return runtime::load_tensors(path("out.safetensors")); }
};

TEST_F(ForwardText, AFolderSaysItsFieldsAndHead) {
  write_texts();
  const auto made = init("\"head\": \"sequence_classification\", \"num_labels\": 3",
                         std::string(kFiles) + "--save-weights saved/");
  ASSERT_EQ(made.code, 0) << made.err;
  const auto first = outputs();
  EXPECT_EQ(first.at("features").sizes(), (std::vector<int64_t>{2, 4, 128}));
  EXPECT_EQ(first.at("logits").sizes(), (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(first.at("pooled").sizes(), (std::vector<int64_t>{2, 128}));
  const auto config = read_json(path("saved/config.json"));
  EXPECT_EQ(config.at("architectures"), Json({"BertForSequenceClassification"}));
  for (const char* weights :
       {"saved", "saved/model.safetensors --model-kwargs '{\"vocab_size\": 40}'"}) {
    const std::string command = std::string("forward bert_tiny --weights ") + weights + kFiles;
    const auto again = braid(command);
    ASSERT_EQ(again.code, 0) << again.err;
    for (const auto& [name, tensor] : outputs()) EXPECT_TRUE(tensor.equal(first.at(name))) << name;
    // Where gradients are wanted, other operators may compute the same.
    ASSERT_EQ(braid(command + "--grads g.safetensors").code, 0);
    for (const auto& [name, tensor] : outputs())
      EXPECT_TRUE(tensor.allclose(first.at(name), 1e-5, 1e-5)) << name;
  }
  const auto gradients = runtime::load_tensors(path("g.safetensors"));
  const auto saved = runtime::load_tensors(path("saved/model.safetensors"));
  EXPECT_EQ(gradients.size(), saved.size());
  for (const auto& [name, gradient] : gradients)
    EXPECT_EQ(gradient.sizes(), saved.at(name).sizes()) << name;
  EXPECT_GT(gradients.at("classifier.weight").abs().max().item<float>(), 0);
}

TEST_F(ForwardText, PretrainingSaysWhetherTheSecondTextFollows) {
  write_texts({{"token_type_ids", torch::tensor({{0, 0, 1, 1}, {0, 1, 0, 0}}, torch::kLong)}});
  const auto made =
      init("\"head\": \"pretraining\"", std::string(kFiles) + "--grads g.safetensors");
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_EQ(outputs().at("logits").sizes(), (std::vector<int64_t>{2, 4, 40}));
  EXPECT_EQ(outputs().at("seq_relationship_logits").sizes(), (std::vector<int64_t>{2, 2}));
  const auto gradients = runtime::load_tensors(path("g.safetensors"));
  for (const char* name :
       {"cls.seq_relationship.weight", "bert.pooler.dense.weight", "cls.predictions.bias"})
    EXPECT_GT(gradients.at(name).abs().max().item<float>(), 0) << name;
}

TEST_F(ForwardText, RefusesOtherInputs) {
  write_texts({{"labels", torch::zeros({2}, torch::kLong)}});
  auto refused = init("\"head\": \"none\"", kFiles);
  EXPECT_EQ(refused.code, 65);
  EXPECT_THAT(refused.err, HasSubstr("'labels'"));
  runtime::save_tensors({{"input", torch::ones({1, 3, 8, 8})}}, path("in.safetensors"));
  EXPECT_EQ(init("\"head\": \"none\"", kFiles).code, 65);
  runtime::save_tensors({{"input_ids", torch::tensor({1, 40}, torch::kLong).unsqueeze(0)}},
                        path("in.safetensors"));
  refused = init("\"head\": \"none\"", kFiles);
  EXPECT_EQ(refused.code, 65);
  EXPECT_THAT(refused.err, HasSubstr("40 (row 0, position 1)"));
  EXPECT_EQ(init("\"head\": \"none\"", std::string(kFiles) + "--img-size 32").code, 64);
  EXPECT_EQ(init("\"head\": \"tail\"", kFiles).code, 78);
}

TEST_F(ForwardText, RowsBeyondThePositionsAreRefusedUnlessTheyMayBeCut) {
  const std::string fields = R"("head": "none", "max_position_embeddings": 3)";
  write_texts();
  const auto refused = init(fields, kFiles);
  EXPECT_EQ(refused.code, 65);
  EXPECT_THAT(refused.err, HasSubstr("at most 3 tokens, got 4 (row 0)"));
  EXPECT_THAT(refused.err, HasSubstr("--truncate"));
  const auto cut = init(fields, std::string(kFiles) + "--truncate");
  ASSERT_EQ(cut.code, 0) << cut.err;
  EXPECT_THAT(cut.err, HasSubstr("1 of 2 rows of input_ids is cut to 3 tokens."));
  const auto features = outputs().at("features");
  runtime::save_tensors({{"input_ids", torch::tensor({{3, 9, 39}, {5, 2, 0}}, torch::kInt)},
                         {"attention_mask", torch::tensor({{1, 1, 1}, {1, 1, 0}}, torch::kInt)}},
                        path("in.safetensors"));
  ASSERT_EQ(init(fields, kFiles).code, 0);
  EXPECT_TRUE(outputs().at("features").equal(features)) << "the first and the last token";
}

TEST_F(ForwardText, RefusesAFolderOfAnotherFamily) {
  write_texts();
  ASSERT_EQ(init("\"head\": \"none\"", "--save-weights saved/").code, 0);
  for (const char* name : {"distilbert_base", "electra_small"}) {  // whose fields include BERT's
    const auto refused = braid(std::string("forward ") + name + " --weights saved" + kFiles);
    EXPECT_EQ(refused.code, 65);
    EXPECT_THAT(refused.err, HasSubstr("bert_tiny"));
  }
}

}  // namespace
}  // namespace braid
