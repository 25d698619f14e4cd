#include "braid/data/text/parallel_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "braid/core/error.h"

namespace braid::data {

namespace fs = std::filesystem;

namespace {

bool is_blank(const io::LineFile& file, int64_t line) {
  constexpr uint64_t kUsual = 64;  // bytes: few blank lines are longer
  const auto blank = [](const std::string& text) {
    return text.find_first_not_of(" \t\r\f\v") == std::string::npos;
  };
  return blank(file.read(line, kUsual)) && (file.length(line) <= kUsual || blank(file.read(line)));
}

// A text that may have been cut within a code point, without the beginning of that one.
void drop_cut_code_point(std::string& text) {
  size_t end = text.size();
  for (int back = 0; back < 4 && end > 0; ++back) {
    const auto byte = static_cast<uint8_t>(text[end - 1]);
    --end;
    if (byte >= 0xC0) {
      const size_t needed = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2;
      if (text.size() - end < needed) text.resize(end);
      return;
    }
    if (byte < 0x80) return;
  }
}

std::string read_up_to(const io::LineFile& file, int64_t line, uint64_t max_bytes) {
  auto text = file.read(line, max_bytes);
  if (file.length(line) > max_bytes) drop_cut_code_point(text);
  return text;
}

}  // namespace

ParallelText::ParallelText(const fs::path& source, const fs::path& target)
    : source_(std::make_shared<io::LineFile>(source)),
      target_(std::make_shared<io::LineFile>(target)) {
  if (source_->size() != target_->size())
    throw DataError("data",
                    fmt::format("expected as many lines in both files, got {} in {} and {} in {}",
                                source_->size(), source.string(), target_->size(), target.string()),
                    "", "a line ends at \"\\n\" alone, not at U+2028, a NUL or a lone \"\\r\"");
  lines_.resize(static_cast<size_t>(source_->size()));
  std::iota(lines_.begin(), lines_.end(), int64_t{0});
}

TextPair ParallelText::get(int64_t index, uint64_t max_bytes) const {
  return {read_up_to(*source_, line(index), max_bytes),
          read_up_to(*target_, line(index), max_bytes)};
}

uint64_t ParallelText::longest(int64_t index) const {
  return std::max(source_->length(line(index)), target_->length(line(index)));
}

bool ParallelText::has_empty_side(int64_t index) const {
  return is_blank(*source_, line(index)) || is_blank(*target_, line(index));
}

ParallelTextPtr ParallelText::subset(const std::vector<int64_t>& indices) const {
  auto part = std::make_shared<ParallelText>(*this);
  part->lines_.clear();
  for (const int64_t index : indices) part->lines_.push_back(line(index));
  return part;
}

}  // namespace braid::data
