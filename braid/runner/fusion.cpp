#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "braid/runner/fusion_quantized.h"
#include "braid/runner/graph.h"
#include "braid/runner/ops/activation.h"
#include "braid/runner/ops/fused.h"

namespace braid::runner {
namespace {

class Fuser {
 public:
  explicit Fuser(Graph& graph) : graph_(graph) { index(); }

  void run() {
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      auto& node = graph_.nodes[i];
      if (gone_[i]) continue;
      if (node.op_type == "Mul") fuse_silu(i);
      if (node.op_type == "Conv") fuse_pad(i);
      node = quantized(node, graph_, maker_);
      if (node.op_type == "QuantizeLinear") fuse_quantize(i);
      if (node.op_type == "MatMul" || node.op_type == "Gemm") to_linear(node);
      if (node.op_type == "Add") fuse_add(i);
      fuse_activation(i);
    }
    std::vector<FileNode> kept;
    for (size_t i = 0; i < graph_.nodes.size(); ++i)
      if (!gone_[i]) kept.push_back(std::move(graph_.nodes[i]));
    graph_.nodes = std::move(kept);
  }

 private:
  void index() {
    gone_.assign(graph_.nodes.size(), false);
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      for (const auto& output : graph_.nodes[i].outputs)
        if (!output.empty()) maker_[output] = i;  // what is left out is made by nobody
      for (const auto& input : graph_.nodes[i].inputs) ++readers_[input];
    }
    for (const auto& output : graph_.outputs) ++readers_[output];
  }

  // Who makes a value that one operator alone reads.
  std::optional<size_t> sole_maker(const std::string& name) const {
    const auto it = maker_.find(name);
    if (it == maker_.end() || gone_[it->second] || readers_.at(name) != 1) return std::nullopt;
    if (graph_.nodes[it->second].outputs.size() != 1) return std::nullopt;
    return it->second;
  }

  const Tensor* constant(const std::string& name) const { return find_constant(graph_, name); }

  // `earlier` goes; `later` stands for both. It is later in the file than all that both read.
  void replace(size_t earlier, size_t later, FileNode joined) {
    joined.outputs = graph_.nodes[later].outputs;
    graph_.nodes[later] = std::move(joined);
    gone_[earlier] = true;
    for (const auto& output : graph_.nodes[later].outputs) maker_[output] = later;
  }

  // x * sigmoid(x)
  void fuse_silu(size_t i) {
    const auto& node = graph_.nodes[i];
    if (node.inputs.size() != 2) return;
    for (const size_t side : {size_t{0}, size_t{1}}) {
      const auto maker = sole_maker(node.inputs[side]);
      if (!maker) continue;
      const auto& sigmoid = graph_.nodes[*maker];
      if (sigmoid.op_type != "Sigmoid" || sigmoid.inputs.size() != 1 ||
          sigmoid.inputs[0] != node.inputs[1 - side])
        continue;
      FileNode silu{.op_type = "braid.Silu",
                    .name = node.name,
                    .inputs = sigmoid.inputs,
                    .outputs = {},
                    .attributes = {}};
      --readers_[silu.inputs[0]];
      return replace(*maker, i, std::move(silu));
    }
  }

  // Zeros around an image, of which the convolution has some of its own. Between the two may be
  // rounding to bytes, to which a zero is a zero.
  void fuse_pad(size_t i) {
    auto& conv = graph_.nodes[i];
    if (conv.inputs.empty() || has(conv, kFusedInput.scale)) return;  // bytes: 0 is no zero
    const auto before = sole_maker(conv.inputs[0]);
    if (!before) return;
    if (graph_.nodes[*before].op_type == "Pad") {
      if (pad_more(conv, graph_.nodes[*before])) leave_out(*before, conv.inputs[0]);
      return;
    }
    FileNode& dequantize = graph_.nodes[*before];
    const auto quantizer = dequantize.op_type == "DequantizeLinear" && !dequantize.inputs.empty()
                               ? sole_maker(dequantize.inputs[0])
                               : std::nullopt;
    if (!quantizer) return;
    FileNode& quantize = graph_.nodes[*quantizer];
    if (quantize.op_type != "QuantizeLinear" || !same_scale(quantize, dequantize)) return;
    const auto pad = sole_maker(quantize.inputs[0]);
    if (!pad || !pad_more(conv, graph_.nodes[*pad])) return;
    leave_out(*pad, quantize.inputs[0]);
    // What was bytes of this scale already needs no rounding.
    const auto earlier = maker_.find(quantize.inputs[0]);
    if (earlier == maker_.end()) return;
    const auto& source = graph_.nodes[earlier->second];
    if (source.op_type != "DequantizeLinear" || !same_scale(source, quantize)) return;
    --readers_[quantize.inputs[0]];
    ++readers_[source.inputs[0]];
    dequantize.inputs[0] = source.inputs[0];
    gone_[*quantizer] = true;
  }

