#include "braid/export/onnx/emitter.h"

namespace braid::onnx {
namespace {

// x [M,I]: Gemm, with the weight as it is; x [..,I]: MatMul with the weight transposed, + bias. A
// weight that is in the file as it is, such as the embeddings of words that are the last layer too,
// is not written twice: engines transpose it when they load it.
void linear(Emitter& e, const Node& node) {
  const ValueId input = node.value("input"), weight = node.value("weight"),
                bias = node.value("bias");
  if (e.rank_of(input) == 2) {
    std::vector<std::string> inputs = {e.name(input), e.name(weight)};
    if (bias != graph::kNoValue) inputs.push_back(e.name(bias));
    e.emit(node, "Gemm", inputs, {{"transB", int64_t{1}}});
    return;
  }
  const auto& matrix = e.graph().at(weight);
  const bool alone = matrix.constant.defined() && !e.has_name(weight);
  const auto transposed =
      alone ? e.constant(matrix.constant.t(), matrix.name)
            : e.add("Transpose", {e.name(weight)}, {{"perm", std::vector<int64_t>{1, 0}}});
  const auto product = e.add("MatMul", {e.name(input), transposed});
  e.set(node.outputs.at(0),
        bias == graph::kNoValue ? product : e.add("Add", {product, e.name(bias)}));
}

void matmul(Emitter& e, const Node& node) {
  e.emit(node, "MatMul",
         {e.name(node.value("self")), e.name(node.value(node.has("other") ? "other" : "mat2"))});
}

void add_product(Emitter& e, const Node& node, const char* first, const char* second) {
  if (node.number("alpha") != 1 || node.number("beta") != 1)
    e.refuse("a sum without factors", "one with them");
  const auto product = e.add("MatMul", {e.name(node.value(first)), e.name(node.value(second))});
  e.emit(node, "Add", {product, e.name(node.value("self"))});
}
void addmm(Emitter& e, const Node& node) { add_product(e, node, "mat1", "mat2"); }
void baddbmm(Emitter& e, const Node& node) { add_product(e, node, "batch1", "batch2"); }

void einsum(Emitter& e, const Node& node) {
  std::vector<std::string> inputs;
  for (const ValueId id : node.argument("tensors").values) inputs.push_back(e.name(id));
  e.emit(node, "Einsum", inputs, {{"equation", node.argument("equation").other.toStringRef()}});
}

}  // namespace

void add_products(EmitTable& table) {
  table.insert({{"aten::addmm", addmm},
                {"aten::baddbmm", baddbmm},
                {"aten::bmm", matmul},
                {"aten::einsum", einsum},
                {"aten::linear", linear},
                {"aten::matmul", matmul},
                {"aten::mm", matmul}});
}

}  // namespace braid::onnx
