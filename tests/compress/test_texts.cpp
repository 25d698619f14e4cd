// Graphs of texts: tables, masks that follow the input, batches of several lengths.
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "braid/compress/calibrate.h"
#include "braid/compress/decompose_attention.h"
#include "braid/compress/insert_qdq.h"
#include "braid/compress/layer.h"
#include "braid/compress/placement.h"
#include "braid/compress/quantize.h"
#include "braid/compress/ranges.h"
#include "braid/graph/capture_encoder_decoder.h"
#include "braid/graph/passes/passes.h"
#include "braid/graph/replay.h"
#include "braid/models/registry.h"
#include "tests/compress/graphs.h"

namespace braid::compress {
namespace {

constexpr float kHidden = -std::numeric_limits<float>::infinity();

models::TextEncoderPtr encoder(const std::string& name, const Json& fields) {
  Json all = {{"vocab_size", 60}, {"head", "sequence_classification"}, {"num_labels", 3}};
  all.update(fields);
  auto model = models::create_model<models::TextEncoder>(name, all, 2);
  const torch::NoGradGuard no_grad;
  torch::manual_seed(2);
  for (auto& parameter : model->parameters()) parameter.add_(torch::randn_like(parameter), 0.1);
  model->eval();
  return model;
}
models::TextEncoderPtr small_bert() {
  return encoder("bert_tiny",
                 {{"hidden_size", 32}, {"num_attention_heads", 2}, {"intermediate_size", 48}});
}
models::TextEncoderPtr small_convbert() {
  return encoder("convbert_small", {{"num_hidden_layers", 2},
                                    {"hidden_size", 64},
                                    {"embedding_size", 24},
                                    {"num_attention_heads", 4},
                                    {"intermediate_size", 48}});
}
models::TextEncoderPtr small_textcnn() {
  return encoder("textcnn_small", {{"embed_dim", 24}, {"num_filters", 8}});
}

Graph captured(models::TextEncoder& model) {
  auto graph = graph::capture(model);
  graph::simplify(graph);
  return graph;
}

// Of these sizes; the later rows end in padding, where padded.
Inputs texts(const models::TextEncoder& model, const Graph& graph, graph::Sizes sizes,
             uint64_t seed, bool padded) {
  const auto all =
      graph::example_texts(model, sizes, at::make_generator<at::CPUGeneratorImpl>(seed));
  Inputs inputs;
  for (const ValueId id : graph.inputs) {
    const auto& name = graph.at(id).name;
    inputs.push_back(name == "input_ids" ? all[0] : name == "attention_mask" ? all[1] : all[2]);
    if (name == "attention_mask" && !padded) inputs.back() = torch::ones_like(all[1]);
  }
  return inputs;
}

const Node& embedding_of(const Graph& graph) {
  return *std::find_if(graph.nodes.begin(), graph.nodes.end(),
                       [](const Node& node) { return node.name() == "aten::embedding"; });
}

// The numbers of the largest constant in 8 bits; 0: none is.
int64_t largest_table(const Graph& graph) {
  int64_t largest = 0;
  for (const auto& node : graph.nodes)
    for (const auto& argument : node.arguments)
      for (const ValueId id : argument.values)
        if (graph.is_constant(id) && graph.at(id).dtype == torch::kChar)
          largest = std::max(largest, graph.at(id).constant.numel());
  return largest;
}

TEST(Table, RowsAreTakenAsIntegersWithAScaleEach) {
  const auto model = small_textcnn();
  const auto graph = captured(*model);
  const auto placement = place(graph);
  const auto input = texts(*model, graph, {3, 7}, 1, false);
  const auto ranges = min_max_ranges(observe(graph, {input}, ranged_values(placement)));
  for (const bool per_channel : {true, false}) {
    const WeightScheme scheme{.bits = 7, .per_channel = per_channel, .by_mse = false};
    const auto q = insert_qdq(graph, placement, ranges, grids_of_weights(graph, placement, scheme));
    EXPECT_EQ(largest_table(q), 60 * 24);
    const auto& words = embedding_of(graph);
    torch::Tensor rows;
    graph::replay(q, input, [&](ValueId id, torch::Tensor& x) {
      if (id == words.outputs[0]) rows = x;
    });
    const auto table = weight_of(graph, words);
    // 8 bits, whatever layers have: nothing sums them up.
    const auto scale = (per_channel ? table.abs().amax(1, true) : table.abs().amax()) / 127;
    const auto expected = (table / scale).round() * scale;
    EXPECT_TRUE(torch::allclose(rows, at::embedding(expected, input[0]), 1e-5, 1e-7));
  }
}

TEST(Table, ATableThatFellBackStaysInFloat) {
  const auto model = small_textcnn();
  const auto graph = captured(*model);
  const auto& words = embedding_of(graph);
  ASSERT_TRUE(is_table(graph, words));
  const auto placement = place(graph, {words.outputs[0]});
  EXPECT_FALSE(placement.units.contains(words.outputs[0]));
  const auto input = texts(*model, graph, {2, 7}, 1, false);
  const auto ranges = min_max_ranges(observe(graph, {input}, ranged_values(placement)));
  EXPECT_EQ(
      largest_table(insert_qdq(graph, placement, ranges, grids_of_weights(graph, placement, {}))),
      0);
}

// Words, their types and their positions.
TEST(Table, OfBertThereAreThree) {
  const auto model = small_bert();
  const auto graph = captured(*model);
  int64_t tables = 0;
  for (const auto& node : graph.nodes) tables += is_table(graph, node) ? 1 : 0;
  EXPECT_EQ(tables, 3);
}

TEST(DecomposeAttention, KeepsMasksThatFollowTheInput) {
  for (const auto& model : {small_bert(), small_convbert()}) {
    auto graph = captured(*model);
    const auto before = graph;
    decompose_attention(graph);
    EXPECT_EQ(count_of(graph, "aten::scaled_dot_product_attention"), 0);
    for (const graph::Sizes sizes : {graph::Sizes(1, 1), graph::Sizes(4, 11)}) {
      const auto input = texts(*model, graph, sizes, 5, true);
      const auto expected = graph::replay(before, input).at(0);
      EXPECT_TRUE(torch::allclose(graph::replay(graph, input).at(0), expected, 1e-4, 1e-5));
    }
  }
}

TEST(DecomposeAttention, LeavesOneWordThatReadsWhatWasKept) {
  const auto model = models::create_model<models::EncoderDecoder>(
      "transformer_tiny", {{"vocab_size", 44},
                           {"d_model", 32},
                           {"encoder_layers", 1},
                           {"decoder_layers", 1},
                           {"encoder_ffn_dim", 24},
                           {"decoder_ffn_dim", 24},
                           {"max_position_embeddings", 40}});
  model->eval();
  const auto left = [](graph::Graph graph) {
    graph::simplify(graph);
    decompose_attention(graph);
    return count_of(graph, "aten::scaled_dot_product_attention");
  };
  EXPECT_EQ(left(graph::capture_decoder_with_past(*model)), 2);
  EXPECT_EQ(left(graph::capture_decoder(*model)), 1) << "the causal one";
}

// What a mask hides has no place in a range: the yardstick would look at padding.
TEST(PlaceEverywhere, LeavesWhatMasksHideAsItIs) {
  const auto model = small_bert();
  auto graph = captured(*model);
  decompose_attention(graph);
  const auto placement = place_everywhere(graph);
  bool hides = false;
  graph::replay(graph, texts(*model, graph, {3, 9}, 5, true), [&](ValueId id, torch::Tensor& x) {
    if (x.scalar_type() != torch::kFloat || !x.eq(kHidden).any().item<bool>()) return;
    hides = true;
    EXPECT_FALSE(placement.sites.contains(id));
  });
  EXPECT_TRUE(hides);
}

class QuantizeTexts : public ::testing::TestWithParam<int> {
 protected:
  static models::TextEncoderPtr model() {
    if (GetParam() == 0) return small_textcnn();
    return GetParam() == 1 ? small_bert() : small_convbert();
  }
};

TEST_P(QuantizeTexts, ClimbWithLengthsThatDifferAndJudgeWithPadding) {
  const auto model = QuantizeTexts::model();
  const auto graph = captured(*model);
  std::vector<Inputs> calibration;
  for (const int64_t length : {3, 4, 6, 9, 13})
    calibration.push_back(texts(*model, graph, {6, length}, static_cast<uint64_t>(length), false));
  Samples judged;
  for (const int64_t length : {5, 12})
    judged.batches.push_back(texts(*model, graph, {64, length}, 40, true));
  const Judge judge(graph, judged);
  Progress silent;
  const auto out = quantize(graph, calibration, judge, {.max_drop = 100}, silent);
  EXPECT_GT(out.units, 4);
  EXPECT_GE(largest_table(out.graph), 60 * 24);
  EXPECT_LT(out.quality.error, 0.05);
  // Of a random network the yardstick is nearly as good: which is ahead by some percent hangs on
  // how the processor rounds.
  EXPECT_LT(out.quality.kl, 1.1 * out.steps.at(1).kl + 1e-5) << "worse than the yardstick";
  // The same texts with more padding are the same texts.
  const auto text = texts(*model, graph, {2, 7}, 9, false);
  Inputs padded;
  for (size_t i = 0; i < text.size(); ++i)
    padded.push_back(torch::constant_pad_nd(text[i], {0, 5}, 0));
  EXPECT_TRUE(torch::allclose(graph::replay(out.graph, padded).at(0),
                              graph::replay(out.graph, text).at(0), 1e-4, 1e-5));
}

INSTANTIATE_TEST_SUITE_P(Families, QuantizeTexts, ::testing::Values(0, 1, 2));

TEST(Judge, OfTokensAsksForSomeOfThem) {
  const auto model = encoder("bert_tiny", {{"hidden_size", 32},
                                           {"num_attention_heads", 2},
                                           {"intermediate_size", 48},
                                           {"head", "token_classification"}});
  const auto graph = captured(*model);
  Samples samples;
  int64_t asked = 0;
  for (const int64_t length : {5, 8}) {
    samples.batches.push_back(texts(*model, graph, {4, length}, 7, true));
    samples.asked.push_back(samples.batches.back().at(1).ne(0));
    samples.labels.push_back(graph::replay(graph, samples.batches.back())
                                 .at(0)
                                 .argmax(-1)
                                 .where(samples.asked.back(), torch::tensor(-100)));
    asked += samples.asked.back().sum().item<int64_t>();
  }
  const Judge judge(graph, samples);
  EXPECT_EQ(judge.outputs(), asked);
  EXPECT_EQ(*judge.reference().top1, 100);
  const auto part = judge.on_first(6);
  EXPECT_EQ(part.samples().count(), 6);
  EXPECT_EQ(part.outputs(), samples.asked[0].sum().item<int64_t>() +
                                samples.asked[1].slice(0, 0, 2).sum().item<int64_t>());
  EXPECT_EQ(*part.reference().top1, 100);
}

TEST(ReplayTogether, GivesWhatEachBatchGivesAlone) {
  const auto model = small_bert();
  const auto graph = captured(*model);
  const std::vector<Inputs> batches = {texts(*model, graph, {2, 5}, 1, true),
                                       texts(*model, graph, {3, 8}, 2, true)};
  size_t seen = 0;
  const auto outputs = graph::replay_together(
      graph, batches, [&](ValueId, std::vector<torch::Tensor>& x) { seen += x.size(); });
  EXPECT_EQ(seen % 2, 0U);
  for (size_t b = 0; b < batches.size(); ++b)
    EXPECT_TRUE(torch::equal(outputs.at(b).at(0), graph::replay(graph, batches[b]).at(0)));
}

}  // namespace
}  // namespace braid::compress