  static bool same_scale(const FileNode& a, const FileNode& b) {
    return a.inputs.size() == 3 && b.inputs.size() == 3 && a.inputs[1] == b.inputs[1] &&
           a.inputs[2] == b.inputs[2];
  }

  // Whoever read the output of the operator reads its first input.
  void leave_out(size_t i, std::string& reader) {
    reader = graph_.nodes[i].inputs[0];
    gone_[i] = true;
  }

  bool pad_more(FileNode& conv, const FileNode& pad) const {
    const auto zeros = spatial_zeros(pad);
    if (!zeros) return false;
    const auto view = view_of(conv);
    Dims pads = view.integers("pads", Dims(zeros->size(), 0));
    if (view.text("auto_pad", "NOTSET") != "NOTSET" || pads.size() != zeros->size()) return false;
    if (!std::all_of(pads.begin(), pads.end(), is_few)) return false;
    for (size_t d = 0; d < pads.size(); ++d) pads[d] += zeros->at(d);
    std::erase_if(conv.attributes, [](const Attribute& a) { return a.name == "pads"; });
    add_attribute(conv, "pads", Attribute::Kind::kInts).integers = std::move(pads);
    return true;
  }

  static bool is_few(int64_t zeros) {
    constexpr int64_t kMost = 1 << 12;
    return zeros >= 0 && zeros <= kMost;
  }

  // What a Pad adds before and behind each dimension but the first two; none where it does
  // anything else.
  std::optional<Dims> spatial_zeros(const FileNode& pad) const {
    if (pad.op_type != "Pad" || pad.inputs.size() < 2 || pad.inputs.size() > 3) return std::nullopt;
    if (view_of(pad).text("mode", "constant") != "constant") return std::nullopt;
    const Tensor* pads = constant(pad.inputs[1]);
    if (pads == nullptr || pads->dtype() != DType::kInt64 || pads->count() % 2 != 0)
      return std::nullopt;
    if (pad.inputs.size() == 3 && !pad.inputs[2].empty()) {
      const Tensor* value = constant(pad.inputs[2]);
      if (value == nullptr || value->dtype() != DType::kFloat || value->count() != 1 ||
          *value->as<float>() != 0)
        return std::nullopt;
    }
    Dims spatial;
    for (int64_t d = 0; d < pads->count(); ++d) {
      const int64_t zeros = pads->as<int64_t>()[d];
      if (!is_few(zeros)) return std::nullopt;
      if (d % (pads->count() / 2) >= 2)
        spatial.push_back(zeros);
      else if (zeros != 0)
        return std::nullopt;
    }
    return spatial;
  }

  NodeView view_of(const FileNode& node) const {
    std::vector<const Tensor*> constants;
    for (const auto& input : node.inputs) constants.push_back(constant(input));
    return {node, std::move(constants), 0, "operator " + node.name};
  }

  void to_linear(FileNode& node) const {
    if (is_linear(view_of(node))) node.op_type = "braid.Linear";
  }

  static bool has(const FileNode& node, const char* attribute) {
    return std::any_of(node.attributes.begin(), node.attributes.end(),
                       [&](const Attribute& a) { return a.name == attribute; });
  }
  static bool has_activation(const FileNode& node) { return has(node, kFusedFunction); }

  // Products, after which numbers can be changed while they are at hand.
  static bool takes_more(const FileNode& node) {
    if (has(node, kFusedOutput.scale)) return false;
    return node.op_type == "Conv" || node.op_type == "braid.Linear" ||
           node.op_type == "braid.QuantizedConv" || node.op_type == "braid.QuantizedLinear";
  }

  static bool takes(const FileNode& node, size_t input) {
    return !has_activation(node) && (node.inputs.size() <= input || node.inputs[input].empty());
  }

  static void set_input(FileNode& node, size_t i, const std::string& name) {
    if (node.inputs.size() <= i) node.inputs.resize(i + 1);
    node.inputs[i] = name;
  }

