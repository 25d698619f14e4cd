// What `braid explain` finds, as it is written to explain.json.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "braid/core/config.h"

namespace braid::explain {

inline constexpr std::array kMethods = {
    "grad-cam", "grad-cam++", "rollout", "attention", "integrated-gradients", "occlusion", "erf"};

// What is explained, and how.
struct ExplainConfig {
  std::string method = "auto";  // some of kMethods, with commas between them
  std::optional<std::string> target;
  std::optional<std::string> layer;
  int64_t steps = 64;
  int64_t window = 0;
  int64_t stride = 0;
  int64_t batch_size = 16;
  int64_t seed = 0;
  void visit(FieldVisitor& v);
};
// The methods it names; auto: grad-cam, where the model's last layer is fine enough (see
// image_explainer.h). Throws UsageError with near matches.
std::vector<std::string> methods_of(const ExplainConfig& config);

// One map over one image.
struct HeatMap {
  std::string method, layer;  // layer: of those that have one
  std::string picture;        // PNG
  std::string map;            // its tensor in maps.safetensors: [H,W] in [0,1]
  std::string values;         // and what it was made of: [h,w] of the grid, or [H,W] with signs
  std::vector<int64_t> peak;  // y, x of the map's largest pixel
  // Integrated gradients: the values' sum, and the difference of logits that it should be.
  std::optional<double> sum, total;
  // Attention: pixels between a query and what it looks at, per head.
  std::vector<double> distance;
  void visit(FieldVisitor& v);
};

struct ImageExplanation {
  std::string file;
  std::string target, predicted;  // classes
  int64_t index = 0;              // of the target
  double probability = 0;         // of the target
  std::string picture;            // the image as the model sees it
  std::vector<HeatMap> maps;
  void visit(FieldVisitor& v);
};

struct FieldExplanation {
  std::string layer;
  int64_t images = 0;
  double side_50 = 0, side_99 = 0;  // of the squares that hold these percents, of the image's side
  std::string picture, map;
  void visit(FieldVisitor& v);
};

struct TokenAttribution {
  std::string token;
  double attribution = 0;
  // 0: of the text, 1: of the second one; unset: added around them, as the places of such are.
  std::optional<int64_t> sequence;
  std::optional<int64_t> start, end;  // in its text, code points, half-open
  void visit(FieldVisitor& v);
};

struct TextExplanation {
  std::string text, method;
  std::optional<std::string> text_pair;  // the second one, of a model that judges two together
  std::string target, predicted;
  int64_t index = 0;
  double probability = 0;
  double sum = 0, total = 0;  // of the attributions, and the difference of logits that it should be
  int64_t truncated = 0;      // tokens at the end that the model does not read
  std::vector<TokenAttribution> tokens;
  void visit(FieldVisitor& v);
};

// How faithful a method is to the model, see faithfulness.h.
struct CheckRow {
  std::string method;
  int64_t images = 0;
  std::optional<double> deletion, insertion, random_deletion, random_insertion;
  std::optional<double> pointing, pointing_chance;  // share of planted patches that are found
  int64_t planted = 0;
  std::optional<double> randomized;  // rank correlation with all weights randomized
  std::vector<double> cascade;       // after each layer, the last one first
  std::string verdict;
  void visit(FieldVisitor& v);
};

struct Explanations {
  int64_t schema_version = 1;
  std::string braid_version, model, checkpoint;
  std::vector<ImageExplanation> images;
  std::vector<TextExplanation> texts;
  std::optional<FieldExplanation> receptive_field;
  std::vector<CheckRow> check;
  void visit(FieldVisitor& v);
};

}  // namespace braid::explain
