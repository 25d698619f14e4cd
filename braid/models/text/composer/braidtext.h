// braidtext: a text encoder that the user describes, see text/text_design.h. An embedding, stages
// of blocks from a vocabulary that the named models of texts share, pooling and a head.
//
// The design is ours; every block has its own source, see the header that declares it in braid/nn.
#pragma once
#include <string>
#include <vector>

#include "braid/models/registry.h"
#include "braid/models/text/composer/text_blocks.h"
#include "braid/models/text/headed_text_encoder.h"
#include "braid/models/text/text_embeddings.h"
#include "braid/models/text/text_encoder_of.h"
#include "braid/text/text_design.h"

namespace braid::models {

struct BraidTextConfig {
  int64_t vocab_size = 30522;
  int64_t pad_token_id = 0;
  std::string head = "none";
  int64_t num_labels = 2;
  std::string design = "embed=128|E2x128h2|T2x128h2";
  double drop_rate = 0.1;  // before the head
  double attn_drop_rate = 0.1;
  double proj_drop_rate = 0.1;  // of embeddings and blocks
  double drop_path_rate = 0;
  void visit(FieldVisitor& v);
};

// Keys: embeddings.*, stages.I.J.*, (relative_attention_bias), (norm), the head's.
class BraidText : public TextEncoderOf<BraidTextConfig, HeadedTextEncoder> {
 public:
  explicit BraidText(const BraidTextConfig& config);
  // design: what config.design says, with the places that errors show.
  BraidText(const BraidTextConfig& config, const text::TextDesign& design);

  torch::Tensor forward_features(const TextInput& input) override;
  // The stages and the norm behind them alone. x: [B,N,width of the embedding]; mask: [B,N] bool,
  // true: a token; undefined: all are.
  torch::Tensor forward_stages(const torch::Tensor& x, const torch::Tensor& mask = {});
  // Mean, maximum or first of the tokens, as the design says.
  torch::Tensor pool(const torch::Tensor& features, const TextInput& input) override;
  int64_t max_positions() const override { return max_positions_; }
  int64_t token_types() const override {
    const auto& table = embeddings->token_type_embeddings;
    return table ? table->weight.size(0) : 0;
  }
  std::vector<std::string> no_weight_decay() const override;
  int64_t layer_id(const std::string& parameter) const override;
  int64_t layer_count() const override { return static_cast<int64_t>(stages_.size()) + 2; }
  std::vector<Part> parts() override;  // embeddings, stages.0, ..., head; each runs by itself

  TextEmbeddings embeddings{nullptr};

 protected:
  // Of stages that end with the embedding's channels.
  torch::Tensor word_embeddings() const override;

 private:
  void build_embeddings();
  void build_stages();
  torch::Tensor run_stage(size_t stage, const torch::Tensor& x, const TextBlockArgs& args);
  torch::Tensor finish(const torch::Tensor& x);
  TextBlockArgs block_args(const torch::Tensor& x, const torch::Tensor& mask);

  text::TextDesign design_;
  TextPositions positions_ = TextPositions::kAbsolute;
  int64_t max_positions_ = 0;
  std::vector<std::vector<TextBlock>> stages_;
  torch::nn::Embedding relative_attention_bias_{nullptr};
  torch::nn::LayerNorm norm_{nullptr};
};

// The entry of a design. Throws ConfigError that shows where the design is wrong.
ModelEntry braidtext_entry(const text::TextDesign& design);

// The entry braidtext, and the names `braidtext:LINE`.
void add_braidtext(Registry& table);

}  // namespace braid::models
