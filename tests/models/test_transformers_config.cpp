// config.json of transformers: what is read, what is refused, what is written.
#include "braid/models/transformers_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "braid/core/error.h"
#include "braid/models/hub_config.h"
#include "braid/models/text/text_model.h"

namespace braid::models {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

HubConfig read_json_config(const Json& json) {
  return read_hub_config(HubFields(json, "config.json", "folder/config.json"));
}

std::string refusal_of(const Json& json) {
  try {
    read_json_config(json);
  } catch (const DataError& e) {
    return e.what();
  }
  return "read";
}

// As all-MiniLM-L6-v2 has it.
Json minilm() {
  return Json::parse(R"({"_name_or_path": "nreimers/MiniLM-L6-H384-uncased",
    "architectures": ["BertModel"], "attention_probs_dropout_prob": 0.1,
    "gradient_checkpointing": false, "hidden_act": "gelu", "hidden_dropout_prob": 0.1,
    "hidden_size": 384, "initializer_range": 0.02, "intermediate_size": 1536,
    "layer_norm_eps": 1e-12, "max_position_embeddings": 512, "model_type": "bert",
    "num_attention_heads": 12, "num_hidden_layers": 6, "pad_token_id": 0,
    "position_embedding_type": "absolute", "transformers_version": "4.8.2",
    "type_vocab_size": 2, "use_cache": true, "vocab_size": 30522})");
}

TEST(TransformersConfig, GivesArchitectureFieldsAndHead) {
  const auto hub = read_json_config(minilm());
  EXPECT_TRUE(hub.architecture.starts_with("bert_"));
  EXPECT_EQ(hub.model_args.at("hidden_size"), 384);
  EXPECT_EQ(hub.model_args.at("num_hidden_layers"), 6);
  EXPECT_EQ(hub.model_args.at("head"), "none");
  EXPECT_TRUE(hub.classes.empty());
  Json named = minilm();
  named.update({{"hidden_size", 128},
                {"num_hidden_layers", 2},
                {"num_attention_heads", 2},
                {"intermediate_size", 512}});
  EXPECT_EQ(read_json_config(named).architecture, "bert_tiny");
}

TEST(TransformersConfig, WhatTheFileLeavesOutIsTransformersDefault) {
  const auto hub = read_json_config({{"model_type", "electra"}});
  EXPECT_EQ(hub.architecture, "electra_small");
  EXPECT_EQ(hub.model_args, find_model("electra_small").config);
  const auto bert = read_json_config({{"model_type", "bert"}, {"classifier_dropout", nullptr}});
  EXPECT_EQ(bert.architecture, "bert_base");
  EXPECT_EQ(bert.model_args, find_model("bert_base").config);
}

TEST(TransformersConfig, NamesTheClasses) {
  Json json = minilm();
  json["architectures"] = {"BertForSequenceClassification"};
  EXPECT_EQ(read_json_config(json).model_args.at("num_labels"), 2) << "transformers' default";
  json["id2label"] = {{"0", "bad"}, {"2", "fine"}, {"1", "good"}};
  const auto hub = read_json_config(json);
  EXPECT_EQ(hub.model_args.at("head"), "sequence_classification");
  EXPECT_EQ(hub.model_args.at("num_labels"), 3);
  EXPECT_THAT(hub.classes, ElementsAre("bad", "good", "fine"));
  json["id2label"] = {{"0", "bad"}, {"7", "good"}};
  EXPECT_THAT(refusal_of(json), HasSubstr("'1'"));
}

TEST(TransformersConfig, SaysWhatIsNoChoiceOfOneClass) {
  auto json = minilm();
  json["vocab_size"] = 20, json["num_hidden_layers"] = 1;
  const auto type_of = [](const Json& config) { return read_json_config(config).problem_type; };
  json["problem_type"] = "multi_label_classification";
  EXPECT_EQ(type_of(json), "") << "a body has no classes";
  json["architectures"] = {"BertForSequenceClassification"};
  EXPECT_EQ(type_of(json), "multi_label_classification");
  const auto hub = read_json_config(json);
  const auto model = find_model(hub.architecture).make(hub.model_args);
  const auto written = hub_config_to_json(hub, *model);
  EXPECT_EQ(written.at("problem_type"), "multi_label_classification");
  EXPECT_EQ(type_of(written), "multi_label_classification");
  json["problem_type"] = "single_label_classification";
  EXPECT_EQ(type_of(json), "");
  json["problem_type"] = "choice";
  EXPECT_THAT(refusal_of(json), AllOf(HasSubstr("problem_type"), HasSubstr("'choice'")));
  json.erase("problem_type");
  EXPECT_EQ(type_of(json), "");
  json["id2label"] = {{"0", "LABEL_0"}};  // a cross-encoder's score
  EXPECT_EQ(type_of(json), "regression");
  json["braid"] = {{"version", "0.1.0"}, {"format", 1}, {"config", Json::object()}};
  EXPECT_EQ(type_of(json), "") << "braid learns classes";
}

