// How predictions are shown: text, JSON, JSON lines or CSV.
#pragma once
#include <string>
#include <vector>

#include "braid/core/json.h"
#include "braid/torch.h"

namespace braid::cli {

// The classes of one row of probabilities [K], the largest first: a list of {class, index,
// probability}.
Json top_classes(const torch::Tensor& probabilities, int64_t top,
                 const std::function<std::string(int64_t)>& name);

// Prints each item's classes as soon as they are known; JSON as the items of one array, whose end
// the destructor prints.
class PredictionPrinter {
 public:
  // format: text, json, jsonl, csv; what: an item is, "file" or "text"; more_columns: keys of
  // `more` that CSV has too, behind its own.
  PredictionPrinter(std::string format, std::string what,
                    std::vector<std::string> more_columns = {});
  PredictionPrinter(const PredictionPrinter&) = delete;
  PredictionPrinter& operator=(const PredictionPrinter&) = delete;
  ~PredictionPrinter();
  // more: further keys of the item in JSON, or other values of its own.
  void print(const std::string& item, const Json& predictions, const Json& more = Json::object());

 private:
  std::string format_, what_;
  std::vector<std::string> more_columns_;
  bool first_ = true;
};

}  // namespace braid::cli
