// A written file, read back field by field.
#pragma once
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <protozero/pbf_reader.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "braid/export/onnx/proto.h"
#include "braid/io/atomic_file.h"

namespace braid::onnx {

using protozero::pbf_reader;

struct ReadNode {
  std::string op_type;
  std::vector<std::string> inputs, outputs;
};

struct ReadModel {
  int64_t ir_version = 0, opset = 0;
  std::vector<ReadNode> nodes;
  std::map<std::string, std::pair<std::vector<int64_t>, size_t>> initializers;  // dims, bytes
  std::map<std::string, std::vector<std::string>> inputs, outputs;              // dimensions
  std::map<std::string, std::string> metadata;
};

inline ReadNode read_node(pbf_reader message) {
  ReadNode node;
  while (message.next()) switch (message.tag()) {
      case 1:
        node.inputs.push_back(message.get_string());
        break;
      case 2:
        node.outputs.push_back(message.get_string());
        break;
      case 4:
        node.op_type = message.get_string();
        break;
      default:
        message.skip();
    }
  return node;
}

inline void read_initializer(pbf_reader message, ReadModel& model) {
  std::string name;
  std::vector<int64_t> dims;
  size_t bytes = 0;
  while (message.next()) switch (message.tag()) {
      case 1:
        dims.push_back(message.get_int64());
        break;
      case 8:
        name = message.get_string();
        break;
      case 9:
        bytes = message.get_view().size();
        break;
      default:
        message.skip();
    }
  EXPECT_TRUE(model.initializers.emplace(name, std::pair(dims, bytes)).second) << name;
}

inline void read_value(pbf_reader message,
                       std::map<std::string, std::vector<std::string>>& values) {
  std::string name;
  std::vector<std::string> dims;
  while (message.next()) {
    if (message.tag() == 1) {
      name = message.get_string();
      continue;
    }
    pbf_reader type = message.get_message();
    EXPECT_TRUE(type.next(1));
    pbf_reader tensor = type.get_message();
    EXPECT_TRUE(tensor.next(2));
    pbf_reader shape = tensor.get_message();
    while (shape.next(1)) {
      pbf_reader dim = shape.get_message();
      EXPECT_TRUE(dim.next());
      dims.push_back(dim.tag() == 1 ? std::to_string(dim.get_int64()) : dim.get_string());
    }
  }
  values[name] = dims;
}

inline void read_graph(pbf_reader message, ReadModel& model) {
  while (message.next()) switch (message.tag()) {
      case 1:
        model.nodes.push_back(read_node(message.get_message()));
        break;
      case 5:
        read_initializer(message.get_message(), model);
        break;
      case 11:
        read_value(message.get_message(), model.inputs);
        break;
      case 12:
        read_value(message.get_message(), model.outputs);
        break;
      default:
        message.skip();
    }
}

inline ReadModel read(const std::string& bytes) {
  ReadModel model;
  pbf_reader message(bytes);
  while (message.next()) switch (message.tag()) {
      case 1:
        model.ir_version = message.get_int64();
        break;
      case 7:
        read_graph(message.get_message(), model);
        break;
      case 8: {
        pbf_reader opset = message.get_message();
        while (opset.next())
          if (opset.tag() == 2)
            model.opset = opset.get_int64();
          else
            opset.skip();
        break;
      }
      case 14: {
        pbf_reader entry = message.get_message();
        std::string key;
        while (entry.next())
          if (entry.tag() == 1)
            key = entry.get_string();
          else
            model.metadata[key] = entry.get_string();
        break;
      }
      default:
        message.skip();
    }
  return model;
}

// Every name is given once, and before it is read.
inline void expect_ordered(const ReadModel& model) {
  std::set<std::string> known = {""};
  for (const auto& item : model.initializers) known.insert(item.first);
  for (const auto& item : model.inputs) known.insert(item.first);
  for (const auto& node : model.nodes) {
    for (const auto& input : node.inputs) EXPECT_TRUE(known.contains(input)) << input;
    for (const auto& output : node.outputs) EXPECT_TRUE(known.insert(output).second) << output;
  }
  for (const auto& item : model.outputs) EXPECT_TRUE(known.contains(item.first)) << item.first;
}

inline ReadModel read_file(const std::filesystem::path& file) {
  const auto bytes = io::read_file(file);
  return read(std::string(bytes.begin(), bytes.end()));
}

}  // namespace braid::onnx
