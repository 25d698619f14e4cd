// One model with one fixed random batch to train on, of images or of texts.
#pragma once
#include <fmt/format.h>

#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "braid/data/batch.h"
#include "braid/models/registry.h"
#include "braid/models/text/encoder_decoder.h"
#include "braid/models/text/text_model.h"
#include "braid/models/vision/image_model.h"
#include "braid/runtime/autocast.h"
#include "braid/tasks/image_model.h"
#include "braid/tasks/loss.h"
#include "braid/tasks/text/translation_scores.h"

namespace braid::bench {

// Flags by their names with dashes: --model, --batch-size, --classes; of images --img-size and
// --in-chans; of texts --length, tokens of a row.
using Args = std::map<std::string, std::string>;

// Pairs of flag and value over the defaults; false: something else stands there, and it is said
// what can be given.
inline bool read_flags(Args& args, int argc, char** argv) {
  bool understood = argc % 2 == 1;
  for (int i = 1; understood && i < argc; i += 2) {
    understood = args.contains(argv[i]) || argv[i] == std::string("--model");
    if (understood) args[argv[i]] = argv[i + 1];
  }
  if (understood && args.contains("--model")) return true;
  fmt::print(stderr, "usage: {} --model NAME", argv[0]);
  for (const auto& [flag, value] : args)
    if (flag != "--model") fmt::print(stderr, " [{} {}]", flag, value);
  fmt::print(stderr, "\n");
  return false;
}

inline int64_t number_of(const Args& args, const char* flag) { return std::stoll(args.at(flag)); }

struct TrainCase {
  std::shared_ptr<models::Model> model;
  data::Batch batch;
  std::function<torch::Tensor(const data::Batch&)> loss;
  int64_t items = 0;  // of the batch: images or tokens
  std::string unit;
};

// As the loader has them: channels last, those of gray images too.
inline TrainCase image_case(const Args& args, const torch::Device& device) {
  const int64_t size = number_of(args, "--img-size"), batch = number_of(args, "--batch-size"),
                chans = number_of(args, "--in-chans"), classes = number_of(args, "--classes");
  const auto model = models::create_model<models::ImageModel>(
      args.at("--model"), {{"num_classes", classes}, {"in_chans", chans}, {"img_size", size}},
      /*seed=*/0);
  model->to(device);
  tasks::to_channels_last(*model);
  const auto images = torch::randn({batch, size, size, chans}, device).permute({0, 3, 1, 2});
  const auto labels = torch::randint(classes, {batch}, torch::device(device).dtype(torch::kLong));
  return {model,
          {{{data::kPixelValues, images}, {data::kLabels, labels}}, {}},
          [model](const data::Batch& b) {
            return torch::nn::functional::cross_entropy(model->forward(b.at(data::kPixelValues)),
                                                        b.at(data::kLabels));
          },
          batch,
          "images"};
}

// Hidden words, a share of 0.15 of rows that are full; the logits of these alone.
inline TrainCase masked_lm_case(const Args& args, const torch::Device& device) {
  const int64_t rows = number_of(args, "--batch-size"), length = number_of(args, "--length");
  const auto model = models::create_model<models::TextEncoder>(args.at("--model"),
                                                               {{"head", "masked_lm"}}, /*seed=*/0);
  model->to(device);
  const auto options = torch::device(device).dtype(torch::kLong);
  const auto ids = torch::randint(model->vocab_size(), {rows, length}, options);
  const auto places =
      torch::randperm(rows * length, options).narrow(0, 0, rows * length * 15 / 100);
  return {model,
          {{{data::kInputIds, ids}, {"places", places}}, {}},
          [model](const data::Batch& b) {
            const models::TextInput input{b.at(data::kInputIds), {}, {}};
            const auto hidden = model->forward_features(input).flatten(0, 1);
            const auto logits = model->forward_head(hidden.index_select(0, b.at("places")), input);
            const auto labels = input.input_ids.flatten().index_select(0, b.at("places"));
            return tasks::cross_entropy(logits, labels, 0);
          },
          rows * length,
          "tokens"};
}

// Source and target tokens of full rows, label smoothing 0.1.
inline TrainCase translation_case(const Args& args, const torch::Device& device) {
  const int64_t rows = number_of(args, "--batch-size"), length = number_of(args, "--length");
  const auto model =
      models::create_model<models::EncoderDecoder>(args.at("--model"), Json::object(), /*seed=*/0);
  model->to(device);
  const auto options = torch::device(device).dtype(torch::kLong);
  const auto words = [&] {
    return torch::randint(4, model->vocab_size() - 1, {rows, length}, options);
  };
  const auto ones = torch::ones({rows, length}, options);
  return {model,
          {{{data::kInputIds, words()},
            {data::kAttentionMask, ones},
            {data::kDecoderInputIds, words()},
            {data::kDecoderAttentionMask, ones},
            {data::kLabels, words()}},
           std::vector<int64_t>(static_cast<size_t>(rows))},
          [model](const data::Batch& b) { return tasks::sequence_loss(*model, b, 0.1).loss; },
          rows * length,
          "target tokens"};
}

inline TrainCase make_case(const Args& args, const torch::Device& device) {
  const auto& kind = models::find_model(args.at("--model")).kind;
  auto made = kind == models::ImageModel::kKind    ? image_case(args, device)
              : kind == models::TextEncoder::kKind ? masked_lm_case(args, device)
                                                   : translation_case(args, device);
  made.model->train();
  made.loss = [loss = made.loss, device, dtype = args.at("--dtype")](const data::Batch& b) {
    const runtime::Autocast autocast(device.type(), dtype);
    return loss(b);
  };
  return made;
}

}  // namespace braid::bench