TEST(TransformersConfig, NullPadTokenIsNone) {
  Json json = minilm();
  json["pad_token_id"] = nullptr;
  const auto hub = read_json_config(json);
  EXPECT_EQ(hub.model_args.at("pad_token_id"), -1);
  const auto entry = find_model("bert_tiny");
  Json config = entry.config;
  config["pad_token_id"] = -1;
  EXPECT_TRUE(transformers_config_to_json(entry, config, {}).at("pad_token_id").is_null());
}

TEST(TransformersConfig, RefusesWhatItsModelsAreNot) {
  EXPECT_THAT(refusal_of({{"model_type", "llama"}, {"architectures", {"LlamaForCausalLM"}}}),
              AllOf(HasSubstr("llama"), HasSubstr("bert"), HasSubstr("electra")));
  const auto with = [](const char* field, const Json& value) {
    Json json = minilm();
    json[field] = value;
    return refusal_of(json);
  };
  EXPECT_THAT(with("is_decoder", true), HasSubstr("is_decoder"));
  EXPECT_THAT(with("add_cross_attention", true), HasSubstr("add_cross_attention"));
  EXPECT_THAT(with("tie_word_embeddings", false), HasSubstr("tie_word_embeddings"));
  EXPECT_THAT(with("position_embedding_type", "relative_key"), HasSubstr("relative_key"));
  EXPECT_THAT(with("quantization_config", {{"bits", 4}}), HasSubstr("quantization_config"));
  EXPECT_THAT(with("architectures", {"BertForMultipleChoice"}),
              AllOf(HasSubstr("BertForMultipleChoice"), HasSubstr("BertForMaskedLM")));
  EXPECT_THAT(with("architectures", "BertModel"), HasSubstr("architectures"));
  EXPECT_THAT(with("id2label", Json::array({"a"})), HasSubstr("id2label"));
  EXPECT_EQ(with("pruned_heads", Json::object()), "read");
}

TEST(TransformersConfig, IsWrittenAsTransformersReadsIt) {
  const auto model =
      create_model("bert_tiny", {{"head", "token_classification"}, {"num_labels", 2}});
  auto hub = make_hub_config("bert_tiny", *model);
  hub.classes = {"noun", "verb"};
  const Json json = hub_config_to_json(hub, *model);
  EXPECT_EQ(json.at("architectures"), Json({"BertForTokenClassification"}));
  EXPECT_EQ(json.at("model_type"), "bert");
  EXPECT_EQ(json.at("hidden_size"), 128);
  EXPECT_EQ(json.at("id2label"), Json({{"0", "noun"}, {"1", "verb"}}));
  EXPECT_EQ(json.at("label2id"), Json({{"noun", 0}, {"verb", 1}}));
  EXPECT_FALSE(json.contains("head")) << "it is in architectures";
  const auto back = read_json_config(json);
  EXPECT_EQ(back.architecture, "bert_tiny");
  EXPECT_EQ(back.model_args, model->config());
  EXPECT_EQ(back.classes, hub.classes);
}

// transformers keeps braid's part of a file while it gives the model another head and vocabulary.
TEST(TransformersConfig, TheFilesOwnFieldsWinOverBraids) {
  const auto model = create_model("bert_tiny", {{"head", "masked_lm"}, {"drop_path_rate", 0.25}});
  Json json = hub_config_to_json(make_hub_config("bert_tiny", *model), *model);
  json["architectures"] = {"BertForSequenceClassification"};
  json["vocab_size"] = 99;
  const auto hub = read_json_config(json);
  EXPECT_EQ(hub.model_args.at("head"), "sequence_classification");
  EXPECT_EQ(hub.model_args.at("vocab_size"), 99);
  EXPECT_EQ(hub.model_args.at("drop_path_rate"), 0.25);
}

// A model that transformers cannot build must not look as if it could.
TEST(TransformersConfig, PositionsThatItDoesNotKnowStayBraids) {
  const auto model = create_model("bert_tiny", {{"position_embedding_type", "rotary"},
                                                {"head", "sequence_classification"},
                                                {"num_labels", 3}});
  auto hub = make_hub_config("bert_tiny", *model);
  hub.classes = {"a", "b", "c"};
  const Json json = hub_config_to_json(hub, *model);
  EXPECT_FALSE(json.contains("model_type"));
  EXPECT_FALSE(json.contains("architectures"));
  const auto back = read_json_config(json);
  EXPECT_EQ(back.model_args, model->config());
  EXPECT_EQ(back.classes, hub.classes);
}

}  // namespace
}  // namespace braid::models
