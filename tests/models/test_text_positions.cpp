// The kinds of positions that transformers' BERT has not.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "braid/core/error.h"
#include "braid/models/registry.h"
#include "braid/models/text/text_embeddings.h"
#include "braid/models/text/text_model.h"

namespace braid::models {
namespace {

class Positions : public ::testing::TestWithParam<std::string> {
 protected:
  // In float64 and eval mode; weights are large, so that attention is far from uniform.
  static TextEncoderPtr make(const std::string& positions) {
    const auto model =
        create_model<TextEncoder>("bert_tiny", {{"vocab_size", 23},
                                                {"hidden_size", 12},
                                                {"num_attention_heads", 3},
                                                {"intermediate_size", 10},
                                                {"max_position_embeddings", 16},
                                                {"initializer_range", 0.5},
                                                {"position_embedding_type", positions}});
    model->to(torch::kDouble);
    model->eval();
    return model;
  }
  const torch::Tensor ids_ = torch::tensor({3, 9, 1, 22, 7, 7, 4}, torch::kLong).unsqueeze(0);
};

TEST_P(Positions, TellWhereATokenStands) {
  const torch::NoGradGuard no_grad;
  const auto model = make(GetParam());
  const auto there = model->forward_features({ids_, {}, {}});
  const auto back = model->forward_features({ids_.flip(1), {}, {}}).flip(1);
  EXPECT_EQ(there.allclose(back, 1e-9, 1e-9), GetParam() == "none" || GetParam() == "alibi")
      << "only these see the same on the way back";
  const auto mixed = torch::tensor({0, 5, 1, 3, 2, 4, 6}, torch::kLong);
  const auto moved = model->forward_features({ids_.index_select(1, mixed), {}, {}});
  EXPECT_EQ(moved.allclose(there.index_select(1, mixed), 1e-9, 1e-9), GetParam() == "none");
}

TEST_P(Positions, PaddingHasNoInfluence) {
  const torch::NoGradGuard no_grad;
  const auto model = make(GetParam());
  const auto alone = model->forward_features({ids_, {}, {}});
  const auto padded = torch::cat({ids_, torch::full({1, 4}, 5, torch::kLong)}, 1);
  const auto mask = torch::arange(11).lt(7).unsqueeze(0);
  EXPECT_TRUE(
      model->forward_features({padded, mask, {}}).narrow(1, 0, 7).allclose(alone, 1e-9, 1e-9));
}

TEST_P(Positions, GradientsAreThoseOfFiniteDifferences) {
  const auto model = make(GetParam());
  const auto loss = [&] {
    const auto y = model->forward_features({ids_, {}, {}});
    return (y * torch::cos(torch::arange(y.numel(), torch::kDouble)).view_as(y)).sum();
  };
  loss().backward();
  const torch::NoGradGuard no_grad;
  for (auto& item : model->named_parameters()) {
    if (!item.value().grad().defined()) continue;  // the pooler's
    auto flat = item.value().view(-1);
    for (const int64_t i : {int64_t{0}, flat.numel() / 2, flat.numel() - 1}) {
      constexpr double kStep = 1e-6;
      const double old = flat[i].item<double>();
      flat[i] = old + kStep;
      const double up = loss().item<double>();
      flat[i] = old - kStep;
      const double down = loss().item<double>();
      flat[i] = old;
      const double wanted = (up - down) / (2 * kStep);
      EXPECT_NEAR(item.value().grad().view(-1)[i].item<double>(), wanted,
                  1e-5 * std::max(1.0, std::abs(wanted)))
          << item.key() << " " << i;
    }
  }
}

TEST(RotaryPositions, NeedPairsOfChannels) {
  for (const char* name : {"bert_tiny", "electra_small", "distilbert_base"}) {
    const bool distil = std::string(name).starts_with("distil");
    const Json fields = {{"vocab_size", 23},
                         {distil ? "dim" : "hidden_size", 15},
                         {distil ? "n_heads" : "num_attention_heads", 3},
                         {"position_embedding_type", "rotary"}};
    EXPECT_THROW(create_model(name, fields), ConfigError) << name;
  }
}

TEST(PositionNames, AreRefusedWithNearMatches) {
  EXPECT_EQ(text_positions_names().size(), 6u);
  EXPECT_THROW(parse_text_positions("rotarry"), ConfigError);
}

INSTANTIATE_TEST_SUITE_P(All, Positions, ::testing::ValuesIn(text_positions_names()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace braid::models