  // A bias of the columns, or a residual, which is of the same size mostly.
  void fuse_add(size_t i) {
    const auto& node = graph_.nodes[i];
    if (node.inputs.size() != 2 || node.inputs[0] == node.inputs[1]) return;
    for (const size_t side : {size_t{0}, size_t{1}}) {
      const auto maker = sole_maker(node.inputs[side]);
      if (!maker) continue;
      const auto& other = node.inputs[1 - side];
      FileNode joined = graph_.nodes[*maker];
      const bool linear =
          joined.op_type == "braid.Linear" || joined.op_type == "braid.QuantizedLinear";
      if (!takes_more(joined)) continue;
      if (linear && is_bias_of(other, joined) && takes(joined, 2) && takes(joined, 3))
        set_input(joined, 2, other);
      else if (constant(other) == nullptr && takes(joined, 3))
        set_input(joined, 3, other);
      else
        continue;
      return replace(*maker, i, std::move(joined));
    }
  }

  bool is_bias_of(const std::string& name, const FileNode& linear) const {
    const Tensor *bias = constant(name), *weight = constant(linear.inputs[1]);
    const bool transposed = view_of(linear).integer("transB", 0) != 0;
    return bias != nullptr && bias->dtype() == DType::kFloat && bias->rank() == 1 &&
           weight != nullptr && bias->count() == weight->dim(transposed ? 0 : 1);
  }

  void fuse_activation(size_t i) {
    const auto& node = graph_.nodes[i];
    if (node.inputs.empty() || node.outputs.size() != 1) return;
    static const std::set<std::string> cheap = {"Relu",        "Clip", "Gelu",      "HardSwish",
                                                "braid.Silu",  "Tanh", "LeakyRelu", "Sigmoid",
                                                "HardSigmoid", "Mish", "Elu"};
    if (!cheap.contains(node.op_type)) return;
    const auto activation = activation_of(view_of(node));
    const auto maker = sole_maker(node.inputs[0]);
    if (!activation || !maker) return;
    const auto& before = graph_.nodes[*maker];
    const bool takes_it = takes_more(before) || before.op_type == "BatchNormalization";
    if (!takes_it || has_activation(before)) return;
    FileNode joined = before;
    add_attribute(joined, kFusedFunction, Attribute::Kind::kInt).integer =
        static_cast<int64_t>(activation->function);
    add_attribute(joined, kFusedAlpha, Attribute::Kind::kFloat).number = activation->alpha;
    add_attribute(joined, kFusedBeta, Attribute::Kind::kFloat).number = activation->beta;
    replace(*maker, i, std::move(joined));
  }

  // Numbers that are rounded to bytes while they are at hand.
  void fuse_quantize(size_t i) {
    const auto& node = graph_.nodes[i];
    const auto bytes = bytes_of(node, graph_);
    if (!bytes || node.outputs.size() != 1) return;
    const auto maker = sole_maker(node.inputs[0]);
    if (!maker) return;
    const auto& before = graph_.nodes[*maker];
    const bool at_hand = before.op_type == "braid.QuantizedConv" ||
                         before.op_type == "braid.QuantizedLinear" ||
                         is_by_channel(before, graph_, maker_);
    if (!at_hand || !takes_more(before)) return;
    FileNode joined = before;
    set_bytes(joined, kFusedOutput, *bytes);
    replace(*maker, i, std::move(joined));
  }

  Graph& graph_;
  std::vector<bool> gone_;
  std::map<std::string, size_t> maker_;
  std::map<std::string, int> readers_;
};

}  // namespace

void fuse(Graph& graph) {
  Fuser(graph).run();
  drop_unread(graph);
}

const Tensor* find_constant(const Graph& graph, const std::string& name) {
  const auto it = graph.constants.find(name);
  return it == graph.constants.end() ? nullptr : &it->second;
}

Attribute& add_attribute(FileNode& node, const char* name, Attribute::Kind kind) {
  auto& attribute = node.attributes.emplace_back();
  attribute.name = name;
  attribute.kind = kind;
  return attribute;
}

void drop_unread(Graph& graph) {
  std::set<std::string> read = graph.outputs;
  std::vector<bool> kept(graph.nodes.size(), false);
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    const auto& node = graph.nodes[i];
    kept[i] = std::any_of(node.outputs.begin(), node.outputs.end(), [&](const std::string& name) {
      return !name.empty() && read.contains(name);
    });
    if (kept[i]) read.insert(node.inputs.begin(), node.inputs.end());
  }
  size_t i = 0;
  std::erase_if(graph.nodes, [&](const FileNode&) { return !kept[i++]; });
  std::erase_if(graph.constants, [&](const auto& item) { return !read.contains(item.first); });
}

}  // namespace braid::runner
