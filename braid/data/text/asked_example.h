// What people ask about, as an example of a data set that has no labels.
#pragma once
#include <utility>

#include "braid/data/text/text_dataset.h"
#include "braid/io/asked_text.h"

namespace braid::data {

inline TextExample asked_example(io::AskedText asked) {
  return {.text = std::move(asked.text), .pair = std::move(asked.pair)};
}

}  // namespace braid::data
