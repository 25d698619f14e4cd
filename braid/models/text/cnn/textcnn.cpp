#include "braid/models/text/cnn/textcnn.h"

#include "braid/models/text/text_entry.h"
#include "braid/nn/basic/dropout.h"
#include "braid/nn/basic/register_at.h"

namespace braid::models {
namespace {

HeadedEncoderConfig textcnn_body(const TextCnnConfig& config) {
  const Validator check("textcnn");
  check.between("embed_dim", config.embed_dim, int64_t{1}, int64_t{65536})
      .between("num_filters", config.num_filters, int64_t{1}, int64_t{65536})
      .rate("embed_dropout", config.embed_dropout);
  for (const int64_t size : config.kernel_sizes)
    check.between("kernel_sizes", size, int64_t{1}, int64_t{1024});
  if (config.kernel_sizes.empty()) check.fail("expected at least one of kernel_sizes, got none");
  return {.model = "textcnn",
          .vocab_size = config.vocab_size,
          .pad_token_id = config.pad_token_id,
          .num_features = config.num_filters * static_cast<int64_t>(config.kernel_sizes.size()),
          .dropout = config.dropout};
}

}  // namespace

void TextCnnConfig::visit(FieldVisitor& v) {
  visit_headed_fields(*this, v);
  v.field("embed_dim", embed_dim, "numbers per token");
  v.field("kernel_sizes", kernel_sizes, "tokens of the windows, one size each",
          {.least = 1, .most = 1024});
  v.field("num_filters", num_filters, "filters of each size");
  v.field("embed_dropout", embed_dropout, "dropout of the embeddings, 0: none");
  v.field("dropout", dropout, "dropout before the classifier, 0: none");
}

TextCnn::TextCnn(const TextCnnConfig& config) : TextEncoderOf(config, textcnn_body(config)) {
  words = torch::nn::Embedding(torch::nn::EmbeddingOptions(config.vocab_size, config.embed_dim)
                                   .padding_idx(config.pad_token_id));
  {
    // Kim's draw of words without a pretrained vector.
    const torch::NoGradGuard no_grad;
    words->weight.uniform_(-0.25, 0.25);
    words->weight[config.pad_token_id].zero_();
  }
  nn::register_at(*this, "embeddings.word_embeddings", words.ptr());
  convs = register_module("convs",
                          nn::TextConvs(nn::TextConvsConfig{.in_features = config.embed_dim,
                                                            .num_filters = config.num_filters,
                                                            .kernel_sizes = config.kernel_sizes}));
  begin_head(config.head, config.num_labels);
}

torch::Tensor TextCnn::forward_features(const TextInput& input) {
  check_text_input(input, *this);
  const bool drop = is_training() && config_.embed_dropout > 0;
  return convs->forward(
      nn::dropout(words->forward(input.input_ids.to(torch::kLong)), config_.embed_dropout, drop),
      token_mask(input));
}

torch::Tensor TextCnn::pool(const torch::Tensor& features, const TextInput& input) {
  return nn::max_over_tokens(features, token_mask(input));
}

std::vector<std::string> TextCnn::no_weight_decay() const {
  return {"embeddings.word_embeddings.weight"};
}

int64_t TextCnn::layer_id(const std::string& parameter) const {
  if (parameter.starts_with("embeddings.")) return 0;
  return parameter.starts_with("convs.") ? 1 : 2;
}

void add_textcnn(Registry& table) {
  const auto add = [&table](const char* name, const TextCnnConfig& config) {
    table.add(text_entry<TextCnn>(name, Family::kCnn, Fusion::kNone, config));
  };
  add("textcnn", {});
  add("textcnn_small", {.embed_dim = 128});
}

}  // namespace braid::models
