// Composed text encoders: the same as the named models that their blocks come from, texts that do
// not depend on their batch, and errors that show their place.
#include "braid/models/text/composer/braidtext.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "braid/core/error.h"
#include "braid/models/describe.h"
#include "braid/models/macs.h"
#include "braid/models/registry.h"
#include "braid/models/text/text_checkpoint.h"
#include "braid/models/text/text_cost.h"
#include "braid/models/vision/cost.h"
#include "braid/nn/block/transformer_layer.h"

namespace braid::models {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int64_t kDesignWords = 97;

std::shared_ptr<BraidText> compose_text(const std::string& line, Json fields = Json::object()) {
  fields["design"] = line;
  fields["vocab_size"] = kDesignWords;
  return std::dynamic_pointer_cast<BraidText>(
      create_model<TextEncoder>("braidtext", fields, /*seed=*/4));
}

TextInput padded_batch() {
  torch::manual_seed(2);
  auto mask = torch::ones({3, 11}, torch::kLong);
  mask[1].narrow(0, 6, 5).zero_();
  mask[2].narrow(0, 2, 9).zero_();
  return {torch::randint(1, kDesignWords, {3, 11}, torch::kLong), mask, {}};
}

// Both register the same layers in the same order.
void copy_in_order(const torch::nn::Module& from, torch::nn::Module& to) {
  const torch::NoGradGuard no_grad;
  const auto copy = [](const std::vector<torch::Tensor>& a, std::vector<torch::Tensor> b) {
    ASSERT_EQ(a.size(), b.size());
    for (size_t i = 0; i < a.size(); ++i) {
      ASSERT_EQ(a[i].sizes(), b[i].sizes()) << i;
      b[i].copy_(a[i]);
    }
  };
  copy(from.parameters(), to.parameters());
  copy(from.buffers(), to.buffers());
}

// What stands at the tokens, and not at the padding.
torch::Tensor at_tokens(const torch::Tensor& x, const TextInput& input) {
  return x.dim() == 3 ? x.index({input.attention_mask.ne(0)}) : x;
}

struct Pair {
  const char* name;    // of the registry
  const char* fields;  // of its config
  const char* design;
  const char* head = "none";
};
void PrintTo(const Pair& pair, std::ostream* out) { *out << pair.name; }

class SameAsNamed : public ::testing::TestWithParam<Pair> {};

TEST_P(SameAsNamed, WithItsWeights) {
  auto fields = Json::parse(GetParam().fields);
  fields["vocab_size"] = kDesignWords;
  fields["head"] = GetParam().head;
  fields["num_labels"] = 3;
  if (find_model(GetParam().name).config.contains("pad_token_id")) fields["pad_token_id"] = 0;
  const auto named = create_model<TextEncoder>(GetParam().name, fields, /*seed=*/3);
  const auto composed =
      compose_text(GetParam().design, {{"head", GetParam().head}, {"num_labels", 3}});
  if (named->named_children().contains("bert")) {  // whose pooler a design has not
    const auto body = named->named_children()["bert"];
    if (body->named_children().contains("pooler")) body->unregister_module("pooler");
  }
  copy_in_order(*named, *composed);
  named->eval();
  composed->eval();
  const torch::InferenceMode no_grad;
  const auto input = padded_batch();
  EXPECT_TRUE(at_tokens(composed->forward_features(input), input)
                  .equal(at_tokens(named->forward_features(input), input)));
  EXPECT_TRUE(
      at_tokens(composed->forward(input), input).equal(at_tokens(named->forward(input), input)));
}

INSTANTIATE_TEST_SUITE_P(
    Designs, SameAsNamed,
    ::testing::Values(
        Pair{"bert_tiny",
             R"({"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64})",
             "embed=32|T2x32h2e2"},
        Pair{"bert_tiny",
             R"({"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64,
                 "position_embedding_type": "rotary"})",
             "embed=32(pos=rotary)|T1x32h2e2|T1x32h2e2"},
        Pair{"bert_tiny",
             R"({"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64,
                 "position_embedding_type": "alibi"})",
             "embed=32(pos=alibi)|T2x32h2e2"},
        Pair{"bert_tiny_cnn",
             R"({"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64,
                 "kernel_sizes": [2, 3], "num_filters": 10})",
             "embed=32|T2x32h2e2|V1x20(kernel_sizes=2+3)|pool=max", "sequence_classification"},
        Pair{"convbert_small",
             R"({"embedding_size": 24, "hidden_size": 48, "num_attention_heads": 4,
                 "intermediate_size": 96, "num_hidden_layers": 2, "conv_kernel_size": 5})",
             "embed=24|E2x48h2e2k5"},
        Pair{"wav2vec2_conformer_text_tiny",
             R"({"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64,
                 "num_hidden_layers": 2, "conv_depthwise_kernel_size": 7,
                 "layer_norm_eps": 1e-12})",
             "embed=32(pos=none,type_vocab_size=0)|S2x32h2e2k7|head=norm",
             "sequence_classification"},
        Pair{"wav2vec2_conformer_text_rotary_small",
             R"({"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64,
                 "num_hidden_layers": 2, "conv_depthwise_kernel_size": 7,
                 "layer_norm_eps": 1e-12})",
             "embed=32(pos=none,type_vocab_size=0)|S2x32h2e2k7(pos=rotary)|head=norm",
             "token_classification"},
        Pair{"textcnn", R"({"embed_dim": 24, "num_filters": 10})",
             "embed=24(pos=none,type_vocab_size=0,norm=none)|V1x30(kernel_sizes=3+4+5)|pool=max",
             "sequence_classification"}),
    [](const auto& info) { return std::string(info.param.name) + std::to_string(info.index); });

