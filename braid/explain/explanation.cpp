#include "braid/explain/explanation.h"

#include <algorithm>
#include <sstream>

#include "braid/core/error.h"
#include "braid/core/near_match.h"

namespace braid::explain {

void ExplainConfig::visit(FieldVisitor& v) {
  v.field(
      "method", method,
      "grad-cam, grad-cam++, rollout, attention, integrated-gradients, occlusion, erf; several "
      "with commas; auto: grad-cam, or occlusion where the last layer has less than 7x7 cells; of "
      "texts integrated-gradients");
  v.field("target", target, "class that is explained, its name or number; else the predicted one");
  v.field(
      "layer", layer,
      "module whose output is looked at, such as layer4 or blocks.11.norm1; else the last one with "
      "a grid");
  v.field("steps", steps, "integrated gradients: points on the way from the baseline",
          {.least = 1, .most = 100'000});
  v.field("window", window,
          "occlusion: side of the square that is hidden, pixels; 0: an eighth "
          "of the image",
          {.least = 0, .most = 100'000});
  v.field("stride", stride, "occlusion: between squares, pixels; 0: half the square",
          {.least = 0, .most = 100'000});
  v.field("batch_size", batch_size, "images that are computed together",
          {.least = 1, .most = 4096});
  v.field("seed", seed, "of what --check draws", {.least = 0});
}

std::vector<std::string> methods_of(const ExplainConfig& config) {
  if (config.method == "auto") return {"grad-cam"};
  std::vector<std::string> methods;
  std::stringstream words(config.method);
  for (std::string word; std::getline(words, word, ',');) {
    if (std::find(kMethods.begin(), kMethods.end(), word) == kMethods.end())
      throw UsageError(
          "explain", "expected a method, got '" + word + "'", "--method",
          did_you_mean(word, {kMethods.begin(), kMethods.end()}, "see `braid explain --help`"));
    if (std::find(methods.begin(), methods.end(), word) == methods.end()) methods.push_back(word);
  }
  if (methods.empty())
    throw UsageError("explain", "expected a method, got none", "--method",
                     "leave it out for grad-cam");
  return methods;
}

void HeatMap::visit(FieldVisitor& v) {
  v.field("method", method, "how it was made");
  v.field("layer", layer, "of the model");
  v.field("picture", picture, "PNG in the output folder");
  v.field("map", map, "tensor of maps.safetensors, [H,W] in [0,1]");
  v.field("values", values, "tensor of maps.safetensors that the map is made of");
  v.field("peak", peak, "y and x of the largest pixel");
  v.field("sum", sum, "of attributions");
  v.field("total", total, "what they should sum to");
  v.field("distance", distance, "pixels, per head");
}

void ImageExplanation::visit(FieldVisitor& v) {
  v.field("file", file, "");
  v.field("target", target, "class that is explained");
  v.field("index", index, "of the target");
  v.field("probability", probability, "of the target");
  v.field("predicted", predicted, "class");
  v.field("picture", picture, "the image as the model sees it");
  v.list("maps", maps);
}

void FieldExplanation::visit(FieldVisitor& v) {
  v.field("layer", layer, "of the model");
  v.field("images", images, "that it is a mean over");
  v.field("side_50", side_50, "share of the image's side");
  v.field("side_99", side_99, "share of the image's side");
  v.field("picture", picture, "PNG in the output folder");
  v.field("map", map, "tensor of maps.safetensors");
}

void TokenAttribution::visit(FieldVisitor& v) {
  v.field("token", token, "");
  v.field("attribution", attribution, "of the target's logit");
  v.field("sequence", sequence, "0: of the text, 1: of the second one, null: added around them");
  v.field("start", start, "code points of its text");
  v.field("end", end, "code points of its text");
}

void TextExplanation::visit(FieldVisitor& v) {
  v.field("text", text, "");
  v.field("text_pair", text_pair, "the second text");
  v.field("method", method, "how it was made");
  v.field("target", target, "class that is explained");
  v.field("index", index, "of the target");
  v.field("probability", probability, "of the target");
  v.field("predicted", predicted, "class");
  v.field("sum", sum, "of attributions");
  v.field("total", total, "what they should sum to");
  v.field("truncated", truncated, "tokens at the end that the model does not read");
  v.list("tokens", tokens);
}

void CheckRow::visit(FieldVisitor& v) {
  v.field("method", method, "that is checked");
  v.field("images", images, "that it was checked on");
  v.field("deletion", deletion, "area under the probability while pixels are taken away");
  v.field("random_deletion", random_deletion, "the same in a random order");
  v.field("insertion", insertion, "area under the probability while pixels are put back");
  v.field("random_insertion", random_insertion, "the same in a random order");
  v.field("pointing", pointing, "share of planted patches that are found");
  v.field("pointing_chance", pointing_chance, "share of the image that a patch is");
  v.field("planted", planted, "patches");
  v.field("randomized", randomized, "rank correlation with all weights randomized");
  v.field("cascade", cascade, "rank correlation after each layer, the last one first");
  v.field("verdict", verdict, "");
}

void Explanations::visit(FieldVisitor& v) {
  v.field("schema_version", schema_version, "");
  v.field("braid_version", braid_version, "");
  v.field("model", model, "architecture");
  v.field("checkpoint", checkpoint, "");
  v.list("images", images);
  v.list("texts", texts);
  v.group("receptive_field", receptive_field);
  v.list("check", check);
}

}  // namespace braid::explain
