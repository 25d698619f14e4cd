// Cases of quantized weights with numbers that 4 bits hold, stored in 4 bits or in 8.
#pragma once
#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>
#include <set>
#include <string>
#include <vector>

#include "braid/io/int4.h"
#include "tests/runner/cases.h"

namespace braid::runner {

// What generate_cases.py makes of convolutions and products with weights `w` (and `v`).
inline std::vector<std::string> quantized_case_names() {
  std::vector<std::string> names;
  for (const auto& name : case_names())
    if (name.starts_with("quantized_")) names.push_back(name);
  return names;
}

inline void copy_field(protozero::pbf_reader& from, protozero::pbf_writer& to) {
  const auto tag = from.tag();
  switch (from.wire_type()) {
    case protozero::pbf_wire_type::varint:
      return to.add_uint64(tag, from.get_uint64());
    case protozero::pbf_wire_type::fixed32:
      return to.add_fixed32(tag, from.get_fixed32());
    case protozero::pbf_wire_type::fixed64:
      return to.add_fixed64(tag, from.get_fixed64());
    default:
      return to.add_bytes(tag, from.get_view());
  }
}

// A weight loses the lower half of its numbers. stored: kInt4 or kInt8.
inline void add_narrow_tensor(protozero::pbf_writer& graph, protozero::pbf_reader tensor,
                              DType stored) {
  enum Field { kType = 2, kName = 8, kBytes = 9 };
  static const std::set<std::string> weights = {"w", "v", "zw"};
  std::string name;
  for (auto fields = tensor; fields.next(kName);) name = fields.get_string();
  protozero::pbf_writer out(graph, 5);
  while (tensor.next()) {
    if (!weights.contains(name) || (tensor.tag() != kType && tensor.tag() != kBytes)) {
      copy_field(tensor, out);
      continue;
    }
    if (tensor.tag() == kType) {
      tensor.skip();
      out.add_int32(kType, static_cast<int32_t>(stored));
      continue;
    }
    const auto view = tensor.get_view();
    std::vector<int8_t> numbers(view.data(), view.data() + view.size());
    for (auto& number : numbers) number = static_cast<int8_t>(number >> 4);
    out.add_bytes(kBytes, stored == DType::kInt4 ? io::pack_int4(numbers)
                                                 : std::string(numbers.begin(), numbers.end()));
  }
}

// The case's file, of operator set 21. The seeds int4_*.onnx of fuzz_onnx_run are such files.
inline std::vector<uint8_t> narrow_case_model(const std::string& name, DType stored) {
  enum Field { kGraph = 7, kOpset = 8, kInitializer = 5 };
  const auto model = case_model(name);
  protozero::pbf_reader in(reinterpret_cast<const char*>(model.data()), model.size());
  std::string bytes;
  protozero::pbf_writer out(bytes);
  while (in.next()) {
    if (in.tag() == kGraph) {
      auto from = in.get_message();
      protozero::pbf_writer graph(out, kGraph);
      while (from.next())
        if (from.tag() == kInitializer)
          add_narrow_tensor(graph, from.get_message(), stored);
        else
          copy_field(from, graph);
    } else if (in.tag() == kOpset) {
      in.skip();
      protozero::pbf_writer opset(out, kOpset);
      opset.add_int64(2, 21);
    } else {
      copy_field(in, out);
    }
  }
  return {bytes.begin(), bytes.end()};
}

}  // namespace braid::runner