TEST(BraidText, IsBertBehindAStemOfConvolutions) {
  const auto named = create_model<TextEncoder>("conv_stem_bert_mini",
                                               {{"hidden_size", 32},
                                                {"num_attention_heads", 2},
                                                {"intermediate_size", 64},
                                                {"num_hidden_layers", 2},
                                                {"vocab_size", kDesignWords}},
                                               /*seed=*/3);
  const auto composed = compose_text("embed=32|Z2x32k5|T2x32h2e2");
  const auto bert = named->named_children()["bert"]->named_children();
  const auto stages = composed->named_children()["stages"]->named_children();
  copy_in_order(*bert["embeddings"], *composed->embeddings);
  copy_in_order(*bert["stem"], *stages["0"]);
  copy_in_order(*bert["encoder"], *stages["1"]);
  named->eval();
  composed->eval();
  const torch::InferenceMode no_grad;
  const auto input = padded_batch();
  EXPECT_TRUE(at_tokens(composed->forward_features(input), input)
                  .equal(at_tokens(named->forward_features(input), input)));
}

// The layers of fairseq's encoders, whose embeddings have no counterpart in a design.
struct Layers {
  const char* name;
  const char* fields;
  const char* design;
};
class SameLayers : public ::testing::TestWithParam<Layers> {};

TEST_P(SameLayers, WithTheirWeights) {
  auto fields = Json::parse(GetParam().fields);
  fields["vocab_size"] = kDesignWords;
  fields["encoder_embed_dim"] = 32;
  fields["encoder_attention_heads"] = 2;
  fields["encoder_layers"] = 2;
  const auto named = create_model<TextEncoder>(GetParam().name, fields, /*seed=*/3);
  const auto composed = compose_text(GetParam().design);
  const auto layers = named->named_children()["encoder"]->named_children()["layers"];
  copy_in_order(*layers, *composed->named_children()["stages"]);
  named->eval();
  composed->eval();
  const torch::InferenceMode no_grad;
  const auto input = padded_batch();
  const auto mask = token_mask(input);
  const auto x = torch::randn({3, 11, 32});
  auto expected = x;
  for (const auto& layer : layers->children()) {
    auto* transformer = layer->as<nn::TransformerLayerImpl>();
    ASSERT_NE(transformer, nullptr);
    expected = transformer->forward(expected, {.mixer = {.key_padding = mask}});
  }
  const auto got = composed->forward_stages(x, mask);
  EXPECT_TRUE(at_tokens(got, input).equal(at_tokens(expected, input)));
}

INSTANTIATE_TEST_SUITE_P(
    Designs, SameLayers,
    ::testing::Values(Layers{"lite_transformer_encoder_160",
                             R"({"encoder_ffn_embed_dim": 32, "encoder_kernel_size_list": [3, 7]})",
                             "embed=32|H2x32h2(kernel_size=3+7)"},
                      Layers{"lite_transformer_encoder_496",
                             R"({"encoder_ffn_embed_dim": 32, "encoder_kernel_size_list": [5]})",
                             "embed=32|H2x32h2k5(conv_type=dynamic,glu=1)"},
                      Layers{"lightconv_encoder_tiny",
                             R"({"encoder_ffn_embed_dim": 64, "encoder_kernel_size_list": [3, 7]})",
                             "embed=32|K2x32h2(kernel_size=3+7)"}),
    [](const auto& info) { return std::string(info.param.name); });

