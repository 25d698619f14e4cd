#include "braid/models/vision/efficientnet_stages.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <sstream>

#include "braid/core/error.h"
#include "braid/models/validate.h"
#include "braid/models/vision/mobile_attention.h"
#include "braid/nn/basic/drop_path.h"

namespace braid::models {
namespace {

// One block string, taken apart.
struct BlockArgs {
  std::string type;
  std::optional<nn::Act> act{};
  std::map<std::string, double> numbers{};  // by letter
  double get(const std::string& key, double otherwise) const {
    const auto it = numbers.find(key);
    return it == numbers.end() ? otherwise : it->second;
  }
  int64_t whole(const std::string& key, int64_t otherwise) const {
    return static_cast<int64_t>(get(key, static_cast<double>(otherwise)));
  }
};

[[noreturn]] void fail(const std::string& expected, const std::string& block) {
  throw ConfigError("models", fmt::format("expected {}, got '{}'", expected, block),
                    "field arch_def", "see efficientnet_stages.h for the notation");
}

void parse_number(const std::string& word, const std::string& block, BlockArgs& args) {
  static const std::vector<std::string> kKeys = {"c", "k", "a", "s", "e", "se", "h", "d", "v"};
  const auto digits = word.find_first_of("0123456789");
  const std::string key = word.substr(0, digits);
  if (digits == std::string::npos || std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end())
    fail(fmt::format("one of {} before a number", fmt::join(kKeys, ", ")), block);
  double value = 0;
  const char* end = word.data() + word.size();
  if (std::from_chars(word.data() + digits, end, value).ptr != end || !(value <= 1e6))
    fail("a number after '" + key + "'", block);
  if (key != "e" && key != "se" && value != static_cast<double>(static_cast<int64_t>(value)))
    fail("a whole number after '" + key + "'", block);
  args.numbers[key] = value;
}

BlockArgs parse_block(const std::string& block) {
  static const std::vector<std::string> kTypes = {"cn", "ds", "ir", "er", "uir", "mqa"};
  static const std::map<std::string, nn::Act> kActs = {{"nre", nn::Act::kRelu},
                                                       {"nr6", nn::Act::kRelu6},
                                                       {"nhs", nn::Act::kHardSwish},
                                                       {"nsw", nn::Act::kSilu}};
  std::istringstream words(block);
  BlockArgs args;
  std::getline(words, args.type, '_');
  if (std::find(kTypes.begin(), kTypes.end(), args.type) == kTypes.end())
    fail(fmt::format("a block of type {}", fmt::join(kTypes, ", ")), block);
  for (std::string word; std::getline(words, word, '_');) {
    const auto act = kActs.find(word);
    if (act != kActs.end())
      args.act = act->second;
    else
      parse_number(word, block, args);
  }
  const bool universal = args.type == "uir", attention = args.type == "mqa";
  const auto odd = [&](const char* key, int64_t otherwise) {
    const int64_t kernel = args.whole(key, otherwise);
    return kernel % 2 == 1 && kernel < 64;
  };
  const int64_t stride = args.whole("s", 1);
  if (args.whole("c", 0) < 1) fail("a number of channels, such as c32", block);
  if (stride != 1 && (stride != 2 || attention)) fail("s1 or, where no attention is, s2", block);
  if (!odd("k", 3) && !(universal && args.whole("k", 3) == 0)) fail("an odd kernel size k", block);
  if (!odd("a", 1) && args.whole("a", 0) != 0) fail("an odd kernel size a, or a0", block);
  if (universal && stride > 1 && args.whole("k", 3) == 0 && args.whole("a", 0) == 0)
    fail("a depthwise convolution for the stride", block);
  if (args.get("e", 1) <= 0) fail("a positive expansion ratio e", block);
  if (args.get("se", 0) > 1) fail("a ratio se of at most 1", block);
  if (args.whole("h", 8) < 1 || args.whole("d", 64) < 1 || args.whole("v", 1) < 1)
    fail("positive h, d and v", block);
  return args;
}

std::shared_ptr<nn::BlockImpl> make_mobile_block(const BlockArgs& args, int64_t in, int64_t stride,
                                                 double drop_path,
                                                 const EfficientNetStagesConfig& config) {
  const nn::Act act = args.act.value_or(config.act);
  const int64_t out = args.whole("c", 0);
  const double exp_ratio = args.get("e", 1);
  const bool same = config.padding == nn::Padding::kSame;
  if ((args.type == "mqa" || args.type == "uir") &&
      (same || config.norm_eps != EfficientNetStagesConfig().norm_eps))
    fail("blocks ds, ir, er or cn with padding 'same' or another epsilon of the norms", args.type);
  if (args.type == "cn" && same && stride > 1)
    fail("cn of stride 1 with padding 'same'", args.type);
  if (args.type == "mqa")
    return std::make_shared<MobileAttentionImpl>(
        MobileAttentionConfig{.attn = {.dim = in,
                                       .dim_out = out,
                                       .num_heads = args.whole("h", 8),
                                       .key_dim = args.whole("d", 64),
                                       .kv_stride = args.whole("v", 1),
                                       .dw_kernel_size = args.whole("k", 3)},
                              .layer_scale_init_value = config.layer_scale_init_value,
                              .drop_path = drop_path});
  if (args.type == "uir")
    return std::make_shared<nn::UniversalInvertedResidualImpl>(
        nn::UniversalInvertedResidualConfig{.in_chs = in,
                                            .out_chs = out,
                                            .dw_kernel_size_start = args.whole("a", 0),
                                            .dw_kernel_size_mid = args.whole("k", 3),
                                            .stride = stride,
                                            .exp_ratio = exp_ratio,
                                            .act = act,
                                            .layer_scale_init_value = config.layer_scale_init_value,
                                            .drop_path = drop_path});
  nn::MobileBlockConfig block{.in_chs = in,
                              .out_chs = out,
                              .kernel_size = args.whole("k", 3),
                              .stride = stride,
                              .exp_ratio = exp_ratio,
                              .act = act,
                              .se = config.se,
                              .padding = config.padding,
                              .norm_eps = config.norm_eps,
                              .drop_path = drop_path};
  block.se.ratio = args.get("se", 0);
  if (args.type == "cn")
    return std::make_shared<nn::ConvNormActImpl>(
        nn::ConvNormActConfig{.in_chs = in,
                              .out_chs = out,
                              .kernel_size = block.kernel_size,
                              .stride = stride,
                              .act = act,
                              .norm_eps = config.norm_eps,
                              .norm_key = "bn1"});
  if (args.type == "ds") return std::make_shared<nn::DepthwiseSeparableConvImpl>(block);
  if (!config.se_from_exp) block.se.ratio /= exp_ratio;
  if (args.type == "er") return std::make_shared<nn::EdgeResidualImpl>(block);
  return std::make_shared<nn::InvertedResidualImpl>(block);
}

std::vector<BlockArgs> parse_stage(const std::string& stage, int64_t depth) {
  std::istringstream words(stage);
  std::vector<BlockArgs> blocks;
  for (std::string word; words >> word;) blocks.push_back(parse_block(word));
  if (blocks.empty()) fail("a block", stage);
  const auto last = blocks.back();
  blocks.resize(static_cast<size_t>(depth), last);
  return blocks;
}

}  // namespace

EfficientNetStagesImpl::EfficientNetStagesImpl(const EfficientNetStagesConfig& config) {
  constexpr size_t kMostStages = 60;  // whose strides' product is a number
  const size_t count = config.arch_def.size();
  if (count == 0 || count > kMostStages || config.depths.size() != count)
    throw ConfigError("models",
                      fmt::format("expected as many depths as arch_def, 1 to {}, got {} and {}",
                                  kMostStages, config.depths.size(), count),
                      "field depths");
  for (const int64_t depth : config.depths)
    if (depth < 1 || depth > kMaxBlocks)
      throw ConfigError("models",
                        fmt::format("expected depths between 1 and {}, got {}", kMaxBlocks, depth),
                        "field depths");
  std::vector<std::vector<BlockArgs>> stages;
  for (size_t i = 0; i < count; ++i)
    stages.push_back(parse_stage(config.arch_def[i], config.depths[i]));

  // One step more than there are blocks: the last one stays below the rate.
  auto steps = config.depths;
  steps.push_back(1);
  const auto rates = nn::drop_path_rates(config.drop_path_rate, steps);
  MobileLevel level{.stage = -1, .num_chs = config.in_chs};
  for (size_t i = 0; i < count; ++i) {
    const int64_t stride = stages[i][0].whole("s", 1);
    if (stride > 1) levels_.push_back(level);
    level.stage = static_cast<int64_t>(i);
    level.reduction *= stride;
    nn::BlockList blocks;
    for (const auto& args : stages[i]) {
      const size_t j = blocks->size();
      blocks->push_back(
          make_mobile_block(args, level.num_chs, j == 0 ? stride : 1, rates[i][j], config));
      level.num_chs = args.whole("c", 0);
    }
    stages_.push_back(register_module(std::to_string(i), blocks));
  }
  levels_.push_back(level);
}

torch::Tensor EfficientNetStagesImpl::forward(torch::Tensor x, bool checkpointing) {
  for (auto& stage : stages_) x = stage->forward(x, checkpointing);
  return x;
}

}  // namespace braid::models
