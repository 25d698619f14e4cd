// braid forward: tensors in, tensors out, for parity checks and scripts.
#include <fmt/format.h>

#include <filesystem>

#include "braid/core/error.h"
#include "braid/core/progress.h"
#include "braid/data/cut_examples.h"
#include "braid/io/hub.h"
#include "braid/io/posix_file.h"
#include "braid/models/registry.h"
#include "braid/models/text/encoder_decoder.h"
#include "braid/models/vision/image_model.h"
#include "braid/models/weights.h"
#include "braid/runtime/autocast.h"
#include "braid/runtime/device.h"
#include "braid/runtime/tensor_file.h"
#include "braid/torch.h"
#include "cli/command.h"
#include "cli/forward.h"

namespace braid::cli {
namespace {

Json parse_kwargs(const std::string& text) {
  Json json;
  try {
    json = parse_json(text, {.component = "forward", .where = "--model-kwargs"});
  } catch (const DataError&) {  // said below, with an example
  }
  if (!json.is_object())
    throw UsageError("forward", "expected a JSON object, got '" + text + "'", "--model-kwargs",
                     R"(for example --model-kwargs '{"depths": [1, 1]}')");
  return json;
}

torch::Device parse_device(const std::string& name) {
  try {
    return runtime::resolve_device(name);
  } catch (const ConfigError&) {
    throw UsageError("forward", "expected cpu, or cuda where there is one, got '" + name + "'",
                     "--device");
  }
}

// d(loss) / d(parameter), every parameter under its name.
void save_gradients(models::Model& model, const torch::Tensor& loss, const std::string& file) {
  loss.backward();
  runtime::TensorMap gradients;
  for (const auto& item : model.named_parameters())
    gradients[item.key()] =
        item.value().grad().defined() ? item.value().grad() : torch::zeros_like(item.value());
  runtime::save_tensors(gradients, file);
}

bool names_folder(const std::string& path) { return path.ends_with('/') || io::is_folder(path); }

void save(const ForwardKind& kind, const models::Model& model, const ForwardOptions& options) {
  if (!names_folder(options.save_weights)) {
    models::save_weights(model, options.save_weights);
    return;
  }
  const uint64_t most = options.max_shard_size.empty()
                            ? io::kMaxShardSize
                            : io::parse_byte_size(options.max_shard_size);
  kind.save(model, options.save_weights, most);
}

std::unique_ptr<ForwardKind> make_forward(const ForwardOptions& options) {
  const auto entry = models::find_model(options.model);
  if (entry.kind == models::TextEncoder::kKind) return make_text_forward(options, entry);
  if (entry.kind == models::ImageModel::kKind) return make_image_forward(options, entry);
  if (entry.kind == models::EncoderDecoder::kKind)
    return make_encoder_decoder_forward(options, entry);
  throw UsageError("forward",
                   "expected an image model, a text encoder or an encoder-decoder, got " +
                       models::with_article(entry.kind),
                   options.model);
}

void check_combination(const ForwardOptions& options) {
  if (options.weights.empty() == !options.init)
    throw UsageError("forward", "expected one of --weights and --init", options.model);
  if (options.input.empty() && options.save_weights.empty())
    throw UsageError("forward", "expected --input, or --save-weights", options.model);
  if (options.input.empty() != options.output.empty())
    throw UsageError("forward", "expected --input and --output together", options.model);
  if (!options.max_shard_size.empty()) {
    io::parse_byte_size(options.max_shard_size);
    if (options.save_weights.empty() || !names_folder(options.save_weights))
      throw UsageError("forward", "expected --save-weights FOLDER/ with it", "--max-shard-size");
  }
  if (!options.grads.empty() && options.input.empty())
    throw UsageError("forward", "expected --input with --grads", options.model);
}

void run(const ForwardOptions& options) {
  check_combination(options);
  const auto kind = make_forward(options);
  const auto device = parse_device(options.device);
  // float64 is for parity checks: there a ReLU's sign does not hang on the order of summation.
  const bool exact = options.dtype == "float64";
  const auto dtype = exact ? "float32" : runtime::resolve_dtype(options.dtype, device.type());
  const auto scalar = exact ? torch::kDouble : torch::kFloat;

  const auto weights = io::resolve_weights(options.weights, *make_terminal_progress());
  const auto tensors = weights.empty() ? runtime::TensorMap() : runtime::load_tensors(weights);
  const auto fields = kind->fields(parse_kwargs(options.model_kwargs), weights, tensors);
  const auto model = models::create_model(options.model, fields, options.init.value_or(0));
  if (!weights.empty()) models::load_tensors_into(*model, tensors, weights.string());
  model->eval();
  if (options.reparameterize) model->reparameterize();
  if (!options.save_weights.empty()) save(*kind, *model, options);
  if (options.input.empty()) return;

  model->to(device, scalar);
  const torch::AutoGradMode record(!options.grads.empty());
  runtime::TensorMap outputs;
  {
    const runtime::Autocast autocast(device.type(), dtype);
    outputs = kind->run(*model, device, scalar);
  }
  for (auto& item : outputs) item.second = item.second.to(scalar);
  runtime::save_tensors(outputs, options.output);
  if (!options.grads.empty()) save_gradients(*model, kind->loss(outputs), options.grads);
}

}  // namespace

models::TextInput forward_tokens(const ForwardOptions& options, const models::TextInput& given,
                                 int64_t positions, models::LastToken last,
                                 const std::string& name) {
  if (!options.truncate) return given;
  auto [input, rows] = models::truncate_input(given, positions, last);
  if (rows > 0)
    make_terminal_progress()->line(to_text(data::CutExamples{.count = rows,
                                                             .of = input.input_ids.size(0),
                                                             .max_length = positions,
                                                             .items = "rows of " + name}) +
                                   ".");
  return input;
}

void add_forward(CLI::App& program) {
  auto* verb = program.add_subcommand("forward", "Run a model on a tensor file");
  verb->footer(
      "Examples:\n"
      "  braid forward resnet18 --init 0 --save-weights w.safetensors\n"
      "  braid forward resnet18 --weights w.safetensors --input in.safetensors --output "
      "out.safetensors\n"
      "  braid forward fastvit_t8 --weights w.safetensors --reparameterize --save-weights "
      "deployed/\n"
      "  braid forward bert_base --weights bert/ --input ids.safetensors --output out.safetensors");
  auto o = std::make_shared<ForwardOptions>();
  verb->add_option("model", o->model, "architecture, see `braid models`")->required();
  verb->add_option("--weights", o->weights,
                   ".safetensors file, a checkpoint's folder, or hf-hub:OWNER/NAME");
  verb->add_option("--init", o->init, "random weights from this seed instead");
  verb->add_option("--save-weights", o->save_weights,
                   "write the weights to this file; a folder (FOLDER/) gets config.json too");
  verb->add_flag("--reparameterize", o->reparameterize,
                 "sum the branches that only training needs (FastViT, RepViT)");
  verb->add_option("--max-shard-size", o->max_shard_size,
                   "FOLDER/: split the weights into files of at most so much, such as 300MB [5GB]");
  verb->add_option(
      "--input", o->input,
      "file with the tensor 'input' [B,C,H,W], float32; of text 'input_ids' [B,N], and may be "
      "'attention_mask', 'token_type_ids'; of encoder-decoders 'decoder_input_ids' too, and may be "
      "'decoder_attention_mask'");
  verb->add_flag("--truncate", o->truncate,
                 "cut rows of tokens to the model's positions, as Hugging Face does: at their end, "
                 "before the last token; of two texts (token_type_ids) the longer one first. "
                 "Without it they are refused");
  verb->add_option("--output", o->output,
                   "file to write: 'logits' and 'features'; of text 'pooled' and "
                   "'seq_relationship_logits' where there are such; of encoder-decoders 'logits', "
                   "'hidden' and 'encoder_hidden'");
  verb->add_option("--grads", o->grads,
                   "file to write: the gradient of mean(logits^2), per parameter, in eval mode");
  verb->add_option("--num-classes", o->num_classes, "classes [from the weights]");
  verb->add_option("--in-chans", o->in_chans, "input channels [from the input]");
  verb->add_option("--img-size", o->img_size, "pixels along one side [from the input]");
  verb->add_option("--model-kwargs", o->model_kwargs, "fields of the model's config as JSON [{}]");
  show_choices(verb->add_option("--device", o->device, "where it computes [cpu]"),
               {"cpu", "cuda", "cuda:N"});
  show_choices(verb->add_option("--dtype", o->dtype, "precision [float32]"),
               {"float32", "bfloat16", "float64", "auto"});
  verb->callback([o] { run(*o); });
}

}  // namespace braid::cli