const char* const kDesigns[] = {
    "embed=24|T2x24h2",
    "embed=24(pos=sinusoidal,type_vocab_size=0)|T1x24h2(norm=pre,act=relu)|head=norm|pool=first",
    "embed=24(pos=rotary)|TH1x24h2",
    "embed=24(pos=alibi)|E1x24h2k3|H1x24h2",
    "embed=24(pos=relative_bias)|ET1x24h2",
    "embed=16|E2x24h2k3|pool=max",
    "embed=24(pos=none)|S2x24h2k5|head=norm|pool=max",
    "embed=24|S1x24h2k5(pos=rotary)|S1x24h2k3(pos=none)",
    "embed=24|H2x24h2(kernel_size=3+5,conv_type=dynamic,glu=1)",
    "embed=24(pos=none)|K2x24h2k3|K1x24h2k3(conv_type=dynamic)|pool=max",
    "embed=24(norm=none,pos=none,type_vocab_size=0)|V1x24|Z1x24|pool=max",
    "embed=24|Z2x24k3|T1x32h4|V1x12(kernel_sizes=2)|pool=max"};

class TextVocabulary : public ::testing::TestWithParam<const char*> {};

TEST_P(TextVocabulary, EveryParameterLearns) {
  const auto input = padded_batch();
  for (const char* head : {"none", "sequence_classification", "token_classification",
                           "question_answering", "masked_lm"}) {
    if (!compose_text(GetParam())->supports(parse_text_head(head))) continue;
    const auto model = compose_text(GetParam(), {{"head", head}, {"drop_path_rate", 0.1}});
    model->train();
    const auto types = torch::arange(11).ge(5).to(torch::kLong).expand({3, 11});
    const TextInput texts{input.input_ids, input.attention_mask, types};
    const auto features = model->forward_features(texts);
    (model->forward_head(features, texts).square().mean() +
     model->pool(features, texts).square().mean())
        .backward();
    for (const auto& p : model->named_parameters()) {
      ASSERT_TRUE(p.value().grad().defined()) << p.key() << " of " << head;
      EXPECT_TRUE(p.value().grad().isfinite().all().item<bool>()) << p.key();
    }
  }
}

TEST_P(TextVocabulary, ABatchIsItsTexts) {
  const torch::InferenceMode no_grad;
  const auto model = compose_text(GetParam(), {{"head", "sequence_classification"}});
  model->eval();
  const auto batch = padded_batch();
  const auto together = model->forward(batch);
  const std::vector<int64_t> lengths = {11, 6, 2};
  for (int64_t i = 0; i < 3; ++i) {
    const auto alone =
        batch.input_ids.narrow(0, i, 1).narrow(1, 0, lengths[static_cast<size_t>(i)]);
    EXPECT_TRUE(model->forward({alone, {}, {}})[0].allclose(together[i], 1e-4, 1e-5)) << i;
  }
  const auto other =
      torch::where(batch.attention_mask.ne(0), batch.input_ids, (batch.input_ids + 5) % 97);
  EXPECT_TRUE(model->forward({other, batch.attention_mask, {}}).equal(together));
  const auto empty = torch::zeros({3, 11}, torch::kLong);
  EXPECT_TRUE(model->forward({batch.input_ids, empty, {}}).isfinite().all().item<bool>());
}

TEST_P(TextVocabulary, RecomputingBlocksChangesNothing) {
  const auto input = padded_batch();
  const auto gradient = [&](bool again) {
    const auto model =
        compose_text(GetParam(), {{"proj_drop_rate", 0}, {"attn_drop_rate", 0}, {"drop_rate", 0}});
    model->train();
    model->set_grad_checkpointing(again);
    const auto features = at_tokens(model->forward_features(input), input);
    const auto weights = torch::arange(features.numel(), features.options()).cos();
    (features.flatten() * weights).sum().backward();
    std::vector<torch::Tensor> gradients;
    for (const auto& p : model->parameters()) gradients.push_back(p.grad().flatten());
    return torch::cat(gradients);
  };
  // Sums of some hundreds that all but cancel: their roundings follow where tensors lie in memory.
  const auto expected = gradient(false);
  const double largest = expected.abs().max().item<double>();
  EXPECT_LE((gradient(true) - expected).abs().max().item<double>(), 1e-6 * largest);
}

