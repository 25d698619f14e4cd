#include "braid/export/onnx/emitter.h"

namespace braid::onnx {
namespace {

// One number per spatial dimension; LibTorch takes a single one for all of them too.
std::vector<int64_t> per_dimension(const Node& node, const char* argument, size_t dims) {
  auto numbers = node.integers(argument);
  if (numbers.size() == 1) numbers.resize(dims, numbers[0]);
  return numbers;
}

std::vector<int64_t> twice(std::vector<int64_t> pads) {
  const auto half = pads;
  pads.insert(pads.end(), half.begin(), half.end());
  return pads;
}

// Begin and end of each dimension; "same" puts the odd pixel at the end.
std::vector<int64_t> padding_of(Emitter& e, const Node& node, const std::vector<int64_t>& kernel,
                                const std::vector<int64_t>& dilation) {
  const auto& padding = node.argument("padding");
  if (padding.kind != graph::Argument::Kind::kOther)
    return twice(per_dimension(node, "padding", kernel.size()));
  std::vector<int64_t> begin(kernel.size(), 0), end(kernel.size(), 0);
  if (padding.other.toStringRef() == "same")
    for (size_t i = 0; i < kernel.size(); ++i) {
      const int64_t total = dilation[i] * (kernel[i] - 1);
      begin[i] = total / 2;
      end[i] = total - begin[i];
    }
  else if (padding.other.toStringRef() != "valid")
    e.refuse("padding same or valid", padding.other.toStringRef());
  begin.insert(begin.end(), end.begin(), end.end());
  return begin;
}

void convolve(Emitter& e, const Node& node, bool transposed) {
  const ValueId weight = node.value("weight");
  const auto sizes = graph::shape_at(e.shape_of(weight), 0);
  const std::vector<int64_t> kernel(sizes.begin() + 2, sizes.end());
  const auto dilation = per_dimension(node, "dilation", kernel.size());
  std::vector<std::string> inputs = {e.name(node.value("input")), e.name(weight)};
  if (node.value("bias") != graph::kNoValue) inputs.push_back(e.name(node.value("bias")));
  Attributes attributes = {{"kernel_shape", kernel},
                           {"strides", per_dimension(node, "stride", kernel.size())},
                           {"pads", padding_of(e, node, kernel, dilation)},
                           {"dilations", dilation},
                           {"group", node.integer("groups")}};
  if (transposed)
    attributes.emplace_back("output_padding", per_dimension(node, "output_padding", kernel.size()));
  e.emit(node, transposed ? "ConvTranspose" : "Conv", inputs, attributes);
}

void convolution(Emitter& e, const Node& node) { convolve(e, node, false); }
void transposed_convolution(Emitter& e, const Node& node) { convolve(e, node, true); }

}  // namespace

void add_convolutions(EmitTable& table) {
  table.insert({{"aten::conv1d", convolution},
                {"aten::conv2d", convolution},
                {"aten::conv3d", convolution},
                {"aten::conv_transpose1d", transposed_convolution},
                {"aten::conv_transpose2d", transposed_convolution}});
}

}  // namespace braid::onnx
