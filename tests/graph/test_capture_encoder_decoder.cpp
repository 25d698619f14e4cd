// Graphs of encoder-decoders: batch, length and the length of the text that is read are free.
#include "braid/graph/capture_encoder_decoder.h"

#include <ATen/CPUGeneratorImpl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "braid/core/error.h"
#include "braid/generate/search.h"
#include "braid/graph/capture.h"
#include "braid/graph/passes/passes.h"
#include "braid/graph/replay.h"
#include "braid/graph/verify.h"
#include "braid/models/registry.h"
#include "braid/runtime/eval_scope.h"

namespace braid::graph {
namespace {

using ::testing::HasSubstr;
using Tensors = CaptureRequest::Tensors;

struct SmallPair {
  const char* name;
  const char* architecture;
  const char* fields;
};
void PrintTo(const SmallPair& pair, std::ostream* out) { *out << pair.name; }

const SmallPair kSmallPairs[] = {
    {"transformer", "transformer_tiny",
     R"({"vocab_size": 50, "d_model": 32, "encoder_layers": 2, "decoder_layers": 2,
         "encoder_ffn_dim": 24, "decoder_ffn_dim": 24, "max_position_embeddings": 40})"},
    {"lightconv", "lightconv_tiny",
     R"({"vocab_size": 50, "embed_dim": 32, "encoder_layers": 2, "decoder_layers": 2,
         "encoder_ffn_embed_dim": 24, "decoder_ffn_embed_dim": 24, "max_positions": 40})"},
    {"lite_transformer", "lite_transformer_160",
     R"({"vocab_size": 50, "embed_dim": 32, "encoder_layers": 2, "decoder_layers": 2,
         "encoder_ffn_embed_dim": 24, "decoder_ffn_embed_dim": 24, "max_positions": 40})"},
    {"dynamic_lite_transformer", "lite_transformer_160",
     R"({"vocab_size": 50, "decoder_vocab_size": 37, "share_encoder_decoder_embeddings": false,
         "embed_dim": 32, "encoder_layers": 2, "decoder_layers": 2, "conv_type": "dynamic",
         "glu": true, "encoder_ffn_embed_dim": 24, "decoder_ffn_embed_dim": 24,
         "max_positions": 40})"}};

class SmallPairs : public ::testing::TestWithParam<SmallPair> {
 protected:
  void SetUp() override {
    model = models::create_model<models::EncoderDecoder>(GetParam().architecture,
                                                         Json::parse(GetParam().fields), 1);
    model->eval();
    // An untrained model repeats words: its layers add too little to their embeddings.
    const torch::NoGradGuard no_grad;
    for (auto& item : model->named_parameters())
      if (item.value().dim() == 2 && item.value().size(0) != model->vocab_size() &&
          item.value().size(0) != model->source_vocab_size())
        item.value().mul_(3);
  }
  std::string words() const { return std::to_string(model->vocab_size()); }

  models::EncoderDecoderPtr model;
};

TEST_P(SmallPairs, NamesAndShapes) {
  const auto encoder = capture_encoder(*model), decoder = capture_decoder(*model);
  EXPECT_EQ(to_text(encoder, encoder.inputs), "input_ids NxL, attention_mask NxL");
  EXPECT_EQ(to_text(encoder, encoder.outputs), "last_hidden_state NxLx32");
  EXPECT_EQ(to_text(decoder, decoder.inputs),
            "input_ids NxL, encoder_hidden_states NxMx32, encoder_attention_mask NxM");
  EXPECT_EQ(to_text(decoder, decoder.outputs), "logits NxLx" + words());
}

TEST_P(SmallPairs, ReplayEqualsTheDecoderToTheBitAtOtherSizes) {
  const auto graph = capture_decoder(*model);
  const runtime::EvalScope scope(*model);
  const auto generator = at::make_generator<at::CPUGeneratorImpl>(3);
  for (const int64_t batch : {1, 4, 7})
    for (const int64_t length : {1, 9, 40})
      for (const int64_t memory : {1, 9, 40}) {
        const auto source = example_source(*model, batch, memory, generator);
        const auto target = example_target(*model, batch, length, generator);
        auto encoded = model->encode({source.input_ids, source.attention_mask, {}});
        encoded.attention_mask = source.attention_mask.ne(0);
        const auto expected = model->logits(model->decode(target, {}, encoded));
        const auto got = replay(graph, {target, encoded.hidden, source.attention_mask}).at(0);
        EXPECT_TRUE(torch::equal(got, expected))
            << batch << " texts of " << length << " tokens for " << memory;
      }
}