TEST_P(TextVocabulary, IsSavedUnderItsLine) {
  const auto name = "braidtext:" + std::string(GetParam());
  const auto folder =
      std::filesystem::temp_directory_path() / ("braid_text_design_" + std::to_string(::getpid()));
  const auto model = create_model<TextEncoder>(
      name, {{"vocab_size", kDesignWords}, {"head", "sequence_classification"}}, 1);
  model->eval();
  auto hub = make_hub_config(name, *model);
  hub.classes = {"a", "b"};
  save_text_model(*model, hub, folder);
  const auto loaded = load_text_encoder(folder);
  std::filesystem::remove_all(folder);
  const auto input = padded_batch();
  EXPECT_TRUE(loaded.model->forward(input).equal(model->forward(input)));
  EXPECT_EQ(loaded.hub.architecture, name);
  EXPECT_EQ(loaded.model->config(), model->config());
}

TEST_P(TextVocabulary, ItsPartsAddUp) {
  const auto entry = find_model("braidtext:" + std::string(GetParam()));
  int64_t params = 0, macs = 0;
  for (const auto& row : describe(entry)) {
    params += row.params;
    macs += row.macs.value();
  }
  const auto model = create_model<TextEncoder>(entry.name);
  EXPECT_EQ(params, count_parameters(*model));
  EXPECT_EQ(macs, count_macs(*model, {1, example_length(*model)}));
}

INSTANTIATE_TEST_SUITE_P(Designs, TextVocabulary, ::testing::ValuesIn(kDesigns),
                         [](const auto& info) { return std::to_string(info.index); });

