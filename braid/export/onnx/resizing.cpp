#include "braid/export/onnx/emitter.h"

namespace braid::onnx {
namespace {

// To the size that LibTorch came to; the pixels' centres lie as LibTorch has them.
void resize(Emitter& e, const Node& node, const char* mode, const std::string& coordinates,
            Attributes more = {}) {
  const ValueId output = node.outputs.at(0);
  more.insert(more.end(), {{"mode", std::string(mode)},
                           {"coordinate_transformation_mode", coordinates},
                           {"axes", std::vector<int64_t>{2, 3}}});
  const auto& first = node.op.schema().arguments().at(0).name();
  e.emit(
      node, "Resize",
      {e.name(node.value(first)), "", "", e.integers({e.size_of(output, 2), e.size_of(output, 3)})},
      more);
}

void nearest(Emitter& e, const Node& node) {
  resize(e, node, "nearest", "asymmetric", {{"nearest_mode", std::string("floor")}});
}
std::string centres(const Node& node) {
  return node.flag("align_corners") ? "align_corners" : "half_pixel";
}
void bilinear(Emitter& e, const Node& node) { resize(e, node, "linear", centres(node)); }
void bicubic(Emitter& e, const Node& node) {
  resize(e, node, "cubic", centres(node), {{"cubic_coeff_a", -0.75f}});
}

void pixel_shuffle(Emitter& e, const Node& node) {
  e.emit(node, "DepthToSpace", {e.name(node.value("self"))},
         {{"blocksize", node.integer("upscale_factor")}, {"mode", std::string("CRD")}});
}

}  // namespace

void add_resizing(EmitTable& table) {
  table.insert({{"aten::pixel_shuffle", pixel_shuffle},
                {"aten::upsample_bicubic2d", bicubic},
                {"aten::upsample_bilinear2d", bilinear},
                {"aten::upsample_nearest2d", nearest}});
}

}  // namespace braid::onnx
