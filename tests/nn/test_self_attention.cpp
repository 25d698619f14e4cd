// SelfAttention and ReducedKeyAttention against naive twins, for every position and mask.
#include "braid/nn/attention/self_attention.h"

#include "braid/nn/attention/reduced_key_attention.h"
#include "braid/nn/position/attention_bias_table.h"
#include "braid/nn/position/make_position_bias.h"
#include "braid/nn/position/rotary.h"
#include "tests/nn/fixture.h"
#include "tests/ops/gradient_check.h"

namespace braid::nn {
namespace {

using torch::Tensor;

constexpr int64_t kAttBatch = 2, kAttTokens = 9, kAttDim = 12, kAttHeads = 3,
                  kAttHeadDim = kAttDim / kAttHeads;

template <class Layer>
void prepare(Layer& layer) {
  layer->to(torch::kDouble);
  layer->eval();
  randomize(*layer);
}

// Image by image and head by head. bias: [B,h,N,N] or undefined; seen: [B,N,N], bool, or undefined.
Tensor naive_attention(SelfAttention& layer, const Tensor& x, const SelfAttentionConfig& config,
                       const Tensor& bias = {}, const Tensor& seen = {},
                       const Tensor& rotary = {}) {
  const int64_t B = x.size(0), N = x.size(1), h = config.num_heads;
  const int64_t d = config.key_dim > 0 ? config.key_dim : x.size(2) / h;
  const int64_t e = config.value_dim > 0 ? config.value_dim : d;
  const auto qkv = layer->qkv->forward(x);
  auto out = torch::zeros({B, N, h * e}, torch::kDouble);
  for (int64_t b = 0; b < B; ++b)
    for (int64_t head = 0; head < h; ++head) {
      const bool heads_first = config.qkv_order == QkvOrder::kHeadsFirst;
      const auto part = [&](int64_t which, int64_t width) {  // [N,width]
        const int64_t at =
            heads_first ? head * (2 * d + e) + which * d : which * h * d + head * width;
        return qkv[b].narrow(1, at, width);
      };
      auto q = part(0, d), k = part(1, d);
      if (rotary.defined()) q = apply_rotary(q, rotary), k = apply_rotary(k, rotary);
      auto scores = q.mm(k.t()) / std::sqrt(static_cast<double>(d));  // [N,N]
      if (bias.defined()) scores = scores + bias[b][head];
      if (seen.defined()) scores = scores.masked_fill(seen[b].logical_not(), -INFINITY);
      out[b].narrow(1, head * e, e).copy_(scores.softmax(1).mm(part(2, e)));
    }
  return layer->proj->forward(out);
}

TEST(SelfAttention, EqualsItsNaiveTwin) {
  torch::manual_seed(1);
  const torch::NoGradGuard no_grad;
  const auto x = torch::randn({kAttBatch, kAttTokens, kAttDim}, torch::kDouble);
  for (const auto order : {QkvOrder::kPartsFirst, QkvOrder::kHeadsFirst})
    for (const auto layout : {WeightLayout::kLinear, WeightLayout::kConv1x1})
      for (const bool qkv_bias : {false, true}) {
        const SelfAttentionConfig config{.dim = kAttDim,
                                         .num_heads = kAttHeads,
                                         .qkv_bias = qkv_bias,
                                         .proj_bias = !qkv_bias,
                                         .qkv_order = order,
                                         .layout = layout};
        SelfAttention layer(config);
        prepare(layer);
        EXPECT_LT(largest_difference(layer->forward(x), naive_attention(layer, x, config)), 1e-12);
        EXPECT_EQ(layer->qkv->bias.defined(), qkv_bias);
      }
}

TEST(SelfAttention, AMapIsItsTokens) {
  torch::manual_seed(2);
  SelfAttention layer(SelfAttentionConfig{.dim = kAttDim, .dim_out = 8, .num_heads = kAttHeads});
  const auto map = torch::randn({kAttBatch, 3, 5, kAttDim});
  EXPECT_TRUE(
      layer->forward(map).equal(layer->forward(map.flatten(1, 2)).view({kAttBatch, 3, 5, 8})));
}

TEST(SelfAttention, AddsThePositionsBias) {
  torch::manual_seed(3);
  const torch::NoGradGuard no_grad;
  const auto x = torch::randn({kAttBatch, kAttTokens, kAttDim}, torch::kDouble);
  for (const auto type : {PositionBiasType::kRelative, PositionBiasType::kRelativeTf,
                          PositionBiasType::kRelativeMlp, PositionBiasType::kTable})
    for (const char* key : {static_cast<const char*>(nullptr), "rel_pos"}) {
      const SelfAttentionConfig config{.dim = kAttDim,
                                       .num_heads = kAttHeads,
                                       .position = {.type = type, .grid_size = 3, .key = key}};
      if (key == nullptr && type == PositionBiasType::kRelativeMlp) continue;  // it has a module
      SelfAttention layer(config);
      prepare(layer);
      // A twin with the same parameters gives the bias.
      const auto twin = make_position_bias(config.position, kAttHeads);
      twin->to(torch::kDouble);
      twin->eval();
      const auto state = runtime::named_state(*layer);
      for (auto& [name, tensor] : runtime::named_state(*twin))
        tensor.copy_(state.at((key == nullptr ? "" : "rel_pos.") + name));
      const auto bias = twin->forward().expand({kAttBatch, kAttHeads, kAttTokens, kAttTokens});
      EXPECT_GT(bias.abs().max().item<double>(), 0.1);
      EXPECT_LT(largest_difference(layer->forward(x), naive_attention(layer, x, config, bias)),
                1e-12);
    }
}

TEST(SelfAttention, ValuesMayHaveMoreChannelsThanKeys) {
  torch::manual_seed(4);
  const torch::NoGradGuard no_grad;
  const SelfAttentionConfig config{.dim = kAttDim,
                                   .num_heads = 2,
                                   .key_dim = 3,
                                   .value_dim = 7,
                                   .qkv_order = QkvOrder::kHeadsFirst};
  SelfAttention layer(config);
  prepare(layer);
  const auto x = torch::randn({kAttBatch, kAttTokens, kAttDim}, torch::kDouble);
  EXPECT_LT(largest_difference(layer->forward(x), naive_attention(layer, x, config)), 1e-12);
}

TEST(SelfAttention, BiasOfWindowsRepeatsAlongTheBatch) {
  torch::manual_seed(5);
  const torch::NoGradGuard no_grad;
  const SelfAttentionConfig config{.dim = kAttDim,
                                   .num_heads = kAttHeads,
                                   .position = {.type = PositionBiasType::kTable, .grid_size = 3}};
  SelfAttention layer(config);
  prepare(layer);
  const auto x = torch::randn({6, kAttTokens, kAttDim}, torch::kDouble);  // 2 images of 3 windows
  const auto windows = torch::randn({3, 1, kAttTokens, kAttTokens}, torch::kDouble);
  AttentionBiasTable table(3, kAttHeads);
  table->to(torch::kDouble);
  table->attention_biases.copy_(layer->named_parameters()["attention_biases"]);
  const auto bias = table->forward() + windows.repeat({2, 1, 1, 1});
  EXPECT_LT(largest_difference(layer->forward(x, {.bias = windows}),
                               naive_attention(layer, x, config, bias)),
            1e-12);
}

TEST(SelfAttention, TurnsQueriesAndKeys) {
  torch::manual_seed(6);
  const SelfAttentionConfig config{.dim = kAttDim, .num_heads = kAttHeads, .qkv_bias = true};
  SelfAttention layer(config);
  prepare(layer);
  const auto x = torch::randn({kAttBatch, kAttTokens, kAttDim}, torch::kDouble);
  const auto rotary = rotary_embedding(kAttHeadDim, 3, 3, torch::kDouble);
  {
    const torch::NoGradGuard no_grad;
    const auto turned = layer->forward(x, {.rotary = rotary});
    EXPECT_LT(largest_difference(turned, naive_attention(layer, x, config, {}, {}, rotary)), 1e-12);
    EXPECT_GT(largest_difference(turned, layer->forward(x)), 1e-3);
  }
  EXPECT_LT(ops::gradient_error(
                [&](const auto& in) { return layer->forward(in, {.rotary = rotary}); }, x),
            1e-7);
}

TEST(SelfAttention, MasksPaddingAndTheFuture) {
  torch::manual_seed(7);
  const SelfAttentionConfig config{.dim = kAttDim, .num_heads = kAttHeads, .qkv_bias = true};
  SelfAttention layer(config);
  prepare(layer);
  const auto x = torch::randn({kAttBatch, kAttTokens, kAttDim}, torch::kDouble);
  auto padding = torch::ones({kAttBatch, kAttTokens}, torch::kBool);
  padding[1].slice(0, 5).fill_(false);
  for (const bool padded : {false, true})
    for (const bool causal : {false, true}) {
      SelfAttentionArgs args{.causal = causal};
      auto seen = torch::ones({kAttBatch, kAttTokens, kAttTokens}, torch::kBool);
      if (padded) args.key_padding = padding, seen = seen.logical_and(padding.unsqueeze(1));
      if (causal) seen = seen.tril();
      {
        const torch::NoGradGuard no_grad;
        EXPECT_LT(largest_difference(layer->forward(x, args),
                                     naive_attention(layer, x, config, {}, seen)),
                  1e-12);
      }
      EXPECT_LT(ops::gradient_error([&](const auto& in) { return layer->forward(in, args); }, x),
                1e-7);
    }
  // Real tokens do not know what the padding holds.
  auto other = x.clone();
  other[1].slice(0, 5).normal_();
  const SelfAttentionArgs args{.key_padding = padding};
  EXPECT_TRUE(layer->forward(x, args)[1].slice(0, 0, 5).equal(
      layer->forward(other, args)[1].slice(0, 0, 5)));
}

TEST(SelfAttention, GradientsAreTheFiniteDifferences) {
  torch::manual_seed(8);
  for (const char* key : {static_cast<const char*>(nullptr), "rel_pos"}) {
    SelfAttention layer(SelfAttentionConfig{
        .dim = 6,
        .num_heads = 2,
        .position = {.type = PositionBiasType::kRelative, .grid_size = 2, .key = key}});
    prepare(layer);
    EXPECT_LT(ops::gradient_error([&](const auto& x) { return layer->forward(x); },
                                  torch::randn({2, 4, 6}, torch::kDouble)),
              1e-7);
    for (const auto& item : layer->named_parameters())
      EXPECT_GT(item.value().grad().abs().max().item<double>(), 0) << item.key();
  }
}

TEST(SelfAttention, DrawsItsTableWhereItStands) {
  const auto names = [](const char* key) {
    SelfAttention layer(SelfAttentionConfig{
        .dim = 4,
        .num_heads = 2,
        .position = {.type = PositionBiasType::kRelative, .grid_size = 2, .key = key}});
    std::vector<std::string> found;
    for (const auto& item : layer->named_parameters()) found.push_back(item.key());
    return found;
  };
  EXPECT_EQ(names(nullptr), (std::vector<std::string>{"relative_position_bias_table", "qkv.weight",
                                                      "proj.weight", "proj.bias"}));
  EXPECT_EQ(names("rel_pos"),
            (std::vector<std::string>{"qkv.weight", "rel_pos.relative_position_bias_table",
                                      "proj.weight", "proj.bias"}));
}

// Keys and values from another set of tokens; source: [B,M,D].
Tensor naive_cross(const torch::nn::Linear& q, const Tensor& keys, const Tensor& values,
                   const torch::nn::Linear& proj, const Tensor& x) {
  torch::nn::Linear to_query = q, to_out = proj;
  const auto queries = to_query->forward(x);  // [B,N,D]
  auto out = torch::zeros_like(x);
  for (int64_t b = 0; b < x.size(0); ++b)
    for (int64_t head = 0; head < kAttHeads; ++head) {
      const auto of = [&](const Tensor& t) {
        return t[b].narrow(1, head * kAttHeadDim, kAttHeadDim);
      };
      const auto scores = of(queries).mm(of(keys).t()) / std::sqrt(1.0 * kAttHeadDim);
      out[b].narrow(1, head * kAttHeadDim, kAttHeadDim).copy_(scores.softmax(1).mm(of(values)));
    }
  return to_out->forward(out);
}

TEST(SpatialReductionAttention, EqualsItsNaiveTwin) {
  torch::manual_seed(9);
  for (const int64_t ratio : {1, 2, 5}) {
    SpatialReductionAttention layer(SpatialReductionAttentionConfig{
        .attention = {.dim = kAttDim, .num_heads = kAttHeads}, .sr_ratio = ratio});
    prepare(layer);
    const auto x = torch::randn({kAttBatch, 5, 4, kAttDim}, torch::kDouble);
    {
      const torch::NoGradGuard no_grad;
      auto source = x;
      if (ratio > 1) {  // whole squares alone; a map that has none is padded to one
        const int64_t rows = std::max<int64_t>(5 / ratio, 1),
                      columns = std::max<int64_t>(4 / ratio, 1);
        auto padded =
            torch::zeros({kAttBatch, rows * ratio, columns * ratio, kAttDim}, torch::kDouble);
        const int64_t H = std::min<int64_t>(5, rows * ratio),
                      W = std::min<int64_t>(4, columns * ratio);
        padded.slice(1, 0, H).slice(2, 0, W).copy_(x.slice(1, 0, H).slice(2, 0, W));
        source = torch::zeros({kAttBatch, rows, columns, kAttDim}, torch::kDouble);
        for (int64_t r = 0; r < rows; ++r)
          for (int64_t c = 0; c < columns; ++c) {
            const auto square = padded.narrow(1, r * ratio, ratio).narrow(2, c * ratio, ratio);
            source.select(1, r).select(1, c).copy_(
                torch::einsum("bijc,ocij->bo", {square, layer->sr->weight}) + layer->sr->bias);
          }
        source = layer->norm->forward(source);
      }
      const auto kv = layer->kv->forward(source.flatten(1, 2));
      const auto expected =
          naive_cross(layer->q, kv.narrow(2, 0, kAttDim), kv.narrow(2, kAttDim, kAttDim),
                      layer->proj, x.flatten(1, 2));
      EXPECT_LT(largest_difference(layer->forward(x), expected.view_as(x)), 1e-12) << ratio;
    }
    EXPECT_LT(ops::gradient_error([&](const auto& in) { return layer->forward(in); }, x), 1e-7)
        << ratio;
  }
}

// A map of 5 x 6 tokens, of which the second image fills `rows` x `columns`.
Tensor tokens_of_map(int64_t rows, int64_t columns) {
  auto tokens = torch::ones({kAttBatch, 5, 6}, torch::kBool);
  tokens[1].slice(0, rows).fill_(false);
  tokens[1].slice(1, columns).fill_(false);
  return tokens;
}

TEST(SpatialReductionAttention, PaddingHasNoInfluence) {
  torch::manual_seed(11);
  const torch::NoGradGuard no_grad;
  for (const int64_t ratio : {1, 2, 3, 7})
    for (const auto& [rows, columns] :
         {std::pair<int64_t, int64_t>{4, 4}, {3, 5}, {1, 1}, {5, 6}}) {
      SpatialReductionAttention layer(SpatialReductionAttentionConfig{
          .attention = {.dim = kAttDim, .num_heads = kAttHeads}, .sr_ratio = ratio});
      prepare(layer);
      const auto tokens = tokens_of_map(rows, columns);
      const auto x = torch::randn({kAttBatch, 5, 6, kAttDim}, torch::kDouble);
      const auto other = torch::where(tokens.unsqueeze(-1), x, 100 * torch::randn_like(x));
      const auto y = layer->forward(x, {.key_padding = tokens});
      EXPECT_TRUE(
          y.index({tokens}).equal(layer->forward(other, {.key_padding = tokens}).index({tokens})))
          << ratio << ": " << rows << " x " << columns;
      // Where whole keys are padding, it is as if they were not there.
      if (rows % ratio != 0 || columns % ratio != 0) continue;
      const auto cut = x.slice(0, 1).slice(1, 0, rows).slice(2, 0, columns).contiguous();
      EXPECT_LT(largest_difference(y.slice(0, 1).slice(1, 0, rows).slice(2, 0, columns),
                                   layer->forward(cut)),
                1e-12)
          << ratio << ": " << rows << " x " << columns;
    }
}

TEST(SpatialReductionAttention, MasksAndBiasHaveTheFiniteDifferencesForGradients) {
  torch::manual_seed(12);
  for (const int64_t ratio : {1, 2}) {
    SpatialReductionAttention layer(SpatialReductionAttentionConfig{
        .attention = {.dim = kAttDim, .num_heads = kAttHeads}, .sr_ratio = ratio});
    prepare(layer);
    const int64_t keys = (5 / ratio) * (6 / ratio);
    const auto x = torch::randn({kAttBatch, 5, 6, kAttDim}, torch::kDouble);
    const auto bias = torch::randn({1, kAttHeads, 30, keys}, torch::kDouble);
    auto tokens = tokens_of_map(3, 5);
    const auto call = [&](const Tensor& in, const Tensor& of) {
      return layer->forward(in, {.bias = of, .key_padding = tokens});
    };
    EXPECT_LT(ops::gradient_error([&](const auto& in) { return call(in, bias); }, x), 1e-7);
    EXPECT_LT(ops::gradient_error([&](const auto& of) { return call(x, of); }, bias), 1e-7);
    // A bias changes the result; one that is the same for all keys does not.
    const torch::NoGradGuard no_grad;
    const auto plain = layer->forward(x, {.key_padding = tokens});
    EXPECT_GT(largest_difference(call(x, bias), plain), 1e-3);
    EXPECT_LT(largest_difference(call(x, torch::ones_like(bias)), plain), 1e-12);
    tokens[1].fill_(false);  // an image of padding alone
    EXPECT_TRUE(call(x, bias).isfinite().all().item<bool>());
  }
}

// Every other token is a key.
class HalvedKeysImpl : public ReducedKeyAttentionImpl {
 public:
  using ReducedKeyAttentionImpl::ReducedKeyAttentionImpl;

