// A captured model of images in the form that explanations read.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "braid/explain/grid.h"
#include "braid/graph/graph.h"
#include "braid/models/vision/image_model.h"

namespace braid::explain {

// A value that lies on the image as a grid.
struct Layer {
  graph::ValueId value = graph::kNoValue;
  size_t node = 0;     // that makes it
  std::string name;    // the module whose operator it is; else "the last module + operator"
  std::string module;  // whose parameters the operator uses; may be empty
  Grid grid;
};

struct ExplainableGraph {
  // In canonical form: nothing in place, no learned tensor asks for a gradient.
  graph::Graph graph;
  int64_t height = 0, width = 0;         // of the images, pixels
  std::vector<Layer> layers;             // in the order in which they are computed
  std::vector<AttentionSite> attention;  // with places
};

// Throws DataError where the model cannot be captured. model: in eval mode.
ExplainableGraph explainable_graph(models::ImageModel& model, int64_t height, int64_t width);
ExplainableGraph explainable_graph(graph::Graph captured);

// x: [B,C,height,width] -> [B,K], under autograd where x asks for it.
torch::Tensor logits(const ExplainableGraph& explained, const torch::Tensor& x);

// name: a layer's, or a module's: then the last layer of the module, with the sums and activations
// that directly follow it. Throws UsageError with near matches.
const Layer& find_layer(const ExplainableGraph& explained, const std::string& name);
// The last layer whose cells the class's logit depends on, beside queries, keys and values: of a
// classifier by its class token these are the tokens before the last attention. image:
// [1,C,height,width]. Throws DataError where no layer has a grid.
const Layer& last_layer(const ExplainableGraph& explained, const torch::Tensor& image,
                        int64_t target);

// The module that a node's parameters belong to; of attention what its neighbours have in common.
std::string module_of(const graph::Graph& graph, const graph::Node& node);

}  // namespace braid::explain
