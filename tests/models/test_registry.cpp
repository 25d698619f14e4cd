// The registry with models of two kinds: the library's of images, and a small one of text that a
// user of the library adds.
#include "braid/models/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "braid/core/error.h"
#include "braid/models/checkpoint.h"
#include "braid/models/describe.h"
#include "braid/models/macs.h"
#include "braid/models/vision/image_checkpoint.h"
#include "braid/models/vision/inputs.h"
#include "braid/models/weights.h"
#include "braid/runtime/skip_random_init.h"
#include "braid/runtime/tensor_file.h"

namespace braid::models {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

class WordModel : public Model {
 public:
  static constexpr std::string_view kKind = "text encoder";
  virtual torch::Tensor forward(const torch::Tensor& ids) = 0;  // [B,T] -> logits [B,K]
};

struct BagConfig {
  int64_t num_classes = 2;
  int64_t vocab_size = 50;
  int64_t dim = 4;
  void visit(FieldVisitor& v) {
    v.field("num_classes", num_classes, "classes");
    v.field("vocab_size", vocab_size, "tokens of the vocabulary");
    v.field("dim", dim, "numbers per token");
  }
};

// The mean of the tokens' embeddings, then a classifier.
class Bag final : public WordModel {
 public:
  explicit Bag(const BagConfig& config) : config_(config) {
    embed_ = register_module("embed", torch::nn::Embedding(config.vocab_size, config.dim));
    fc_ = register_module("fc", torch::nn::Linear(config.dim, config.num_classes));
  }
  torch::Tensor forward(const torch::Tensor& ids) override {
    return fc_->forward(embed_->forward(ids).mean(1));
  }
  Json config() const override { return to_json(config_); }
  std::vector<std::string> head_modules() const override { return {"fc"}; }
  int64_t layer_id(const std::string& p) const override { return p.starts_with("fc.") ? 1 : 0; }
  int64_t layer_count() const override { return 2; }

 private:
  BagConfig config_;
  torch::nn::Embedding embed_{nullptr};
  torch::nn::Linear fc_{nullptr};
};

ModelEntry bag(const std::string& name, int64_t classes = 2) {
  return make_entry<Bag>(name, Family::kCnn, Fusion::kNone, {{"max_length", 16}},
                         BagConfig{.num_classes = classes});
}

class Kinds : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { registry().add(bag("bag_of_embeddings")); }
};

TEST_F(Kinds, AUsersModelIsMadeByName) {
  const auto model = create_model<WordModel>("bag_of_embeddings", {{"num_classes", 3}}, 1);
  EXPECT_EQ(model->forward(torch::zeros({2, 5}, torch::kInt64)).sizes(),
            (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(find_model("bag_of_embeddings").kind, "text encoder");
  EXPECT_EQ(find_model("bag_of_embeddings.some_tag").preprocessing.at("max_length"), 16);
  EXPECT_THROW(create_model<WordModel>("bag_of_embeddings", {{"img_size", 3}}), ConfigError);
  EXPECT_THROW(registry().add(bag("bag_of_embeddings")), UsageError) << "the name is taken";
  EXPECT_THROW(registry().add(bag("resnet18")), UsageError) << "the name is taken";
}

TEST_F(Kinds, AnotherKindIsRefusedByName) {
  const auto refusal = [](const auto& make) -> std::string {
    try {
      make();
    } catch (const UsageError& e) {
      return e.what();
    }
    return "no error";
  };
  EXPECT_THAT(refusal([] { create_model<ImageModel>("bag_of_embeddings"); }),
              AllOf(HasSubstr("expected an image model"), HasSubstr("'bag_of_embeddings'"),
                    HasSubstr("a text encoder")));
  EXPECT_THAT(refusal([] { create_model<WordModel>("resnet18"); }),
              AllOf(HasSubstr("expected a text encoder"), HasSubstr("an image model")));
  EXPECT_THAT(refusal([] { image_input(find_model("bag_of_embeddings")); }),
              HasSubstr("expected an image model"));
  EXPECT_EQ(create_model("bag_of_embeddings")->layer_count(), 2) << "any kind will do";
}

TEST_F(Kinds, ACheckpointOfAnyKindGoesRound) {
  const auto folder = fs::temp_directory_path() / ("braid_bag_" + std::to_string(::getpid()));
  const auto model = create_model<WordModel>("bag_of_embeddings", {{"num_classes", 3}}, 1);
  auto hub = make_hub_config("bag_of_embeddings.reviews", *model);
  hub.classes = {"bad", "good", "so-so"};
  save_checkpoint(*model, hub_config_to_json(hub, *model), folder);

  const auto read = read_hub_config(find_config(folder));
  EXPECT_EQ(read.architecture, "bag_of_embeddings");
  EXPECT_EQ(read.classes, hub.classes);
  EXPECT_EQ(read.model_args, model->config());
  const auto again = build_model(read, folder / "config.json");
  load_weights(*again, folder);
  const auto ids = torch::randint(50, {2, 7}, torch::kInt64);
  EXPECT_TRUE(std::dynamic_pointer_cast<WordModel>(again)->forward(ids).equal(model->forward(ids)));
  try {
    load_model(folder);
    FAIL() << "no error";
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), AllOf(HasSubstr("an image model"), HasSubstr("config.json")));
  }
  fs::remove_all(folder);
}

