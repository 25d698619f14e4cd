#include "braid/text/tokenizer.h"

#include <algorithm>

namespace braid::text {

std::vector<int32_t> ids_of(const SpecialTokens& special) {
  std::vector<int32_t> ids;
  for (const auto& token :
       {special.pad, special.unk, special.cls, special.sep, special.mask, special.bos, special.eos})
    if (token) ids.push_back(*token);
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

}  // namespace braid::text