std::string refusal(const std::string& name) {
  try {
    find_model(name);
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "";
}

TEST(BraidText, ErrorsShowTheOption) {
  const auto error = [](const std::string& line) { return refusal("braidtext:embed=" + line); };
  EXPECT_THAT(error("16|T2x16h3"),
              AllOf(HasSubstr("heads that divide 16 channels, got 3"), HasSubstr("character 15)")));
  EXPECT_THAT(error("16|E2x16h3"), HasSubstr("heads that divide 8 channels, got 3"));
  EXPECT_THAT(error("16|H1x15"), HasSubstr("channels that 2 divides"));
  EXPECT_THAT(error("16|E1x16k4"), HasSubstr("expected an odd kernel_size"));
  EXPECT_THAT(error("16|K3x16(kernel_size=3+5)"), HasSubstr("for each of 3 rounds, got 2"));
  EXPECT_THAT(
      error("16|V1x16(kernel_sizes=3+4+5)"),
      AllOf(HasSubstr("channels that 3 kernel_sizes divide, got 16"), HasSubstr("for example 18")));
  EXPECT_THAT(error("16|T1x16k3"), HasSubstr("unknown option 'kernel_size' of block T"));
  EXPECT_THAT(error("16|T1x16s1"), HasSubstr("stages of texts have none"));
  EXPECT_THAT(error("16|T1x16(pos=rotary)"), HasSubstr("an option of the embedding"));
  EXPECT_THAT(error("16|T1x16(num_head=2)"), HasSubstr("did you mean 'num_heads'"));
  EXPECT_THAT(error("16(pos=rotari)|T1x16"), HasSubstr("did you mean 'rotary'"));
  EXPECT_THAT(
      error("16(positions=none)|T1x16"),
      AllOf(HasSubstr("unknown option 'positions' of the embedding"), HasSubstr("character 10)")));
  EXPECT_THAT(error("16(pos=rotary)|E1x16"), HasSubstr("other positions than rotary"));
  EXPECT_THAT(error("16(pos=rotary)|T1x12h4"), HasSubstr("an even number of channels per head"));
  EXPECT_THAT(error("15(pos=sinusoidal)|T1x16"), HasSubstr("an even width"));
  EXPECT_THAT(error("16(pos=relative_bias)|T1x16h2|T1x16h4"), HasSubstr("as many heads"));
  EXPECT_THAT(error("16(pos=relative_bias)|Z1x16"), HasSubstr("a block with attention"));
  EXPECT_THAT(error("16(vocab_size=0)|T1x16"), HasSubstr("vocab_size between 1 and"));
  EXPECT_THAT(error("16|C1x16"), AllOf(HasSubstr("expected a block, got 'C'"),
                                       HasSubstr("T transformer, E convbert")));
  EXPECT_THAT(refusal("braidtext:stem=conv3x3,8|C1x8"), HasSubstr("braidnet:stem="));
  EXPECT_THAT(refusal("braidnet:embed=16|T1x16"), HasSubstr("braidtext:embed="));
}

TEST(BraidText, AFileSaysByItsEmbeddingThatItIsOfTexts) {
  const auto file = std::filesystem::temp_directory_path() /
                    ("braid_text_design_" + std::to_string(::getpid()) + ".toml");
  const auto named = [&](const std::string& text) {
    std::ofstream(file) << text;
    return find_model(file.string());
  };
  const auto refused = [&](const std::string& text) {
    std::ofstream(file) << text;
    return refusal(file.string());
  };
  const std::string start = "pool = \"max\"\n[embedding]\nwidth = 16\n";
  const auto entry = named(start + "vocab_size = 500\n[[stages]]\nblock = \"lightconv\"\n" +
                           "depth = 2\nwidth = 16\nkernel_size = [3, 5]\n");
  EXPECT_EQ(entry.name, "braidtext:embed=16(vocab_size=500)|K2x16(kernel_size=3+5)|pool=max");
  EXPECT_EQ(entry.kind, TextEncoder::kKind);
  EXPECT_EQ(create_model<TextEncoder>(entry.name)->vocab_size(), 500);
  const std::string stage = "[[stages]]\nblock = \"transformer\"\ndepth = 1\nwidth = 16\n";
  EXPECT_THAT(refused(start + stage + "num_heads = 3\n"),
              AllOf(HasSubstr("heads that divide 16"), HasSubstr(".toml:8")));
  EXPECT_THAT(refused(start + "[[stages]]\nblock = \"mbconv\"\ndepth = 1\nwidth = 16\n"),
              AllOf(HasSubstr("'mbconv' is a block of images"), HasSubstr(".toml:5"),
                    HasSubstr("transformer, convbert")));
  std::filesystem::remove(file);
}

TEST(TransformerEncoder, RecomputingLayersChangesNothingWhereABiasLearns) {
  const auto input = padded_batch();
  const auto gradient = [&](bool again) {
    const auto model = create_model<TextEncoder>("bert_tiny",
                                                 {{"vocab_size", kDesignWords},
                                                  {"position_embedding_type", "relative_bias"},
                                                  {"hidden_dropout_prob", 0},
                                                  {"attention_probs_dropout_prob", 0}},
                                                 /*seed=*/4);
    model->train();
    model->set_grad_checkpointing(again);
    at_tokens(model->forward_features(input), input).pow(3).sum().backward();
    return model->named_parameters()["bert.relative_attention_bias.weight"].grad().clone();
  };
  EXPECT_TRUE(gradient(true).allclose(gradient(false), 1e-4, 1e-5));
}

// Sines and cosines are of about the size of 1: beside them words of 0.02 would hardly be heard.
TEST(BraidText, WordsAreNoSmallerThanSinusoidalPositions) {
  const auto model = compose_text("embed=64(pos=sinusoidal,norm=none,type_vocab_size=0)|T1x64");
  model->eval();
  const auto word = torch::full({1, 1}, 7, torch::kLong),
             other = torch::full({1, 1}, 9, torch::kLong);
  const auto difference =
      model->embeddings->forward({word, {}, {}}) - model->embeddings->forward({other, {}, {}});
  EXPECT_NEAR(difference.std().item<double>(), std::sqrt(2.0), 0.5);
}

TEST(BraidText, WordsThatAreMaskedNeedTheEmbeddingsChannels) {
  EXPECT_TRUE(compose_text("embed=16|T1x16")->supports(TextHead::kMaskedLm));
  EXPECT_FALSE(compose_text("embed=16|T1x32")->supports(TextHead::kMaskedLm));
  EXPECT_THROW(compose_text("embed=16|T1x32", {{"head", "masked_lm"}}), ConfigError);
}

TEST(BraidText, NamesSplitAtCommasComeTogether) {
  const std::string line = "braidtext:embed=16(pos=rotary,max_positions=64)|T1x16h2";
  EXPECT_THAT(resolve_names({"textcnn", "braidtext:embed=16(pos=rotary",
                             "max_positions=64)|T1x16h2", "bert_tiny"}),
              ::testing::ElementsAre("textcnn", line, "bert_tiny"));
  EXPECT_THAT(folder_name(line), ::testing::MatchesRegex("braidtext-[0-9a-f]{8}"));
}

}  // namespace
}  // namespace braid::models