 protected:
  Tensor reduce(const Tensor& x) override { return x.slice(1, 0, x.size(1), 2); }
  Tensor reduce_mask(const Tensor& tokens) override { return reduce(tokens); }
};
TORCH_MODULE(HalvedKeys);

TEST(ReducedKeyAttention, ProjectsKeysAndValuesJointlyOrApart) {
  torch::manual_seed(10);
  const torch::NoGradGuard no_grad;
  const auto x = torch::randn({kAttBatch, kAttTokens, kAttDim}, torch::kDouble);
  const auto source = x.slice(1, 0, kAttTokens, 2);
  for (const bool joint : {false, true}) {
    HalvedKeys layer(
        ReducedKeyAttentionConfig{.dim = kAttDim, .num_heads = kAttHeads, .joint_kv = joint});
    prepare(layer);
    const auto keys =
        joint ? layer->kv->forward(source).narrow(2, 0, kAttDim) : layer->k->forward(source);
    const auto values =
        joint ? layer->kv->forward(source).narrow(2, kAttDim, kAttDim) : layer->v->forward(source);
    EXPECT_LT(
        largest_difference(layer->forward(x), naive_cross(layer->q, keys, values, layer->proj, x)),
        1e-12);
  }
}

}  // namespace
}  // namespace braid::nn
