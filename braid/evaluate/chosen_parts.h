// What of the data an evaluation looks at.
#pragma once
#include <string>
#include <vector>

#include "braid/core/error.h"
#include "braid/evaluate/evaluation.h"

namespace braid::evaluate {

// The data sets that a split's name means.
template <class DatasetPtr>
struct ChosenParts {
  std::string name;  // of the split, never auto
  std::vector<DatasetPtr> parts;
};

// Whether a split is the one that training made of the data, which data::open_dataset and
// data::open_text_dataset give, rather than what the data itself has.
inline bool is_as_trained(const std::string& split) { return split == "val" || split == "train"; }

// The options that open it so, with the share that was asked for.
template <class OpenOptions>
OpenOptions as_trained(OpenOptions options, const EvaluateRequest& request) {
  if (request.val_fraction) options.val_fraction = *request.val_fraction;
  return options;
}

// The share of data without a val that is held out for it, where what training made of the data is
// asked for; else none.
template <class OpenOptions>
double held_out_for_val(const EvaluateRequest& request) {
  return is_as_trained(request.split) ? as_trained(OpenOptions(), request).val_fraction : 0;
}

// splits: data::Splits or data::TextSplits, opened as is_as_trained(name) says; spec: their name,
// for errors. Data without splits is itself the test split, as in timm. Throws DataError where
// there is no such split.
template <class Splits>
ChosenParts<decltype(Splits::train)> choose_parts(const Splits& splits, std::string name,
                                                  const std::string& spec) {
  if (is_as_trained(name)) return {name, {name == "val" ? splits.val : splits.train}};
  if (name == "auto") name = splits.test ? "test" : "all";
  if (name == "test" && splits.unsplit) name = "all";
  if (name == "test") {
    if (!splits.test)
      throw DataError("eval", "the data has no test split", spec, "use --split all or val");
    return {name, {splits.test}};
  }
  ChosenParts<decltype(Splits::train)> all{name, {}};
  for (const auto& part : {splits.train, splits.val, splits.test})
    if (part) all.parts.push_back(part);
  return all;
}

// The one part of what is measured as a whole. Throws DataError where there are several.
template <class DatasetPtr>
DatasetPtr only_part(const ChosenParts<DatasetPtr>& chosen, const std::string& spec) {
  if (chosen.parts.size() != 1 || !chosen.parts[0])
    throw DataError("eval", "expected one split, got " + chosen.name + " of several", spec,
                    "use --split train, val or test");
  return chosen.parts[0];
}

}  // namespace braid::evaluate
