// What a data set holds, in numbers: kept with a run's results.
#pragma once
#include <string>
#include <vector>

#include "braid/data/dataset.h"
#include "braid/data/left_out.h"

namespace braid::data {

struct Summary {
  int64_t classes = 0;
  int64_t train = 0, val = 0, test = 0;  // items
  std::vector<LeftOut> left_out;         // of the folders where anything was
  void visit(FieldVisitor& v);
};
Summary summary_of(const Splits& splits);

// What a user should know of the data before anything is done with it, a line each: what was left
// out of it (one line, whatever it is), and how doubtful folders were read. spec: the data's name.
std::vector<std::string> remarks_on(const Splits& splits, const std::string& spec);
std::vector<std::string> remarks_on(const std::vector<LeftOut>& left_out,
                                    const std::vector<std::string>& remarks,
                                    const std::string& spec);

}  // namespace braid::data
