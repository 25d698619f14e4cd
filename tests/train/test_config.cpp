// A training's config: what it refuses, where its values come from, what a resumed run may change.
#include "braid/train/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "braid/core/error.h"
#include "braid/io/safetensors.h"
#include "braid/train/resolve_config.h"
#include "braid/train/state.h"

namespace braid::train {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// What `action` says; empty: nothing.
template <class Action>
std::string error_of(const Action& action) {
  try {
    action();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

class ConfigFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() /
              ("braid_train_config_" + std::to_string(::getpid()) + "_" +
               ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path write(const std::string& text) const {
    std::ofstream(folder_ / "run.toml") << text;
    return folder_ / "run.toml";
  }
  fs::path folder_;
};

TEST(TrainConfigTest, EveryValueOutOfRangeIsNamed) {
  EXPECT_NO_THROW(validate(TrainConfig()));
  const double nan = std::nan("");
  const Json bad = {{"opt", "adamm"},
                    {"lr", -1},
                    {"weight_decay", -1},
                    {"momentum", 1},
                    {"opt_betas", {0.9, 1}},
                    {"opt_eps", -1},
                    {"layer_decay", 0},
                    {"head_lr", -1},
                    {"bias_lr_scale", 0},
                    {"sched", "cosin"},
                    {"warmup_epochs", -1},
                    {"warmup_lr", nan},
                    {"min_lr", -1},
                    {"decay_epochs", 0},
                    {"decay_rate", nan},
                    {"patience_epochs", -1},
                    {"img_size", 0},
                    {"drop", 1},
                    {"attn_drop", 1},
                    {"drop_path", 1},
                    {"freeze_epochs", -1},
                    {"epochs", 0},
                    {"max_train_seconds", -1},
                    {"max_steps", -1},
                    {"early_stop_epochs", -1},
                    {"batch_size", 0},
                    {"grad_accum_steps", 0},
                    {"clip_grad", -1},
                    {"smoothing", 1},
                    {"model_ema_decay", 1},
                    {"dtype", "int3"},
                    {"device", "tpu"},
                    {"workers", -1},
                    {"threads", -1},
                    {"on_bad_sample", "hide"},
                    {"val_fraction", 1},
                    {"sampler", "weighted"},
                    {"distillation_alpha", 2},
                    {"distillation_type", "warm"},
                    {"distillation_tau", 0},
                    {"checkpoint_hist", -1},
                    {"checkpoint_minutes", nan},
                    {"train_crop", "all"},
                    {"scale", {1, 0.5}},
                    {"ratio", {0, 1}},
                    {"crop_padding", 2000},
                    {"hflip", 2},
                    {"aa", "rand-x9"},
                    {"reprob", -1},
                    {"mixup", nan},
                    {"cutmix", -1},
                    {"mixup_prob", 2},
                    {"mixup_switch_prob", 2}};
  for (const auto& [field, value] : bad.items()) {
    TrainConfig config;
    update_from_json(config, Json{{field, value}}, "test");
    EXPECT_THROW(validate(config), ConfigError) << field;
    if (field != "aa") {
      EXPECT_THAT(error_of([&] { validate(config); }), HasSubstr(field));
    }
  }
  // What no machine has would overflow, or start threads until the process ends.
  for (const char* field : {"batch_size", "grad_accum_steps", "threads", "workers"}) {
    TrainConfig config;
    update_from_json(config, Json{{field, INT64_MAX}}, "test");
    EXPECT_THAT(error_of([&] { validate(config); }), HasSubstr(field));
  }
  TrainConfig twice;
  twice.task.class_weights = twice.task.sampler = "balanced";
  EXPECT_THAT(error_of([&] { validate(twice); }),
              AllOf(HasSubstr("class_weights"), HasSubstr("sampler")));
  TrainConfig flips;
  flips.task.image.augment.alternate_flip = true;
  EXPECT_NO_THROW(validate(flips));
  flips.task.image.augment.hflip = 0;
  EXPECT_THAT(error_of([&] { validate(flips); }), HasSubstr("alternate_flip"));
  TrainConfig frozen;
  frozen.run.freeze_epochs = 1;
  EXPECT_THAT(error_of([&] { validate(frozen); }), HasSubstr("freeze with freeze_epochs"));
  frozen.run.freeze = "backbone";
  EXPECT_NO_THROW(validate(frozen));
  frozen.run.freeze_bn_stats = true;
  EXPECT_THAT(error_of([&] { validate(frozen); }), HasSubstr("weights with freeze_bn_stats"));
  frozen.task.weights = "model.safetensors";
  EXPECT_NO_THROW(validate(frozen));
  TrainConfig whole;
  whole.task.distillation.distillation_alpha = 1;
  EXPECT_NO_THROW(validate(whole));
}

TEST_F(ConfigFiles, RecipeThenFileThenFields) {
  const auto file = write("model = \"resnet20\"\ndata = \"photos\"\nlr = 0.5\nepochs = 7\n");
  const auto config = resolve_config({.file = file, .fields = {{"epochs", 9}}});
  EXPECT_EQ(config.run.optimizer.opt, "nmuon") << "the recipe";
  EXPECT_EQ(config.run.clip_grad, 0) << "a CNN's";
  EXPECT_EQ(config.run.optimizer.lr, 0.5);
  EXPECT_EQ(config.run.epochs, 9);
  EXPECT_EQ(config.task.data, "photos");
  const auto other = resolve_config({.file = file, .fields = {{"model", "vit_lite_2_4_32"}}});
  EXPECT_EQ(other.run.clip_grad, 1) << "the recipe of the model that wins";
  EXPECT_EQ(other.task.model, "vit_lite_2_4_32");
  const auto plain = resolve_config({.recipe = "none", .file = file});
  EXPECT_EQ(plain.run.optimizer.opt, TrainConfig().run.optimizer.opt);
}

TEST(Recipes, FollowFromTheBudget) {
  const auto entry = models::find_model("airbench_nano");
  const auto of = [&](double passes, int64_t items, int64_t params) {
    return recipe_for(entry, {.passes = passes, .train_items = items, .params = params});
  };
  EXPECT_EQ(of(4, 60'000, 75'000).name, "short");
  EXPECT_EQ(of(30, 60'000, 75'000).name, "medium");
  EXPECT_EQ(of(200, 60'000, 75'000).name, "long");
  EXPECT_EQ(recipe_for(entry, {.fine_tuning = true}).name, "fine-tune");
  const auto keeps_statistics = [&](int64_t items, bool fine_tuning, bool batch_norms,
                                    double passes = 5) {
    return recipe_for(entry, {.passes = passes,
                              .train_items = items,
                              .fine_tuning = fine_tuning,
                              .batch_norms = batch_norms})
        .config.run.freeze_bn_stats;
  };
  EXPECT_TRUE(keeps_statistics(1'000, true, true));
  EXPECT_FALSE(keeps_statistics(1'000, true, true, 11)) << "often enough seen";
  EXPECT_FALSE(keeps_statistics(50'000, true, true)) << "enough for statistics of their own";
  EXPECT_FALSE(keeps_statistics(1'000, true, false)) << "has none";
  EXPECT_FALSE(keeps_statistics(1'000, false, true)) << "nothing to keep";
  const auto whitens = [](const char* model, bool fine_tuning) {
    return recipe_for(models::find_model(model), {.passes = 5, .fine_tuning = fine_tuning})
        .config.task.image.whiten_stem;
  };
  EXPECT_TRUE(whitens("airvit_nano", false));
  EXPECT_FALSE(whitens("airvit_nano", true)) << "the weights' own convolution stays";
  EXPECT_FALSE(whitens("airbench_nano", false)) << "gains nothing";
  EXPECT_FALSE(whitens("mobilevit_xs", false)) << "has none";
  // Few images leave few steps: smaller batches.
  EXPECT_EQ(of(8, 60'000, 75'000).config.run.batch_size, 256);
  EXPECT_EQ(of(1, 60'000, 75'000).config.run.batch_size, 64);
  EXPECT_EQ(of(100, 200, 75'000).config.run.batch_size, 32);
  // Sixteen times the parameters, half of the rate.
  EXPECT_DOUBLE_EQ(of(4, 60'000, 1'600'000).config.run.optimizer.lr,
                   of(4, 60'000, 100'000).config.run.optimizer.lr / 2);
  EXPECT_FALSE(of(4, 60'000, 75'000).config.run.model_ema);
  EXPECT_TRUE(of(30, 60'000, 75'000).config.run.model_ema);
  EXPECT_GT(of(200, 60'000, 75'000).config.task.image.augment.mixup, 0);
  for (const double passes : {0.1, 20.0, 1000.0})
    for (const bool fine_tuning : {false, true}) {
      auto config = recipe_for(entry, {.passes = passes, .fine_tuning = fine_tuning}).config;
      config.task.data = "photos";
      EXPECT_NO_THROW(validate(config));
    }
}

TEST(Recipes, OfTextsAreGentlerTheLargerAttentionGets) {
  const auto rate = [](const std::string& model, int64_t params) {
    return recipe_for(models::find_model(model), {.params = params}).config.run.optimizer.lr;
  };
  EXPECT_DOUBLE_EQ(rate("textcnn", 9'000'000), rate("textcnn", 1'000'000));
  EXPECT_DOUBLE_EQ(rate("bert_tiny", 1'000'000), 5e-4);
  EXPECT_NEAR(rate("bert_mini", 5'200'000), 2e-4, 1e-6);
  EXPECT_NEAR(rate("bert_base", 92'000'000), 5e-5, 1e-15) << "a tenth at least";
}

TEST(Recipes, OfHiddenWordsUseMuonWithoutDropout) {
  const auto of = [](bool hidden_words) {
    return recipe_for(models::find_model("bert_small"), {.passes = 4,
                                                         .train_items = 40'000,
                                                         .params = 17'000'000,
                                                         .hidden_words = hidden_words})
        .config;
  };
  EXPECT_EQ(of(true).run.optimizer.opt, "nmuon");
  EXPECT_EQ(of(true).task.drop, 0);
  EXPECT_EQ(of(true).task.text.word_drop, 0);
  EXPECT_EQ(of(false).run.optimizer.opt, "adamw");
  EXPECT_EQ(of(false).task.drop, 0.1);
}

// Tags and answers stand at words: a text that lost some is another one.
TEST(Recipes, LeaveWordsOutOfWholeTextsAlone) {
  const auto word_drop = [](bool whole_texts, bool fine_tuning) {
    return recipe_for(models::find_model("bert_tiny"),
                      {.fine_tuning = fine_tuning, .whole_texts = whole_texts})
        .config.task.text.word_drop;
  };
  EXPECT_EQ(word_drop(true, false), 0.1);
  EXPECT_EQ(word_drop(false, false), 0);
  EXPECT_EQ(word_drop(true, true), 0);
}

TEST(Recipes, OfTranslationsTradesStepsForTokens) {
  const auto entry = models::find_model("transformer_tiny");
  const auto of = [&](double passes, int64_t items) {
    return recipe_for(entry, {.passes = passes, .train_items = items, .params = 2'600'000}).config;
  };
  // Few passes over few pairs: many small steps, little dropout.
  EXPECT_EQ(of(20, 29'000).task.translation.max_tokens, 1024);
  EXPECT_EQ(of(20, 29'000).task.drop, 0.1);
  EXPECT_DOUBLE_EQ(of(20, 29'000).run.optimizer.lr, 2e-3);
  EXPECT_EQ(of(50, 29'000).task.drop, 0.2);
  // Four times the tokens, twice the rate.
  EXPECT_EQ(of(160, 29'000).task.translation.max_tokens, 4096);
  EXPECT_EQ(of(160, 29'000).task.drop, 0.3);
  EXPECT_DOUBLE_EQ(of(160, 29'000).run.optimizer.lr, 4e-3);
  EXPECT_EQ(of(3, 4'500'000).task.translation.max_tokens, 4096);
}

TEST_F(ConfigFiles, WhatOneCycleTakesNoNoticeOfIsRefused) {
  const auto refusal = [](const Json& fields) {
    TrainConfig config;
    update_from_json(config, fields, "test");
    return error_of([&] { validate(config.run); });
  };
  EXPECT_EQ(refusal({{"sched", "one_cycle"}, {"pct_start", 0.1}}), "");
  EXPECT_THAT(refusal({{"sched", "one_cycle"}, {"warmup_epochs", 1.0}}),
              HasSubstr("expected no warmup_epochs with one_cycle"));
  EXPECT_THAT(refusal({{"sched", "one_cycle"}, {"warmup_updates", 9}}),
              HasSubstr("warmup_updates"));
  EXPECT_THAT(refusal({{"sched", "one_cycle"}, {"min_lr", 1e-5}}), HasSubstr("min_lr"));
  EXPECT_EQ(refusal({{"sched", "cosine"}, {"min_lr", 1e-5}, {"warmup_epochs", 1.0}}), "");
  EXPECT_EQ(refusal({{"sched", "one_cycle"}, {"min_lr", 1e-5}, {"resume", true}}), "")
      << "a run goes on as it began";
}

// What a run left unset, as its rate of the head, a recipe must not set when it is repeated.
TEST_F(ConfigFiles, ARunsConfigRepeatsIt) {
  TrainConfig run;
  run.task.model = "resnet20";
  run.task.data = "photos";
  run.task.weights = "weights";
  run.run.output = (folder_ / "run").string();
  ConfigSources sources{.file = write(to_toml(to_json(run))),
                        .facts = RecipeFacts{.fine_tuning = true}};
  EXPECT_EQ(to_json(resolve_config(sources)), to_json(run));
  sources.fields = {{"lr", 0.5}};
  EXPECT_EQ(resolve_config(sources).run.optimizer.lr, 0.5);
  sources.file = write("model = \"resnet20\"\ndata = \"photos\"\nweights = \"weights\"\n");
  EXPECT_TRUE(resolve_config(sources).run.optimizer.head_lr) << "the recipe's";
}

// The recipe's tokens take the place of pairs, but not of those that somebody asks for.
TEST_F(ConfigFiles, PairsOfABatchAreNotOverruledByTheRecipe) {
  const auto resolved = [](Json fields) {
    fields.update({{"model", "transformer_tiny"}, {"data", "pairs"}});
    return resolve_config({.fields = fields});
  };
  EXPECT_GT(resolved(Json::object()).task.translation.max_tokens, 0);
  const auto pairs = resolved({{"batch_size", 10}});
  EXPECT_EQ(pairs.run.batch_size, 10);
  EXPECT_EQ(pairs.task.translation.max_tokens, 0);
  EXPECT_EQ(resolved({{"batch_size", 10}, {"max_tokens", 700}}).task.translation.max_tokens, 700);
}

TEST_F(ConfigFiles, AMisspeltModelIsNamedWithItsLine) {
  const auto file = write("data = \"photos\"\n\nmodle = \"resnet20\"\n");
  EXPECT_THROW(resolve_config({.file = file}), ConfigError);
  EXPECT_THAT(error_of([&] { resolve_config({.file = file}); }),
              AllOf(HasSubstr("'modle'"), HasSubstr("run.toml:3"), HasSubstr("'model'")));
  EXPECT_THROW(resolve_config({.file = write("model = 7\n")}), ConfigError);
}

TEST_F(ConfigFiles, WhatIsMissingIsAUsageError) {
  EXPECT_THROW(resolve_config({}), UsageError);
  EXPECT_THROW(resolve_config({.fields = {{"model", "resnet20"}}}), UsageError) << "no data";
  EXPECT_THROW(resolve_config({.fields = {{"model", "resnet21"}, {"data", "x"}}}), UsageError);
  EXPECT_THROW(resolve_config({.recipe = "best", .fields = {{"model", "resnet20"}, {"data", "x"}}}),
               UsageError);
  EXPECT_THROW(resolve_config({.file = folder_ / "none.toml"}), IoError);
}

TEST(Resume, TheseFieldsMayChange) {
  std::vector<std::string> free;
  for (const Field& field : fields_of(TrainConfig()))
    if (field.rules.free_on_resume) free.emplace_back(field.name);
  EXPECT_THAT(free, ElementsAre("max_image_pixels", "output", "epochs", "max_train_seconds",
                                "max_steps", "early_stop_epochs", "workers", "threads",
                                "on_bad_sample", "checkpoint_hist", "average_checkpoints",
                                "checkpoint_minutes", "resume", "moved_data"));
}

TEST(Resume, TheOthersMayNot) {
  TrainConfig config;
  const VisitFields now = [&config](FieldVisitor& v) { config.visit(v); };
  for (const Field& field : fields_of(config)) {
    TrainState state;
    state.config = braid::to_json(config);
    Json& saved = state.config;
    EXPECT_NO_THROW(check_same_run(state, now));
    saved[field.name] = "other";
    if (field.rules.free_on_resume) {
      EXPECT_NO_THROW(check_same_run(state, now)) << field.name;
    } else {
      EXPECT_THAT(error_of([&] { check_same_run(state, now); }), HasSubstr(field.name));
    }
    saved.erase(field.name);  // of a version that did not have it
    EXPECT_NO_THROW(check_same_run(state, now)) << field.name;
  }
}

TEST_F(ConfigFiles, PlacesAreTheSameHoweverTheyAreSpelt) {
  const auto here = fs::current_path();
  fs::create_directories(folder_ / "d3");
  fs::create_directories(folder_ / "other");
  fs::create_directories(folder_ / "elsewhere/d3");
  fs::create_directory_symlink(folder_ / "d3", folder_ / "link");
  fs::current_path(folder_);
  TrainConfig config;
  const VisitFields now = [&config](FieldVisitor& v) { config.visit(v); };
  TrainState state;
  const auto same = [&](const std::string& before, const std::string& after, bool moved = false) {
    for (const char* field : {"data", "teacher", "weights"}) {
      config = {};
      state.config = braid::to_json(config);
      state.config[field] = before;
      update_from_json(config, Json{{field, after}}, "test");
      const auto error = error_of([&] { check_same_run(state, now, moved); });
      if (error.empty()) continue;
      EXPECT_THAT(error, AllOf(HasSubstr(field), HasSubstr("--moved-data")));
      return false;
    }
    return true;
  };
  for (const std::string& folder : {std::string(), folder_.string()}) {
    state.folder = folder;
    EXPECT_TRUE(same("d3", "d3"));
    EXPECT_TRUE(same("fashion-mnist", "fashion-mnist"));
    EXPECT_FALSE(same("fashion-mnist", "d3"));
    EXPECT_FALSE(same("", "d3"));
    EXPECT_FALSE(same("gone", "d3"));
    EXPECT_TRUE(same("gone", "d3", /*moved=*/true));
  }
  for (const std::string& spelt :
       {std::string("d3/"), std::string("./d3"), std::string("other/../d3"), std::string("link"),
        (folder_ / "d3").string()}) {
    EXPECT_TRUE(same("d3", spelt)) << spelt;
    EXPECT_TRUE(same(spelt, "d3")) << spelt;
  }
  EXPECT_FALSE(same("d3", "other"));
  EXPECT_TRUE(same("d3", "other", /*moved=*/true));
  // Resumed from another working folder.
  fs::current_path(folder_ / "elsewhere");
  EXPECT_TRUE(same("d3", "../d3"));
  EXPECT_FALSE(same("d3", "d3")) << "the same word, another folder";
  fs::remove_all(folder_ / "d3");
  EXPECT_TRUE(same("d3", "d3")) << "moved along with the working folder";
  fs::current_path(here);
}

// last/ of a run of the first version of the state, whose scores were top-1 and the loss.
TEST_F(ConfigFiles, AStateOfVersion1GoesOn) {
  const std::string state =
      R"({"epoch":2,"batch":0,"step":12,"epoch_loss":0.0,"epoch_images":0,"epoch_seconds":0.0,
          "train_seconds":3.5,"train_images":96,"bad_samples":1,"skipped_steps":0,"best_top1":75.0,
          "best_epoch":1,"history":[{"epoch":0,"step":6,"train_loss":0.9,"val_loss":null,
          "val_top1":50.0,"val_top1_ema":40.0,"lr":0.1,"seconds":1.5,"images_per_s":32.0}],
          "schedule":{"best":0.0,"factor":1.0,"bad_epochs":0},"config":{"lr":0.1}})";
  const auto load = [&](const std::string& text) {
    io::write_safetensors(folder_ / "state.safetensors", {}, {{"version", "1"}, {"state", text}});
    std::map<std::string, torch::Tensor> tensors;
    return load_state(folder_, tensors);
  };
  const auto loaded = load(state);
  EXPECT_EQ(loaded.step, 12);
  EXPECT_EQ(loaded.train_items, 96);
  ASSERT_EQ(loaded.best_scores.size(), 1u);
  EXPECT_EQ(loaded.best_scores[0].name, "top1");
  EXPECT_EQ(loaded.best_scores[0].value, 75);
  EXPECT_TRUE(loaded.best_scores[0].higher_is_better);
  ASSERT_EQ(loaded.history.size(), 1u);
  EXPECT_EQ(loaded.history[0].scores.at(0).value, 50);
  EXPECT_TRUE(std::isnan(loaded.history[0].scores.at(1).value));
  EXPECT_FALSE(loaded.history[0].scores.at(1).higher_is_better);
  EXPECT_EQ(loaded.history[0].scores_ema.at(0).value, 40);
  EXPECT_EQ(loaded.history[0].items_per_s, 32);
  EXPECT_THROW(load("{}"), DataError);
  EXPECT_THROW(load("[]"), DataError);
}

TEST_F(ConfigFiles, AHostileStateIsADataError) {
  const std::string begin =
      R"({"epoch":0,"batch":0,"step":0,"epoch_loss":0,"epoch_items":0,"epoch_seconds":0,
          "train_seconds":0,"train_items":0,"bad_samples":0,"skipped_steps":0,"best_scores":[],
          "best_epoch":0,"history":[],"schedule":{},"config":)";
  const auto load = [&](const std::string& state) {
    io::write_safetensors(folder_ / "state.safetensors", {}, {{"version", "2"}, {"state", state}});
    std::map<std::string, torch::Tensor> tensors;
    return load_state(folder_, tensors);
  };
  EXPECT_EQ(load(begin + "{}}").config, Json::object());
  const std::string deep = std::string(2'000'000, '[') + std::string(2'000'000, ']');
  for (const std::string& state : {begin + deep + "}", begin + "2E8869}", begin + "{}",
                                   std::string("[]"), std::string(R"({"epoch": "x"})")})
    EXPECT_THROW(load(state), DataError) << state.substr(0, 40);
}

}  // namespace
}  // namespace braid::train
