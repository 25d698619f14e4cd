#include "cli/class_table.h"

#include <fmt/format.h>

namespace braid::cli {

Json class_columns_json(const std::vector<ClassColumn>& columns, const std::string& items) {
  Json json = {{"train", nullptr}, {"val", nullptr}, {"test", nullptr}};
  for (const auto& column : columns)
    json[column.split] = {{items, column.items}, {"per_class", column.per_class}};
  return json;
}

void print_class_table(const std::vector<std::string>& classes,
                       const std::vector<ClassColumn>& columns) {
  fmt::print("{:24}", "class");
  for (const auto& column : columns) fmt::print(" {:>9}", column.split);
  fmt::print("\n");
  for (size_t k = 0; k < classes.size(); ++k) {
    fmt::print("{:24}", classes[k]);
    for (const auto& column : columns)
      fmt::print(" {:9}", k < column.per_class.size() ? column.per_class[k] : 0);
    fmt::print("\n");
  }
  fmt::print("{:24}", "all");
  for (const auto& column : columns) fmt::print(" {:9}", column.items);
  fmt::print("\n");
}

}  // namespace braid::cli
