// Optimizers, schedules, averaged weights and losses against PyTorch's and timm's trajectories.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "braid/core/error.h"
#include "braid/models/registry.h"
#include "braid/models/text/text_model.h"
#include "braid/models/vision/image_model.h"
#include "braid/runtime/generator_guard.h"
#include "braid/runtime/tensor_file.h"
#include "braid/train/divergence.h"
#include "braid/train/ema.h"
#include "braid/train/make_optimizer.h"
#include "braid/train/muon.h"
#include "braid/train/optimizer.h"
#include "braid/train/schedule.h"

namespace braid::train {
namespace {

const std::filesystem::path kFixtures =
    std::filesystem::path(BRAID_TEST_SOURCE_DIR) / "train" / "fixtures";

const runtime::TensorMap& fixture() {
  static const auto tensors = runtime::load_tensors(kFixtures / "optimizers.safetensors");
  return tensors;
}

double relative_error(const torch::Tensor& got, const torch::Tensor& expected) {
  return ((got - expected).abs().max() / expected.abs().max()).item<double>();
}

OptimizerConfig config_of(const std::string& name) {
  OptimizerConfig config;
  config.opt = name == "plain_sgd" ? "sgd" : name;
  if (name == "plain_sgd") config.momentum = 0;
  return config;
}

class Trajectory : public ::testing::TestWithParam<std::string> {};

TEST_P(Trajectory, EqualsTheReference) {
  constexpr int64_t kSteps = 20;
  const OptimizerConfig config = config_of(GetParam());
  ParamGroup decayed, plain;
  for (const char* name : {"weight", "bias"}) {
    auto& group = std::string(name) == "weight" ? decayed : plain;
    group.names = {name};
    group.params = {fixture().at("start." + std::string(name)).clone().requires_grad_()};
  }
  decayed.weight_decay = 0.1;
  const auto optimizer = make_optimizer({decayed, plain}, config);
  for (int64_t step = 0; step < kSteps; ++step) {
    for (const auto& group : optimizer->groups()) {
      auto param = group.params[0];
      param.mutable_grad() = fixture().at("gradients." + group.names[0])[step].clone();
    }
    optimizer->step(0.05 / static_cast<double>(1 + step));
    for (const auto& group : optimizer->groups())
      EXPECT_LT(relative_error(group.params[0].detach(),
                               fixture().at(GetParam() + "." + group.names[0])[step]),
                1e-6)
          << group.names[0] << " after step " << step;
  }
}

TEST_P(Trajectory, GoesOnFromItsState) {
  const auto run = [&](bool through_state) {
    const OptimizerConfig config = config_of(GetParam());
    const ParamGroup group{.names = {"weight"},
                           .params = {fixture().at("start.weight").clone().requires_grad_()},
                           .weight_decay = 0.1,
                           .lr_scale = 1};
    auto optimizer = make_optimizer({group}, config);
    auto param = group.params[0];
    for (int64_t step = 0; step < 6; ++step) {
      if (through_state && step == 3) {
        const auto state = optimizer->state();
        optimizer = make_optimizer({group}, config);
        optimizer->load_state(state);
      }
      param.mutable_grad() = fixture().at("gradients.weight")[step].clone();
      optimizer->step(0.05);
    }
    return param.detach();
  };
  EXPECT_TRUE(run(true).equal(run(false)));
}

INSTANTIATE_TEST_SUITE_P(Optimizers, Trajectory,
                         ::testing::Values("plain_sgd", "sgd", "nesterov", "adamw", "lamb", "lion"),
                         [](const auto& info) { return info.param; });

// timm's Lookahead around an optimizer, in float64.
struct LookaheadCase {
  const char* opt;
  LookaheadOptions options;
};
class LookaheadTest : public ::testing::TestWithParam<LookaheadCase> {
 protected:
  static const runtime::TensorMap& path() {
    static const auto tensors = runtime::load_tensors(kFixtures / "lookahead.safetensors");
    return tensors;
  }
  static std::vector<ParamGroup> groups() {
    ParamGroup decayed{.names = {"weight"}, .params = {}, .weight_decay = 0.1};
    ParamGroup plain{.names = {"bias"}, .params = {}};
    for (auto* group : {&decayed, &plain})
      group->params = {path().at("start." + group->names[0]).clone().requires_grad_()};
    return {decayed, plain};
  }
  static std::unique_ptr<Optimizer> make(const std::vector<ParamGroup>& groups) {
    auto optimizer = make_optimizer(groups, config_of(std::string(kLookahead) + GetParam().opt));
    optimizer->look_ahead(GetParam().options);
    return optimizer;
  }
  static void step(Optimizer& optimizer, int64_t step) {
    for (const auto& group : optimizer.groups()) {
      auto param = group.params[0];
      param.mutable_grad() = path().at("gradients." + group.names[0])[step].clone();
    }
    optimizer.step(0.05 / static_cast<double>(1 + step));
  }
};

TEST_P(LookaheadTest, EqualsTheReference) {
  const auto optimizer = make(groups());
  for (int64_t i = 0; i < 20; ++i) {
    step(*optimizer, i);
    for (const auto& group : optimizer->groups())
      EXPECT_LT(
          relative_error(group.params[0].detach(),
                         path().at(std::string(GetParam().opt) + "." +
                                   std::to_string(GetParam().options.k) + "." + group.names[0])[i]),
          1e-13)
          << group.names[0] << " after step " << i;
  }
}

TEST_P(LookaheadTest, GoesOnFromItsState) {
  for (const int64_t cut : {3, 8, 12}) {  // before, between and at slow steps
    const auto run = [&](bool through_state) {
      const auto parameters = groups();
      auto optimizer = make(parameters);
      for (int64_t i = 0; i < 20; ++i) {
        if (through_state && i == cut) {
          const auto state = optimizer->state();
          optimizer = make(parameters);
          optimizer->load_state(state);
        }
        step(*optimizer, i);
      }
      return parameters[0].params[0].detach().clone();
    };
    EXPECT_TRUE(run(true).equal(run(false))) << cut;
  }
}

INSTANTIATE_TEST_SUITE_P(Optimizers, LookaheadTest,
                         ::testing::Values(LookaheadCase{"sgd", {}}, LookaheadCase{"adamw", {}},
                                           LookaheadCase{"adamw", {.k = 5, .alpha = 0.8}},
                                           LookaheadCase{"lion", {}}),
                         [](const auto& info) {
                           return std::string(info.param.opt) +
                                  std::to_string(info.param.options.k);
                         });

TEST(Lookahead, StandsBeforeAnyOptimizersName) {
  RunConfig config;
  for (const char* opt : {"sgd", "nesterov", "adamw", "lamb", "lion", "muon", "nmuon"}) {
    config.optimizer.opt = std::string(kLookahead) + opt;
    EXPECT_NO_THROW(validate(config)) << opt;
    EXPECT_NE(make_optimizer({}, config.optimizer), nullptr) << opt;
  }
  config.optimizer.opt = "lookahead_rmsprop";
  EXPECT_THROW(validate(config), ConfigError);
}

class MuonTest : public ::testing::TestWithParam<std::string> {};

// 8 steps over shapes that it trains and shapes that it leaves to AdamW.
TEST_P(MuonTest, EqualsTheReference) {
  static const auto tensors = runtime::load_tensors(kFixtures / "muon.safetensors");
  ParamGroup decayed, plain;
  for (const std::string name : {"wide", "tall", "conv", "depthwise", "thin", "bias"}) {
    auto& group = name == "bias" ? plain : decayed;
    group.names.push_back(name);
    group.params.push_back(tensors.at("start." + name).clone().requires_grad_());
  }
  decayed.weight_decay = 0.1;
  OptimizerConfig config;
  config.opt = GetParam();
  const auto optimizer = make_optimizer({decayed, plain}, config);
  for (int64_t step = 0; step < 8; ++step) {
    for (const auto& group : optimizer->groups())
      for (size_t i = 0; i < group.params.size(); ++i) {
        auto param = group.params[i];
        param.mutable_grad() = tensors.at("gradients." + group.names[i])[step].clone();
      }
    optimizer->step(0.05 / static_cast<double>(1 + step));
  }
  for (const auto& group : optimizer->groups())
    for (size_t i = 0; i < group.params.size(); ++i)
      EXPECT_LT(
          relative_error(group.params[i].detach(), tensors.at(GetParam() + "." + group.names[i])),
          2e-5)  // five iterations of products, each in an order of its own
          << group.names[i];
}

INSTANTIATE_TEST_SUITE_P(Optimizers, MuonTest, ::testing::Values("muon", "nmuon"),
                         [](const auto& info) { return info.param; });

TEST(MuonParts, TrainsMatricesAndConvolutionsAlone) {
  for (const std::vector<int64_t>& shape :
       std::vector<std::vector<int64_t>>{{64, 128}, {10, 64}, {96, 3, 4, 4}, {4, 512}})
    EXPECT_TRUE(suits_muon(shape)) << at::IntArrayRef(shape);
  for (const std::vector<int64_t>& shape : std::vector<std::vector<int64_t>>{
           {64}, {4, 2048}, {1, 196, 768}, {64, 1, 3, 3}, {3, 64}, {}})
    EXPECT_FALSE(suits_muon(shape)) << at::IntArrayRef(shape);
}

TEST(MuonParts, LeavesEmbeddingsToAdamW) {
  const auto model = models::create_model<models::TextEncoder>(
      "bert_tiny", {{"head", "masked_lm"}, {"vocab_size", 50}}, /*seed=*/0);
  const auto optimizer = make_optimizer(make_param_groups(*model, {}), config_of("nmuon"));
  std::set<std::string> orthogonal, elementwise;
  for (const auto& group : optimizer->groups())
    (group.orthogonal ? orthogonal : elementwise).insert(group.names.begin(), group.names.end());
  const std::string body = "bert.embeddings.";
  for (const char* table : {"word_embeddings", "position_embeddings", "token_type_embeddings"})
    EXPECT_TRUE(elementwise.contains(body + table + ".weight")) << table;
  EXPECT_TRUE(orthogonal.contains("bert.encoder.layer.0.attention.self.query.weight"));
}

TEST(MuonParts, OrthogonalizesNearly) {
  const runtime::SeededGenerator generator(at::kCPU, 3);
  for (const bool tall : {false, true}) {
    const auto matrix = tall ? torch::randn({40, 12}) : torch::randn({12, 40});
    const auto values = at::linalg_svdvals(orthogonalize(matrix, 1e-7));
    EXPECT_GT(values.min().item<double>(), 0.7);
    EXPECT_LT(values.max().item<double>(), 1.2);
  }
}

TEST(MuonParts, LargeMatricesGoThroughBFloat16) {
  const runtime::SeededGenerator generator(at::kCPU, 3);
  const auto small = torch::randn({12, 40}), large = torch::randn({400, 150});
  EXPECT_EQ(orthogonalize(small, 1e-7, /*bfloat16=*/true).scalar_type(), torch::kFloat);
  const auto found = orthogonalize(large, 1e-7, /*bfloat16=*/true);
  EXPECT_EQ(found.scalar_type(), torch::kBFloat16);
  const auto truth = orthogonalize(large, 1e-7);
  EXPECT_LT((found - truth).norm().item<double>(), 0.02 * truth.norm().item<double>());
}

TEST(MuonParts, AsManyThreadsAsThereAreChangeNothing) {
  const runtime::SeededGenerator generator(at::kCPU, 3);
  std::vector<torch::Tensor> start, gradients;
  for (const std::vector<int64_t>& shape :
       std::vector<std::vector<int64_t>>{{8, 12}, {16, 4, 3, 3}, {6, 6}, {5, 40}, {9}}) {
    start.push_back(torch::randn(shape));
    gradients.push_back(torch::randn(shape));
  }
  const auto trained = [&](int threads) {
    ParamGroup group{.names = {}, .params = {}, .weight_decay = 0.1, .lr_scale = 1};
    for (size_t i = 0; i < start.size(); ++i) {
      group.names.push_back(std::to_string(i));
      group.params.push_back(start[i].clone().requires_grad_());
      group.params.back().mutable_grad() = gradients[i].clone();
    }
    const auto optimizer = make_optimizer({group}, config_of("nmuon"));
    const int before = at::get_num_threads();
    at::set_num_threads(threads);
    for (int i = 0; i < 3; ++i) optimizer->step(0.01);
    at::set_num_threads(before);
    return group.params;
  };
  const auto alone = trained(1), together = trained(3);
  for (size_t i = 0; i < alone.size(); ++i) EXPECT_TRUE(alone[i].equal(together[i])) << i;
}

TEST(OptimizerTest, StateOfAnotherShapeIsRefused) {
  const ParamGroup group{.names = {"w"},
                         .params = {torch::zeros({2, 2}).requires_grad_()},
                         .weight_decay = 0,
                         .lr_scale = 1};
  const auto optimizer = make_optimizer({group}, {});
  EXPECT_THROW(optimizer->load_state({{"w.exp_avg", torch::zeros({3})}}), DataError);
}

TEST(OptimizerTest, ClippingIsPyTorchs) {
  const auto param = torch::zeros({3, 4}).requires_grad_();
  param.mutable_grad() = torch::randn({3, 4});
  const auto original = param.grad().clone();
  const ParamGroup group{.names = {"w"}, .params = {param}, .weight_decay = 0, .lr_scale = 1};
  const auto optimizer = make_optimizer({group}, {});
  const double norm = clip_grad_norm(*optimizer, 0.5);
  EXPECT_NEAR(norm, original.norm().item<double>(), 1e-6);
  EXPECT_LT(relative_error(param.grad(), original * (0.5 / (norm + 1e-6))), 1e-6);
  param.mutable_grad() = original.clone();
  clip_grad_norm(*optimizer, 1e6);
  EXPECT_TRUE(param.grad().equal(original));
}

TEST(ParamGroups, DecayNeverOnNormsBiasesAndPositions) {
  const auto model =
      models::create_model<models::ImageModel>("vit_lite_2_4_32", {{"num_classes", 3}});
  OptimizerConfig config;
  int64_t seen = 0;
  for (const auto& group : make_param_groups(*model, config))
    for (size_t i = 0; i < group.names.size(); ++i, ++seen) {
      const auto& name = group.names[i];
      const bool spared = name.ends_with("bias") || name.find("norm") != std::string::npos ||
                          name.find("positional") != std::string::npos ||
                          name.find("class_emb") != std::string::npos;
      EXPECT_EQ(group.weight_decay == 0, spared) << name;
    }
  EXPECT_EQ(seen, static_cast<int64_t>(model->parameters().size()));
}

TEST(ParamGroups, LayerDecayFallsFromTheHead) {
  const auto model =
      models::create_model<models::ImageModel>("vit_lite_2_4_32", {{"num_classes", 3}});
  OptimizerConfig config;
  config.layer_decay = 0.5;
  for (const auto& group : make_param_groups(*model, config))
    for (const auto& name : group.names)
      EXPECT_DOUBLE_EQ(group.lr_scale, std::pow(0.5, static_cast<double>(model->layer_count() - 1 -
                                                                         model->layer_id(name))))
          << name;
  EXPECT_LT(model->layer_id("tokenizer.conv_layers.0.0.weight"),
            model->layer_id("classifier.fc.weight"));
}

class ScheduleParity : public ::testing::TestWithParam<std::string> {};

TEST_P(ScheduleParity, EqualsTheReference) {
  const Json table = read_json(kFixtures / "schedules.json");
  ScheduleConfig config;
  config.sched = GetParam();
  if (GetParam() != "plateau") config.warmup_epochs = 3;
  config.warmup_lr = GetParam() == "inverse_sqrt" ? 0.0 : 0.01;
  config.min_lr = GetParam() == "plateau" ? 0.02 : 0.004;
  config.decay_epochs = 6;
  config.decay_rate = GetParam() == "plateau" ? 0.5 : 0.2;
  config.patience_epochs = 2;
  config.pct_start = 0.25;
  Schedule schedule(config, 0.4, 20);
  for (int64_t epoch = 0; epoch < 20; ++epoch) {
    const auto at = static_cast<size_t>(epoch);
    EXPECT_NEAR(schedule.lr(static_cast<double>(epoch)), table.at(GetParam())[at].get<double>(),
                1e-9)
        << "epoch " << epoch;
    schedule.observe(table.at("metrics")[at].get<double>());
    Schedule again(config, 0.4, 20);
    again.load_state(schedule.state());
    schedule = again;
  }
}

INSTANTIATE_TEST_SUITE_P(Schedules, ScheduleParity,
                         ::testing::Values("cosine", "linear", "step", "plateau", "inverse_sqrt",
                                           "one_cycle"),
                         [](const auto& info) { return info.param; });

// The values of fairseq's inverse_square_root_schedule.py with warmup_updates 4000, warmup_init_lr
// 1e-7 and lr 5e-4, after so many updates.
TEST(ScheduleTest, AWarmUpInStepsIsFairseqs) {
  ScheduleConfig config;
  config.sched = "inverse_sqrt";
  config.warmup_updates = 4000;
  config.warmup_lr = 1e-7;
  const std::vector<std::pair<int64_t, double>> fairseqs = {
      {0, 9.9999999999999995e-08},    {1, 2.2497500000000001e-07},   {2000, 0.00025005000000000003},
      {3999, 0.000499875025},         {4000, 0.0004999999999999999}, {4001, 0.00049993751171630908},
      {16000, 0.00024999999999999995}};
  for (const double epoch : {0.0, 3.7, 1000.0})  // which has no part in it
    for (const auto& [step, lr] : fairseqs)
      EXPECT_NEAR(Schedule(config, 5e-4, 10).lr(epoch, step), lr, 1e-15) << step;
  config.sched = "cosine";
  EXPECT_NEAR(Schedule(config, 5e-4, 10).lr(9, 1), 1e-7 + (5e-4 - 1e-7) / 4000, 1e-15);
  EXPECT_NEAR(Schedule(config, 5e-4, 10).lr(5, 4000), 2.5e-4, 1e-15);
}

TEST(EmaTest, EqualsModelEmaV3) {
  torch::nn::Linear module(3, 4);
  const torch::NoGradGuard no_grad;
  module->weight.copy_(fixture().at("start.weight"));
  module->bias.copy_(fixture().at("start.bias"));
  Ema ema(*module, {.decay = 0.9, .warmup = false});
  for (int64_t step = 0; step < 20; ++step) {
    module->weight.copy_(fixture().at("adamw.weight")[step]);
    module->bias.copy_(fixture().at("adamw.bias")[step]);
    ema.update(*module, step + 2);  // the generator's steps are not numbered: none is the first
  }
  const auto last = module->weight.clone();
  ema.swap(*module);
  EXPECT_LT(relative_error(module->weight, fixture().at("ema.weight")), 1e-6);
  EXPECT_LT(relative_error(module->bias, fixture().at("ema.bias")), 1e-6);
  ema.swap(*module);
  EXPECT_TRUE(module->weight.equal(last));
}

// The values of timm 1.0.31's ModelEmaV3(decay=0.9998, use_warmup=True).get_decay(step).
TEST(EmaTest, ItsDecayIsTimms) {
  const torch::nn::Linear module(1, 1);
  const Ema warm(*module, {.decay = 0.9998, .warmup = true});
  const std::vector<std::pair<int64_t, double>> timms = {{0, 0.0},
                                                         {1, 0.0},
                                                         {2, 0.3700394750525634},
                                                         {3, 0.5192501432308638},
                                                         {10, 0.7845565309968117},
                                                         {18, 0.8544032558772835},
                                                         {1000, 0.99},
                                                         {353555, 0.9998},
                                                         {1000000, 0.9998}};
  for (const auto& [step, decay] : timms) EXPECT_NEAR(warm.decay_at(step), decay, 1e-12) << step;
  const Ema plain(*module, {.decay = 0.9998, .warmup = false});
  EXPECT_EQ(plain.decay_at(1), 0);
  EXPECT_EQ(plain.decay_at(2), 0.9998);
}

// After 18 steps the average must be of what was learned, not of how it began.
TEST(EmaTest, AShortRunHasAnAverageOfItsOwn) {
  torch::nn::Linear module(torch::nn::LinearOptions(1, 1).bias(false));
  const torch::NoGradGuard no_grad;
  module->weight.fill_(-100);
  Ema ema(*module, {});
  double expected = 0;
  for (int64_t step = 1; step <= 18; ++step) {
    module->weight.fill_(static_cast<double>(step));
    ema.update(*module, step);
    const double decay = 1 - std::pow(static_cast<double>(step), -2.0 / 3);
    expected = decay * expected + (1 - decay) * static_cast<double>(step);
  }
  EXPECT_NEAR(ema.state().at("weight").item<double>(), expected, 1e-4);
  EXPECT_GT(expected, 10);
}

TEST(Divergence, NamesTheModule) {
  const auto model = models::create_model<models::ImageModel>(
      "vit_lite_2_4_32", {{"num_classes", 3}, {"in_chans", 1}, {"img_size", 16}}, 5);
  const auto images = torch::randn({2, 1, 16, 16});
  const auto search = [&](const torch::Tensor& input) {
    const data::Batch batch{{{data::kPixelValues, input}}, {0, 1}};
    return first_non_finite_module(*model, batch, [&] { model->forward(input); });
  };
  EXPECT_EQ(search(images), "the loss");
  EXPECT_EQ(search(images / 0.0), "the input");
  {
    const torch::NoGradGuard no_grad;
    for (auto& p : model->named_parameters())
      if (p.key() == "classifier.blocks.1.linear1.weight") p.value().fill_(NAN);
  }
  EXPECT_EQ(search(images), "classifier.blocks.1.linear1");
}

TEST(Divergence, MemoryIsJudgedOnceItIsWritten) {
  const torch::nn::Linear model(2, 2);
  const data::Batch batch{{{data::kPixelValues, torch::ones({1, 2})}}, {0}};
  const auto writes = [&](float value) {
    return first_non_finite_module(*model, batch, [value] {
      auto memory = torch::empty({2, 2});
      std::fill_n(memory.data_ptr<float>(), 4, NAN);  // as it may be when it is given out
      memory.as_strided({2}, {1}).fill_(value);
      memory.select(0, 1).fill_(1);
    });
  };
  EXPECT_EQ(writes(1), "the loss");
  EXPECT_EQ(writes(NAN), "the first module");
}

}  // namespace
}  // namespace braid::train