TEST_F(Kinds, AnyNetworkIsDescribedByItsModules) {
  const auto rows = describe(find_model("bag_of_embeddings"));
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].name, "embed");
  EXPECT_EQ(rows[0].params, 50 * 4);
  EXPECT_FALSE(rows[0].macs.has_value());
  EXPECT_EQ(rows[1].params, 2 * 4 + 2);
}

TEST_F(Kinds, AnImageModelIsDescribedByItsStages) {
  const auto rows = describe(find_model("resnet18"));
  ASSERT_EQ(rows.size(), create_model<ImageModel>("resnet18")->feature_info().size());
  EXPECT_EQ(rows.back().shape, (std::vector<int64_t>{512, 7, 7}));
}

TEST(Registry, ResolvesNamesThatAUserDescribes) {
  Registry table;
  table.add(bag("plain"));
  table.add_resolver(
      {.matches = [](const std::string& name) { return name.starts_with("bag:"); },
       .resolve = [](const std::string& name) { return bag(name, std::stoll(name.substr(4))); },
       .continues = [](const std::string&, const std::string&) { return false; }});
  EXPECT_EQ(table.find("bag:7").config.at("num_classes"), 7);
  EXPECT_EQ(table.find("plain").config.at("num_classes"), 2);
  EXPECT_EQ(table.entries().size(), 1u);
  EXPECT_EQ(table.resolver_of("plain"), nullptr);
  EXPECT_THROW(table.find("plane"), UsageError);
}

TEST(Registry, AddsAndFindsInManyThreads) {
  Registry table;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&table, t] {
      for (int i = 0; i < 50; ++i) {
        const auto name = "bag" + std::to_string(t) + "_" + std::to_string(i);
        table.add(bag(name));
        EXPECT_EQ(table.find(name).name, name);
        EXPECT_FALSE(table.entries().empty());
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(table.entries().size(), 200u);
}

// Two models made at the same time have the weights that each has alone.
TEST(CreateModel, GivesTheSameWeightsInManyThreads) {
  const auto alone = runtime::named_state(*create_model("resnet20", Json::object(), 5));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&alone, t] {
      for (int i = 0; i < 5; ++i) {
        const auto state =
            runtime::named_state(*create_model("resnet20", Json::object(), t % 2 == 0 ? 5 : 6));
        if (t % 2 != 0) continue;
        for (const auto& [name, tensor] : alone) EXPECT_TRUE(tensor.equal(state.at(name))) << name;
      }
    });
  for (auto& thread : threads) thread.join();
}

// The preprocessing of every entry is for images of the size that its model is built for.
TEST(ImageEntries, SayWhatTheirModelIsBuiltFor) {
  for (const auto& entry : registry().entries()) {
    if (entry.kind != ImageModel::kKind) continue;
    const auto input = image_input(entry);
    EXPECT_EQ(input.height, entry.config.at("img_size").get<int64_t>()) << entry.name;
    EXPECT_EQ(input.channels, entry.config.at("in_chans").get<int64_t>()) << entry.name;
  }
}

// A few bytes of a config must not cost hours and all of the memory.
TEST(Entries, RefuseDepthsBeyondReason) {
  constexpr int64_t kTooMany = 1'000'000;
  for (const auto& entry : registry().entries()) {
    size_t refused = 0;
    for (const char* field : {"depth", "depths", "layers", "n_layers", "num_hidden_layers",
                              "encoder_layers", "decoder_layers"}) {
      if (!entry.config.contains(field)) continue;
      auto value = entry.config.at(field);
      (value.is_array() ? value.at(0) : value) = kTooMany;
      EXPECT_THROW(create_model(entry.name, {{field, value}}), ConfigError)
          << entry.name << " " << field;
      ++refused;
    }
    const bool of_one_block = entry.name.starts_with("bag") || entry.name.starts_with("braid") ||
                              entry.name == "resnet9" || entry.name.starts_with("textcnn");
    EXPECT_EQ(refused == 0, of_one_block) << entry.name;
  }
}

TEST(Entries, WeightsThatNoMachineHoldsAreSaidToBeSo) {
  const runtime::SkipRandomInit skip;
  const std::vector<int64_t> wide(4, 1'000'000);
  try {
    create_model("resnet18", {{"widths", wide}});
    ADD_FAILURE() << "nothing was thrown";
  } catch (const TryAgainError& e) {
    EXPECT_THAT(e.what(), AllOf(HasSubstr("out of memory"), HasSubstr("model resnet18"),
                                ::testing::Not(HasSubstr("frame #"))));
  }
}

TEST(Entries, RefuseMoreStagesThanAnImageHasHalvings) {
  const std::vector<int64_t> depths(70, 1), widths(70, 32);
  for (const char* name : {"densenet121", "repvit_m1", "coatnet_pico_32", "efficientnet_b0"}) {
    Json fields = {{"depths", depths}};
    for (const char* field : {"embed_dim", "embed_dims"})
      if (find_model(name).config.contains(field)) fields[field] = widths;
    if (find_model(name).config.contains("arch_def"))
      fields["arch_def"] = std::vector<std::string>(70, "ir_k3_s2_e1_c8");
    EXPECT_THROW(create_model(name, fields), ConfigError) << name;
  }
}

}  // namespace
}  // namespace braid::models