TEST_P(SmallPairs, WhatIsKeptHasOptimumsNames) {
  ASSERT_TRUE(can_go_on(*model));
  const auto whole = capture_decoder_with_present(*model), next = capture_decoder_with_past(*model);
  const std::string name = GetParam().name;
  const auto kept = [&](const std::string& before, const std::string& length) {
    const auto heads = [&](int64_t dim) { return "Nx4x" + length + "x" + std::to_string(dim / 4); };
    const auto of = before + "{0..1}.decoder.";
    std::string key = of + "key " + heads(32) + ", " + of + "value " + heads(32);
    if (name == "transformer") return key;
    if (name == "lightconv") return of + "conv Nx1x" + length + "x32";
    return of + "key " + heads(16) + ", " + of + "value " + heads(16) + ", " + of + "conv Nx1x" +
           length + "x16";
  };
  const auto memory = [](const std::string& before) {
    const auto of = before + "{0..1}.encoder.";
    return of + "key Nx4xMx8, " + of + "value Nx4xMx8";
  };
  const std::string past = "past_key_values.", present = "present.";
  EXPECT_EQ(to_text(whole, whole.outputs),
            "logits NxLx" + words() + ", " + kept(present, "L") + ", " + memory(present));
  EXPECT_EQ(to_text(next, next.inputs),
            "encoder_attention_mask NxM, input_ids Nx1, " + kept(past, "L") + ", " + memory(past));
  EXPECT_EQ(to_text(next, next.outputs), "logits Nx1x" + words() + ", " + kept(present, "L+1"));
  // Layer by layer, in the order in which Optimum has them.
  EXPECT_EQ(whole.at(whole.outputs.at(1)).name,
            name == "lightconv" ? "present.0.decoder.conv" : "present.0.decoder.key");
  EXPECT_EQ(whole.at(whole.outputs.back()).name, "present.1.encoder.value");
  EXPECT_EQ(next.at(next.inputs.back()).name, "past_key_values.1.encoder.value");
}

TEST_P(SmallPairs, OneWordMoreIsWhatAllOfThemSay) {
  auto whole = capture_decoder_with_present(*model), next = capture_decoder_with_past(*model);
  simplify(whole);
  simplify(next);
  for (const Sizes sizes : {Sizes(1, 1, 1), Sizes(4, 11, 23), Sizes(5, 39, 40), Sizes(2, 30, 2)}) {
    EXPECT_LT(decoder_deviation_on_noise(whole, *model, sizes).relative, 1e-5);
    EXPECT_LT(decoder_with_past_deviation_on_noise(next, *model, sizes).relative, 5e-5);
  }
}

TEST_P(SmallPairs, OtherStatesSayOtherThings) {
  auto next = capture_decoder_with_past(*model);
  const auto sample = decoder_with_past_sample_of_noise(*model, {3, 9, 7});
  for (size_t i = 1; i < sample.inputs.size(); ++i) {
    auto changed = sample.inputs;
    changed[i] = changed[i].roll(1, 0);
    const torch::NoGradGuard no_grad;
    EXPECT_GT(deviation(sample, replay(next, changed).at(0)).relative, 1e-5)
        << next.at(next.inputs.at(i)).name;
  }
}

TEST_P(SmallPairs, SimplifiedTheyComputeTheSameAtOtherSizes) {
  auto encoder = capture_encoder(*model), decoder = capture_decoder(*model);
  simplify(encoder);
  simplify(decoder);
  for (const Sizes sizes : {Sizes(1, 1, 1), Sizes(4, 11, 23), Sizes(5, 40, 40), Sizes(2, 30, 2)}) {
    EXPECT_LT(encoder_deviation_on_noise(encoder, *model, sizes).relative, 1e-5);
    EXPECT_LT(decoder_deviation_on_noise(decoder, *model, sizes).relative, 1e-5);
  }
}

// What another program does with the two: the decoder computes all positions for each word.
std::vector<int64_t> write_greedily(const Graph& encoder, const Graph& decoder,
                                    const Tensors& source, const models::EncoderDecoder& model,
                                    int64_t most) {
  const auto hidden = replay(encoder, source).at(0);
  std::vector<int64_t> written = {model.decoder_start_token_id()};
  while (static_cast<int64_t>(written.size()) < most) {
    const auto ids = torch::tensor(written, torch::kLong).unsqueeze(0);
    const auto logits = replay(decoder, {ids, hidden, source.at(1)}).at(0);
    written.push_back(logits[0][-1].argmax().item<int64_t>());
    if (written.back() == model.eos_token_id()) break;
  }
  return {written.begin() + 1, written.end()};
}

TEST_P(SmallPairs, GreedyTranslationsAreThoseOfTheModel) {
  auto encoder = capture_encoder(*model), decoder = capture_decoder(*model);
  simplify(encoder);
  simplify(decoder);
  constexpr int64_t kMost = 20;  // with the start token
  generate::GenerationConfig config;
  config.max_length = kMost;
  std::set<std::vector<int64_t>> different;
  for (const int64_t tokens : {2, 13, 29}) {
    const auto source =
        example_source(*model, 3, tokens, at::make_generator<at::CPUGeneratorImpl>(7));
    const auto expected =
        generate::generate(*model, {source.input_ids, source.attention_mask, {}}, config);
    for (int64_t row = 0; row < 3; ++row) {
      const Tensors one = {source.input_ids.narrow(0, row, 1),
                           source.attention_mask.narrow(0, row, 1)};
      const auto& ids = expected.at(static_cast<size_t>(row)).at(0).ids;
      EXPECT_EQ(write_greedily(encoder, decoder, one, *model, kMost), ids);
      different.insert(ids);
    }
  }
  EXPECT_GT(different.size(), 1u) << "texts that are all alike show nothing";
}

