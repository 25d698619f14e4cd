// A number that says how good a model is.
#pragma once
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "braid/core/config.h"

namespace braid::tasks {

struct Score {
  std::string name;                 // "top1", "loss", ...: the key in files
  std::string unit;                 // "%", "nats"; empty: none
  double value = 0;                 // may be NaN, which files hold as null
  std::optional<double> low, high;  // its 95% interval, where one is known
  bool higher_is_better = true;
  void visit(FieldVisitor& v);
};
// A field that may be NaN: files hold that as null, since JSON does not know it.
void field_or_nan(FieldVisitor& v, const char* name, double& value, const char* help);

using Scores = std::vector<Score>;

// Whether a is better than b, another value of the same score. NaN is worse than any number.
bool better(const Score& a, const Score& b);

// Whether every value is a finite number.
bool all_finite(const Scores& scores);
// The same scores, all of them NaN: of a model whose outputs are not finite.
Scores without_values(Scores scores);

// The score of that name. Throws InternalError naming what is there.
const Score& find_score(const Scores& scores, const std::string& name);

// For people: "top-1 93.45%", "loss 0.1857".
std::string title_of(const Score& score);
std::string to_text(const Score& score);

}  // namespace braid::tasks
