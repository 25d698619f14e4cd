// What single operators cost.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace braid::models {

// Multiply-accumulates of an operator, such as "aten::conv2d"; none where they are not counted.
// inputs: shapes of its arguments in the schema's order, empty for what is no tensor; outputs:
// numbers in its output.
std::optional<int64_t> macs_of_operator(std::string_view name,
                                        const std::vector<std::vector<int64_t>>& inputs,
                                        int64_t outputs);

}  // namespace braid::models
