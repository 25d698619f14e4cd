// Weights of text encoders as they are found: with and without prefixes, under old names, with
// copies of tied tensors, from models with another head.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "braid/core/error.h"
#include "braid/models/load_plan.h"
#include "braid/models/registry.h"
#include "braid/models/text/text_model.h"
#include "braid/models/weights.h"

namespace braid::models {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kWordsWeight = "bert.embeddings.word_embeddings.weight";

TextEncoderPtr small(const std::string& head, uint64_t seed, const std::string& name = "bert_tiny",
                     int64_t labels = 3) {
  Json fields = {{"head", head}, {"vocab_size", 31}, {"num_labels", labels}};
  if (name == "distilbert_base") fields.update({{"n_layers", 1}, {"dim", 24}, {"n_heads", 2}});
  return create_model<TextEncoder>(name, fields, seed);
}

runtime::TensorMap state_of(const Model& model) {
  runtime::TensorMap copy;
  for (const auto& [name, tensor] : runtime::named_state(model)) copy[name] = tensor.clone();
  return copy;
}

runtime::TensorMap renamed(const runtime::TensorMap& tensors,
                           const std::function<std::string(const std::string&)>& rename) {
  runtime::TensorMap result;
  for (const auto& [name, tensor] : tensors) result[rename(name)] = tensor;
  return result;
}

void expect_equal_state(const Model& model, const runtime::TensorMap& wanted) {
  for (const auto& [name, tensor] : runtime::named_state(model))
    EXPECT_TRUE(tensor.equal(wanted.at(name))) << name;
}

std::string refusal_of(Model& model, const runtime::TensorMap& tensors) {
  const auto before = state_of(model);
  try {
    load_tensors_into(model, tensors, "file");
  } catch (const DataError& e) {
    expect_equal_state(model, before);
    return e.what();
  }
  return "loaded";
}

class TextLines final : public Progress {
 public:
  void line(const std::string& text) override { all += text + "\n"; }
  std::string all;
};

// What load_weights_to_fine_tune does, from memory.
std::string fine_tune(Model& model, const runtime::TensorMap& tensors) {
  TextLines lines;
  const auto plan = plan_load(model, source_of(tensors, "file"), /*fine_tune=*/true);
  report_plan(plan, model, lines);
  apply_plan(plan, model);
  return lines.all;
}

TEST(TextWeights, ComeWithoutPrefixAndUnderOldNames) {
  for (const auto& [name, prefix] :
       {std::pair("bert_tiny", "bert."), std::pair("distilbert_base", "distilbert."),
        std::pair("electra_small", "electra.")}) {
    const auto from = small("none", 1, name), to = small("none", 2, name);
    const auto wanted = state_of(*from);
    auto file = renamed(wanted, [&](std::string key) {
      EXPECT_TRUE(key.starts_with(prefix)) << key;
      key = key.substr(std::string(prefix).size());
      if (key.ends_with("LayerNorm.weight")) key.replace(key.size() - 6, 6, "gamma");
      if (key.ends_with("LayerNorm.bias")) key.replace(key.size() - 4, 4, "beta");
      return key;
    });
    file["embeddings.position_ids"] = torch::arange(512).unsqueeze(0);
    load_tensors_into(*to, file, "file");
    expect_equal_state(*to, wanted);
  }
}

TEST(TextWeights, MayHoldCopiesOfTiedTensors) {
  const auto from = small("pretraining", 1), to = small("pretraining", 2);
  const auto wanted = state_of(*from);
  auto file = wanted;
  file["cls.predictions.decoder.weight"] = file.at(kWordsWeight).clone();
  file["cls.predictions.decoder.bias"] = file.at("cls.predictions.bias").clone();
  load_tensors_into(*to, file, "file");
  expect_equal_state(*to, wanted);

  const auto other = small("pretraining", 3);
  auto unlike = file;
  unlike["cls.predictions.decoder.weight"] = file.at(kWordsWeight) + 1;
  EXPECT_THAT(refusal_of(*other, unlike), AllOf(HasSubstr(kWordsWeight), HasSubstr("decoder")));
  auto cut = file;
  cut["cls.predictions.decoder.weight"] = file.at(kWordsWeight).narrow(0, 0, 30);
  EXPECT_THAT(refusal_of(*other, cut), HasSubstr("equal"));
  file.erase(kWordsWeight);
  file.erase("cls.predictions.bias");
  load_tensors_into(*other, file, "file");
  expect_equal_state(*other, wanted);
}

TEST(TextWeights, OfOtherHeadsAreLeftOut) {
  // google-bert/bert-base-uncased names itself a masked language model and holds all of it.
  const auto from = small("pretraining", 1), to = small("masked_lm", 2);
  load_tensors_into(*to, state_of(*from), "file");
  const auto wanted = state_of(*from);
  expect_equal_state(*to, wanted);
  const auto body = small("none", 3);
  load_tensors_into(*body, state_of(*from), "file");
  expect_equal_state(*body, wanted);
  EXPECT_THAT(refusal_of(*small("pretraining", 4), state_of(*small("masked_lm", 5))),
              HasSubstr("missing tensor 'bert.pooler.dense"));
}

TEST(TextWeights, ForeignOrMissingTensorsAreNamedAsTheFileNamesThem) {
  const auto model = small("none", 1);
  auto file = state_of(*model);
  file["conv1.weight"] = torch::zeros({3});
  EXPECT_THAT(refusal_of(*model, file), HasSubstr("unexpected tensor 'conv1.weight'"));
  file = state_of(*model);
  file.erase(kWordsWeight);
  EXPECT_THAT(refusal_of(*model, file), HasSubstr(kWordsWeight));
}

TEST(TextWeights, FineTuneFromAPretrainedModel) {
  const auto from = small("pretraining", 1), to = small("sequence_classification", 2);
  const auto classifier = to->named_parameters()["classifier.weight"].clone();
  const auto lines = fine_tune(*to, state_of(*from));
  EXPECT_THAT(lines, AllOf(HasSubstr("no classifier; a fresh one with 3"),
                           HasSubstr("of another head: cls.")));
  const auto now = state_of(*to), wanted = state_of(*from);
  EXPECT_TRUE(now.at("classifier.weight").equal(classifier));
  EXPECT_TRUE(now.at("bert.pooler.dense.weight").equal(wanted.at("bert.pooler.dense.weight")));
  EXPECT_TRUE(now.at(kWordsWeight).equal(wanted.at(kWordsWeight)));
}

TEST(TextWeights, FineTuneWithoutAPoolerBeginsOneFresh) {
  const auto from = small("masked_lm", 1), to = small("sequence_classification", 2);
  const auto pooler = to->named_parameters()["bert.pooler.dense.weight"].clone();
  EXPECT_THAT(fine_tune(*to, state_of(*from)), HasSubstr("begins fresh: bert.pooler.dense.bias"));
  EXPECT_TRUE(to->named_parameters()["bert.pooler.dense.weight"].equal(pooler));
}

TEST(TextWeights, FineTuneOnOtherClassesKeepsWhatPools) {
  for (const auto& [name, pooling] : {std::pair("distilbert_base", "pre_classifier.weight"),
                                      std::pair("electra_small", "classifier.dense.weight"),
                                      std::pair("bert_tiny", "bert.pooler.dense.weight")}) {
    const auto from = small("sequence_classification", 1, name, 7);
    const auto to = small("sequence_classification", 2, name, 3);
    const auto wanted = state_of(*from);
    EXPECT_THAT(fine_tune(*to, wanted),
                HasSubstr("the classifier has 7 classes; a fresh one with 3"))
        << name;
    EXPECT_TRUE(state_of(*to).at(pooling).equal(wanted.at(pooling))) << name;
  }
}

TEST(TextWeights, FineTuneAsALanguageModelFromABody) {
  const auto from = small("none", 1), to = small("masked_lm", 2);
  EXPECT_THAT(fine_tune(*to, state_of(*from)),
              AllOf(HasSubstr("no such head; a fresh one takes its place (cls.predictions)"),
                    HasSubstr("of another head: bert.pooler")));
  EXPECT_THAT(fine_tune(*to, state_of(*to)), IsEmpty());
}

}  // namespace
}  // namespace braid::models
