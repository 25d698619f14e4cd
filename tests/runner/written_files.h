// ONNX files that a test writes field by field; numbers are onnx.proto's.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <protozero/pbf_writer.hpp>
#include <string>
#include <vector>

namespace braid::runner {

using protozero::pbf_writer;

inline std::vector<uint8_t> bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

// A file of one graph.
inline std::vector<uint8_t> model_of(const std::function<void(pbf_writer&)>& fill_graph,
                                     int64_t opset = 20,
                                     const std::map<std::string, std::string>& metadata = {}) {
  std::string bytes;
  pbf_writer model(bytes);
  {
    pbf_writer graph(model, 7);
    fill_graph(graph);
  }
  {
    pbf_writer set(model, 8);
    set.add_int64(2, opset);
  }
  for (const auto& [key, value] : metadata) {
    pbf_writer entry(model, 14);
    entry.add_string(1, key);
    entry.add_string(2, value);
  }
  return bytes_of(bytes);
}

inline void add_node(pbf_writer& graph, const std::string& type,
                     const std::vector<std::string>& inputs,
                     const std::vector<std::string>& outputs,
                     const std::map<std::string, int64_t>& attributes = {}) {
  pbf_writer node(graph, 1);
  for (const auto& name : inputs) node.add_string(1, name);
  for (const auto& name : outputs) node.add_string(2, name);
  node.add_string(3, "the_" + type);
  node.add_string(4, type);
  for (const auto& [key, number] : attributes) {
    pbf_writer attribute(node, 5);
    attribute.add_string(1, key);
    attribute.add_int64(3, number);
    attribute.add_int32(20, 2);  // a whole number
  }
}

// field: 11 of inputs, 12 of outputs; -1: a size that is free.
inline void add_value(pbf_writer& graph, uint32_t field, const std::string& name, int32_t type,
                      const std::vector<int64_t>& dims) {
  pbf_writer value(graph, field);
  value.add_string(1, name);
  pbf_writer types(value, 2);
  pbf_writer tensor(types, 1);
  tensor.add_int32(1, type);
  pbf_writer shape(tensor, 2);
  for (const int64_t size : dims) {
    pbf_writer dim(shape, 1);
    if (size < 0)
      dim.add_string(2, "n");
    else
      dim.add_int64(1, size);
  }
}

inline void add_tensor(pbf_writer& graph, const std::string& name, int32_t type,
                       const std::vector<int64_t>& dims, const std::string& bytes) {
  pbf_writer tensor(graph, 5);
  for (const int64_t size : dims) tensor.add_int64(1, size);
  tensor.add_int32(2, type);
  tensor.add_string(8, name);
  tensor.add_bytes(9, bytes);
}

}  // namespace braid::runner