INSTANTIATE_TEST_SUITE_P(Families, SmallPairs, ::testing::ValuesIn(kSmallPairs),
                         [](const auto& info) { return std::string(info.param.name); });

// x: [N,L,4], y: [N,M,4].
Graph capture_pair(const std::function<torch::Tensor(const Tensors&)>& run,
                   std::optional<int64_t> most = 0) {
  return capture({.run = [run](const Tensors& x) { return Tensors{run(x)}; },
                  .example =
                      [](Sizes sizes) {
                        return Tensors{torch::randn({sizes.batch, sizes.length, 4}),
                                       torch::randn({sizes.batch, sizes.memory, 4})};
                      },
                  .module = nullptr,
                  .input_names = {"x", "y"},
                  .output_names = {"z"},
                  .max_length = most,
                  .max_memory = most});
}

std::string shape_of_pair(const Graph& graph) {
  return to_text(graph.at(graph.outputs.at(0)).shape);
}

TEST(CaptureEncoderDecoder, IntegersFollowBatchAndBothLengths) {
  const auto scores = [](const Tensors& x) { return x.at(0).matmul(x.at(1).transpose(1, 2)); };
  EXPECT_EQ(shape_of_pair(capture_pair(scores)), "NxLxM");
  EXPECT_EQ(shape_of_pair(capture_pair([&](const Tensors& x) { return scores(x).flatten(1); })),
            "NxLM");
  EXPECT_EQ(shape_of_pair(capture_pair([](const Tensors& x) {
              return torch::cat({x.at(0), x.at(1), x.at(1).narrow(1, 0, 2)}, 1);
            })),
            "NxL+M+2x4");
  EXPECT_EQ(shape_of_pair(capture_pair([](const Tensors& x) {
              return torch::cat({x.at(0).flatten(), x.at(1).flatten()});
            })),
            "4NL+4NM");
}

TEST(CaptureEncoderDecoder, FewTokensAreEnough) {
  const auto both = [](const Tensors& x) { return torch::cat({x.at(0), x.at(1)}, 1); };
  EXPECT_EQ(shape_of_pair(capture_pair(both, 6)), "NxL+Mx4");
  try {
    capture_pair(both, 5);
    FAIL() << "was captured";
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("6 tokens or more, got one of 5"));
  }
}

TEST(CaptureEncoderDecoder, RefusesAMemoryThatIsRounded) {
  try {
    capture_pair([](const Tensors& x) { return x.at(1).narrow(1, 0, x.at(1).size(1) / 4); });
    FAIL() << "was captured";
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("whole numbers"));
    EXPECT_THAT(e.what(), HasSubstr("aten::narrow"));
  }
}

TEST(CaptureEncoderDecoder, RefusesDecisionsByTheMemory) {
  EXPECT_THROW(capture_pair([](const Tensors& x) {
                 return x.at(1).size(1) > 6 ? x.at(1).exp() : x.at(1).relu();
               }),
               DataError);
}

TEST(CaptureEncoderDecoder, ATablesRowFollowsTheLength) {
  const auto table = torch::randn({64, 4});
  const auto graph =
      capture_pair([&](const Tensors& x) { return x.at(0) + table.narrow(0, x.at(0).size(1), 1); });
  for (const int64_t length : {1, 9, 30}) {
    const auto x = torch::randn({2, length, 4}), y = torch::randn({2, 3, 4});
    EXPECT_TRUE(torch::equal(replay(graph, {x, y}).at(0), x + table[length]));
  }
}

TEST(CaptureEncoderDecoder, ValuesOfLayersAreNamedOnce) {
  Graph graph;
  for (const char* name :
       {"logits", "present.0.key", "present.0.value", "present.1.key", "present.1.value", "a.0"}) {
    graph.values.push_back({.shape = constant_shape({2, 3}), .constant = {}, .name = name});
    graph.outputs.push_back(static_cast<ValueId>(graph.values.size()) - 1);
  }
  EXPECT_EQ(to_text(graph, graph.outputs),
            "logits 2x3, present.{0..1}.key 2x3, present.{0..1}.value 2x3, a.0 2x3");
  graph.outputs.resize(3);
  EXPECT_EQ(to_text(graph, graph.outputs), "logits 2x3, present.0.key 2x3, present.0.value 2x3");
}

TEST(CaptureEncoderDecoder, ExtentsAddUp) {
  const Extent a{.scale = 1, .memory = 2, .memory_area = 3}, b{.memory = 1, .memory_length = 4};
  EXPECT_EQ((a + b).at({2, 3, 5}), a.at({2, 3, 5}) + b.at({2, 3, 5}));
  EXPECT_EQ(to_text(a + b), "3NM+4LM+N+3M");
}

}  // namespace
}  // namespace braid::graph
