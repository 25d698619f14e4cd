// Files of the encoder-decoder Transformer, as several versions of transformers write them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "braid/core/error.h"
#include "braid/models/registry.h"
#include "braid/models/text/encoder_decoder.h"
#include "braid/models/text/text_checkpoint.h"
#include "braid/models/weights.h"
#include "braid/runtime/tensor_file.h"

namespace braid::models {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::shared_ptr<EncoderDecoder> small_pair(const Json& more = Json::object(), uint64_t seed = 1) {
  Json fields = {{"vocab_size", 19},    {"d_model", 8},          {"encoder_layers", 1},
                 {"decoder_layers", 1}, {"encoder_ffn_dim", 12}, {"decoder_ffn_dim", 12}};
  if (!more.is_null()) fields.update(more);
  return create_model<EncoderDecoder>("transformer_tiny", fields, seed);
}

runtime::TensorMap marian_state(const Model& model) {
  runtime::TensorMap state;
  for (const auto& [name, tensor] : runtime::named_state(model))
    state[name] = tensor.detach().clone();
  return state;
}

void expect_marian_state(const Model& model, const runtime::TensorMap& state) {
  for (const auto& [name, tensor] : runtime::named_state(model))
    EXPECT_TRUE(tensor.equal(state.at(name))) << name;
}

TEST(MarianFiles, OldOnesHoldCopiesAndPositions) {
  const auto source = marian_state(*small_pair());
  auto old = source;
  for (const char* name :
       {"model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight", "lm_head.weight"})
    old[name] = source.at("model.shared.weight");
  for (const char* name :
       {"model.encoder.embed_positions.weight", "model.decoder.embed_positions.weight"})
    old[name] = torch::randn({512, 8});
  const auto model = small_pair({}, 2);
  load_tensors_into(*model, old, "old");
  expect_marian_state(*model, source);

  old.at("lm_head.weight") = torch::randn({19, 8});
  try {
    load_tensors_into(*small_pair(), old, "old");
    ADD_FAILURE() << "an output layer of its own";
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("lm_head.weight"));
  }
}

TEST(MarianFiles, CopiesAloneAreEnough) {
  const auto source = marian_state(*small_pair());
  auto copies = source;
  copies["lm_head.weight"] = source.at("model.shared.weight");
  copies.erase("model.shared.weight");
  const auto model = small_pair({}, 2);
  load_tensors_into(*model, copies, "copies");
  expect_marian_state(*model, source);
}

// MarianModel's have no output layer, whose bias begins as zeros.
TEST(MarianFiles, OfTheModelBelowTheOutputLayer) {
  const auto source = marian_state(*small_pair());
  runtime::TensorMap bare;
  for (const auto& [name, tensor] : source)
    if (name.starts_with("model.")) bare[name.substr(6)] = tensor;
  const auto model = small_pair({}, 2);
  load_tensors_into(*model, bare, "bare");
  expect_marian_state(*model, source);
}

TEST(MarianFiles, UnsharedWordsAreTwoMatrices) {
  const Json unshared = {{"share_encoder_decoder_embeddings", false}, {"decoder_vocab_size", 23}};
  auto source = marian_state(*small_pair(unshared));
  EXPECT_FALSE(source.contains("model.shared.weight"));
  EXPECT_EQ(source.at("final_logits_bias").size(1), 23);
  auto with_head = source;
  with_head["lm_head.weight"] = source.at("model.decoder.embed_tokens.weight");
  const auto model = small_pair(unshared, 2);
  load_tensors_into(*model, with_head, "unshared");
  expect_marian_state(*model, source);
  source.erase("model.encoder.embed_tokens.weight");
  EXPECT_THROW(load_tensors_into(*small_pair(unshared), source, "unshared"), DataError);
}

class MarianFolder : public ::testing::Test {
 protected:
  MarianFolder()
      : folder_(fs::temp_directory_path() / ("braid_marian_" + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
  }
  ~MarianFolder() override { fs::remove_all(folder_); }
  void save(const EncoderDecoder& model) const {
    save_text_model(model, make_hub_config("transformer_tiny", model), folder_);
  }
  Json config() const { return read_json(folder_ / "config.json"); }
  void write(const Json& config) const { std::ofstream(folder_ / "config.json") << config.dump(); }
  fs::path folder_;
};

TEST_F(MarianFolder, IsTransformersAndComesBack) {
  const auto model = small_pair({{"activation_function", "swish"}});
  save(*model);
  const Json config = this->config();
  EXPECT_EQ(config.at("model_type"), "marian");
  EXPECT_EQ(config.at("architectures"), Json({"MarianMTModel"}));
  EXPECT_EQ(config.at("pad_token_id"), 18);
  EXPECT_EQ(config.at("decoder_start_token_id"), 18);
  const auto loaded = load_text_model(folder_);
  EXPECT_EQ(loaded.model->config(), model->config());
  expect_marian_state(*loaded.model, marian_state(*model));
}

// What opus-mt's config.json says, in short.
TEST_F(MarianFolder, OfOpusIsRead) {
  const auto model = small_pair({{"activation_function", "swish"}});
  save(*model);
  write({{"architectures", {"MarianMTModel"}},
         {"model_type", "marian"},
         {"d_model", 8},
         {"encoder_layers", 1},
         {"decoder_layers", 1},
         {"encoder_attention_heads", 4},
         {"decoder_attention_heads", 4},
         {"encoder_ffn_dim", 12},
         {"decoder_ffn_dim", 12},
         {"activation_function", "swish"},
         {"vocab_size", 19},
         {"pad_token_id", 18},
         {"eos_token_id", 0},
         {"decoder_start_token_id", 18},
         {"scale_embedding", true},
         {"normalize_before", false},
         {"normalize_embedding", false},
         {"static_position_embeddings", true},
         {"add_final_layer_norm", false},
         {"max_position_embeddings", 512},
         {"num_beams", 6},
         {"is_encoder_decoder", true}});
  const auto loaded = load_text_model(folder_);
  EXPECT_EQ(loaded.model->config().at("scale_embedding"), true);
  EXPECT_EQ(loaded.model->config().at("decoder_vocab_size"), 19);
  EXPECT_EQ(loaded.model->max_positions(), 512);
  expect_marian_state(*loaded.model, marian_state(*model));
}

TEST_F(MarianFolder, OfAnotherKindIsRefused) {
  save(*small_pair());
  for (const char* field : {"normalize_embedding", "normalize_before"}) {
    Json config = this->config();
    config[field] = true;
    write(config);
    EXPECT_THROW(load_text_model(folder_), DataError) << field;
    save(*small_pair());
  }
}

// transformers knows no norms before the branches.
TEST_F(MarianFolder, WithNormsBeforeIsBraidsOwn) {
  const auto model = small_pair({{"normalize_before", true}});
  save(*model);
  EXPECT_FALSE(config().contains("model_type"));
  const auto loaded = load_text_model(folder_);
  EXPECT_EQ(loaded.model->config(), model->config());
  expect_marian_state(*loaded.model, marian_state(*model));
}

}  // namespace
}  // namespace braid::models
