// Graphs of texts: the length is free beside the batch.
#include <ATen/CPUGeneratorImpl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "braid/core/error.h"
#include "braid/graph/capture.h"
#include "braid/graph/passes/passes.h"
#include "braid/graph/replay.h"
#include "braid/models/registry.h"
#include "braid/runtime/eval_scope.h"

namespace braid::graph {
namespace {

using ::testing::HasSubstr;
using Tensors = CaptureRequest::Tensors;

models::TextEncoderPtr small_encoder(const std::string& name, models::TextHead head) {
  auto model = models::create_model<models::TextEncoder>(
      name, {{"vocab_size", 50}, {"head", models::to_string(head)}, {"num_labels", 3}}, 1);
  model->eval();
  return model;
}

// x: [N,L,4]
Graph capture_sequence(const std::function<torch::Tensor(const torch::Tensor&)>& run) {
  return capture({.run = [run](const Tensors& x) { return Tensors{run(x.at(0))}; },
                  .example =
                      [](Sizes sizes) {
                        return Tensors{torch::randn({sizes.batch, sizes.length, 4})};
                      },
                  .module = nullptr,
                  .input_names = {"x"},
                  .output_names = {"y"},
                  .max_length = 0});
}

std::string output_shape(const Graph& graph) {
  return to_text(graph.at(graph.outputs.at(0)).shape);
}

class SmallEncoders : public ::testing::TestWithParam<std::string> {};

TEST_P(SmallEncoders, ReplayEqualsTheModelToTheBitAtOtherSizes) {
  const auto model = small_encoder(GetParam(), models::TextHead::kSequenceClassification);
  const auto graph = capture(*model);
  EXPECT_EQ(output_shape(graph), "Nx3");
  const runtime::EvalScope scope(*model);
  for (const Sizes sizes : {Sizes(1, 1), Sizes(5, 29)}) {
    const auto texts = example_texts(*model, sizes, at::make_generator<at::CPUGeneratorImpl>(3));
    const Tensors inputs(texts.begin(), texts.begin() + static_cast<int64_t>(graph.inputs.size()));
    EXPECT_TRUE(torch::equal(replay(graph, inputs).at(0),
                             model->forward({texts.at(0), texts.at(1), texts.at(2)})))
        << sizes.batch << " texts of " << sizes.length;
  }
}

TEST_P(SmallEncoders, SimplifiedItComputesTheSame) {
  const auto model = small_encoder(GetParam(), models::TextHead::kNone);
  auto graph = capture(*model);
  EXPECT_EQ(graph.at(graph.outputs.at(0)).name, "last_hidden_state");
  const auto texts = example_texts(*model, {2, 21}, at::make_generator<at::CPUGeneratorImpl>(3));
  const Tensors inputs(texts.begin(), texts.begin() + static_cast<int64_t>(graph.inputs.size()));
  const auto expected = replay(graph, inputs).at(0);
  simplify(graph);
  EXPECT_TRUE(torch::allclose(replay(graph, inputs).at(0), expected, 1e-4, 1e-5));
}

// Nor is there a second text for every model.
TEST(CaptureText, NeedsNoSecondText) {
  for (const char* name : {"bert_tiny", "braidtext:embed=16(type_vocab_size=1)|T1x16h2"}) {
    Json fields = {{"vocab_size", 60}};
    if (std::string(name) == "bert_tiny")
      fields.update({{"hidden_size", 16}, {"num_attention_heads", 2}, {"type_vocab_size", 1}});
    const auto model = models::create_model<models::TextEncoder>(name, fields);
    EXPECT_EQ(model->token_types(), 1) << name;
    const auto graph = capture(*model);
    EXPECT_EQ(graph.inputs.size(), 3u) << name;
  }
}

// What stands behind a text is hidden by the mask, so that any word can fill rows up.
TEST(CaptureText, NeedsNoPaddingToken) {
  auto model = models::create_model<models::TextEncoder>("bert_tiny", {{"vocab_size", 60},
                                                                       {"hidden_size", 16},
                                                                       {"num_attention_heads", 2},
                                                                       {"intermediate_size", 16},
                                                                       {"pad_token_id", -1}});
  const auto graph = capture(*model);
  const runtime::EvalScope scope(*model);
  const auto texts = example_texts(*model, {3, 9}, at::make_generator<at::CPUGeneratorImpl>(3));
  EXPECT_EQ(texts.at(0).min().item<int64_t>(), 0);
  EXPECT_TRUE(torch::equal(replay(graph, texts).at(0),
                           model->forward({texts.at(0), texts.at(1), texts.at(2)})));
}

// Positions added, in the attention's scores, by a skewed table; kernels that follow the text.
INSTANTIATE_TEST_SUITE_P(Families, SmallEncoders,
                         ::testing::Values("bert_tiny", "textcnn_small", "lightconv_encoder_tiny",
                                           "dynamicconv_encoder_small",
                                           "wav2vec2_conformer_text_tiny", "braidtext"));

TEST(CaptureText, OnlyInputsThatTheModelReads) {
  const auto bert = capture(*small_encoder("bert_tiny", models::TextHead::kNone));
  ASSERT_EQ(bert.inputs.size(), 3u);
  EXPECT_EQ(bert.at(bert.inputs[2]).name, "token_type_ids");
  EXPECT_EQ(to_text(bert.at(bert.inputs[0]).shape), "NxL");
  EXPECT_EQ(capture(*small_encoder("textcnn_small", models::TextHead::kNone)).inputs.size(), 2u);
}

TEST(CaptureText, IntegersFollowBatchAndLength) {
  EXPECT_EQ(output_shape(capture_sequence([](const torch::Tensor& x) { return x.flatten(); })),
            "4NL");
  EXPECT_EQ(output_shape(capture_sequence([](const torch::Tensor& x) {
              return torch::cat({x, x.narrow(1, 0, 3)}, 1).repeat({2, 1, 1});
            })),
            "2NxL+3x4");
  EXPECT_EQ(output_shape(capture_sequence([](const torch::Tensor& x) {
              return x.matmul(x.transpose(1, 2)).flatten(1);  // [N,L*L]
            })),
            "NxLL");
}

TEST(CaptureText, RefusesLengthsThatAreRounded) {
  try {
    capture_sequence([](const torch::Tensor& x) { return x.narrow(1, 0, x.size(1) / 4); });
    FAIL() << "was captured";
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("whole numbers"));
    EXPECT_THAT(e.what(), HasSubstr("aten::narrow"));
  }
}

TEST(CaptureText, RefusesDecisionsByTheLength) {
  EXPECT_THROW(
      capture_sequence([](const torch::Tensor& x) { return x.size(1) > 7 ? x.exp() : x.relu(); }),
      DataError);
}

}  // namespace
}  // namespace braid::graph
