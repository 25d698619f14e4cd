#include "braid/text/unicode.h"

namespace braid::text {
namespace {

#include "braid/text/unicode_table.inc"

constexpr uint32_t kBlock = 128;  // code points

}  // namespace

const CodePoint& code_point(char32_t code) {
  return kKinds[kKindOf[kBlockOf[code / kBlock] * kBlock + code % kBlock]];
}

const uint32_t* decomposition(const CodePoint& point) { return kDecompositions + point.decomposed; }

}  // namespace braid::text
