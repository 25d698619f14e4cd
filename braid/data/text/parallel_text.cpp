#include "braid/data/text/parallel_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "braid/core/error.h"
#include "braid/io/question_row.h"

namespace braid::data {

namespace fs = std::filesystem;

namespace {

bool is_blank_line(const io::LineFile& file, int64_t line) {
  constexpr uint64_t kUsual = 64;  // bytes: few blank lines are longer
  const auto blank = [](const std::string& text) {
    return text.find_first_not_of(" \t\r\f\v") == std::string::npos;
  };
  return blank(file.read(line, kUsual)) && (file.length(line) <= kUsual || blank(file.read(line)));
}

// Says where one of the files has ended and the other has not.
[[noreturn]] void fail_lengths(const io::LineFile& source, const io::LineFile& target) {
  const bool source_ends = source.size() < target.size();
  const auto& shorter = source_ends ? source : target;
  const auto& longer = source_ends ? target : source;
  const int64_t end = shorter.size();
  const auto text_of = [](const io::LineFile& file, int64_t line) {
    constexpr uint64_t kEnough = 200;  // bytes
    return "'" + io::shortened(file.read(line, kEnough)) + "'";
  };
  std::string where = shorter.path().string() + " is empty";
  if (end > 0)
    where = fmt::format("the shorter ends with {}, {}, beside {}", shorter.describe(end - 1),
                        text_of(shorter, end - 1), text_of(longer, end - 1));
  throw DataError("data",
                  fmt::format("expected as many lines in both files, got {} in {} and {} in {}: "
                              "{}; the other goes on with {}",
                              source.size(), source.path().string(), target.size(),
                              target.path().string(), where, text_of(longer, end)),
                  "", "a line ends at \"\\n\" alone, not at U+2028, a NUL or a lone \"\\r\"");
}

}  // namespace

ParallelText::ParallelText(const fs::path& source, const fs::path& target)
    : source_(std::make_shared<io::LineFile>(source)),
      target_(std::make_shared<io::LineFile>(target)) {
  if (source_->size() != target_->size()) fail_lengths(*source_, *target_);
  lines_.resize(static_cast<size_t>(source_->size()));
  std::iota(lines_.begin(), lines_.end(), int64_t{0});
}

TextPair ParallelText::get(int64_t index, uint64_t max_bytes) const {
  return {source_->read(line(index), max_bytes), target_->read(line(index), max_bytes)};
}

bool ParallelText::has_empty_side(int64_t index) const {
  return is_blank_line(*source_, line(index)) || is_blank_line(*target_, line(index));
}

ParallelTextPtr ParallelText::subset(const std::vector<int64_t>& indices) const {
  auto part = std::make_shared<ParallelText>(*this);
  part->lines_.clear();
  for (const int64_t index : indices) part->lines_.push_back(line(index));
  return part;
}

}  // namespace braid::data
