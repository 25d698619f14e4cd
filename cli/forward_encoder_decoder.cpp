// braid forward of encoder-decoders: 'input_ids' and 'decoder_input_ids' to 'logits', 'hidden',
// 'encoder_hidden'.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>

#include "braid/core/error.h"
#include "braid/io/posix_file.h"
#include "braid/models/text/encoder_decoder.h"
#include "braid/models/text/text_checkpoint.h"
#include "cli/forward.h"

namespace braid::cli {
namespace {

struct PairInput {
  torch::Tensor input_ids, attention_mask, decoder_input_ids, decoder_attention_mask;
};

PairInput load_pair_input(const std::string& file) {
  PairInput input;
  const std::map<std::string, torch::Tensor*> places = {
      {"input_ids", &input.input_ids},
      {"attention_mask", &input.attention_mask},
      {"decoder_input_ids", &input.decoder_input_ids},
      {"decoder_attention_mask", &input.decoder_attention_mask}};
  for (const auto& [name, tensor] : runtime::load_tensors(file)) {
    const auto it = places.find(name);
    if (it == places.end())
      throw DataError("forward", "unexpected tensor '" + name + "'", file,
                      "an encoder-decoder takes input_ids, attention_mask, decoder_input_ids and "
                      "decoder_attention_mask");
    *it->second = tensor;
  }
  for (const char* name : {"input_ids", "decoder_input_ids"})
    if (!places.at(name)->defined())
      throw DataError("forward", fmt::format("expected a tensor '{}' [B,N]", name), file);
  if (input.input_ids.dim() > 0 && input.decoder_input_ids.dim() > 0 &&
      input.input_ids.size(0) != input.decoder_input_ids.size(0))
    throw DataError("forward",
                    fmt::format("expected as many rows of decoder_input_ids as of input_ids, {}, "
                                "got {}",
                                input.input_ids.size(0), input.decoder_input_ids.size(0)),
                    file);
  return input;
}

class EncoderDecoderForward final : public ForwardKind {
 public:
  EncoderDecoderForward(const ForwardOptions& options, const models::ModelEntry& entry)
      : options_(options), entry_(entry) {
    if (options.in_chans || options.img_size || options.num_classes)
      throw UsageError("forward",
                       "expected neither --in-chans, --img-size nor --num-classes for an "
                       "encoder-decoder",
                       options.model);
  }

  Json fields(const Json& given, const std::filesystem::path& weights,
              const runtime::TensorMap&) override {
    if (!options_.input.empty()) input_ = load_pair_input(options_.input);
    const auto config = weights / "config.json";
    Json fields = Json::object();
    if (!weights.empty() && io::is_folder(weights) && io::file_exists(config))
      fields = read_family_config(config, entry_).model_args;
    fields.update(given);
    return fields;
  }

  void save(const models::Model& model, const std::filesystem::path& folder,
            uint64_t max_shard_size) const override {
    models::save_text_model(dynamic_cast<const models::TextModel&>(model),
                            models::make_hub_config(options_.model, model), folder, max_shard_size);
  }

  runtime::TensorMap run(models::Model& model, torch::Device device,
                         torch::ScalarType) const override {
    auto& pair = dynamic_cast<models::EncoderDecoder&>(model);
    const int64_t most = pair.max_positions();
    const auto source = forward_tokens(options_, {input_.input_ids, input_.attention_mask, {}},
                                       most, models::LastToken::kStays, "input_ids");
    const auto target =
        forward_tokens(options_, {input_.decoder_input_ids, input_.decoder_attention_mask, {}},
                       most, models::LastToken::kGoes, "decoder_input_ids");
    models::check_text_input(source, pair.source_vocab_size(), most);
    models::check_text_input(target, pair.vocab_size(), most, "decoder_");
    // On a GPU nobody looks at the numbers: that was done here.
    const auto there = [device](const torch::Tensor& tensor) {
      return tensor.defined() ? tensor.to(device) : tensor;
    };
    const auto encoded = pair.encode({there(source.input_ids), there(source.attention_mask), {}});
    const auto hidden = pair.decode(there(target.input_ids), there(target.attention_mask), encoded);
    return {
        {"logits", pair.logits(hidden)}, {"hidden", hidden}, {"encoder_hidden", encoded.hidden}};
  }

 private:
  const ForwardOptions& options_;
  models::ModelEntry entry_;
  PairInput input_;
};

}  // namespace

std::unique_ptr<ForwardKind> make_encoder_decoder_forward(const ForwardOptions& options,
                                                          const models::ModelEntry& entry) {
  return std::make_unique<EncoderDecoderForward>(options, entry);
}

}  // namespace braid::cli
