// A list in JSON that is printed item by item, as its items come.
#pragma once
#include "braid/core/json.h"

namespace braid::cli {

// What was answered before an error is there: its end closes the list.
class JsonList {
 public:
  JsonList() = default;
  JsonList(const JsonList&) = delete;
  JsonList& operator=(const JsonList&) = delete;
  ~JsonList();

  // Throws IoError where standard output takes no more.
  void print(const Json& item);

 private:
  bool any_ = false;
};

}  // namespace braid::cli
