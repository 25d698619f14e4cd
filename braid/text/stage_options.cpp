#include "braid/text/stage_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "braid/core/near_match.h"

namespace braid::text {
namespace {

constexpr double kMaxDecimal = 64, kMinRatio = 0.25;

template <class T>
bool parse(const std::string& text, T& value) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

}  // namespace

const DesignOption* StageOptions::find(const char* name) const {
  for (const auto& option : stage_.options)
    if (option.name == name) return &option;
  return nullptr;
}

void StageOptions::fail(const char* name, const std::string& message,
                        const std::string& remedy) const {
  const auto* option = find(name);
  design_.fail(option == nullptr ? stage_.at : option->at, message, remedy);
}

void StageOptions::expect_known(const std::vector<std::string>& known,
                                const std::string& of) const {
  for (const auto& option : stage_.options)
    if (std::find(known.begin(), known.end(), option.name) == known.end())
      design_.fail(
          option.at, fmt::format("unknown option '{}' of {}", option.name, of),
          did_you_mean(option.name, known, fmt::format("it knows {}", fmt::join(known, ", "))));
}

int64_t StageOptions::integer(const char* name, int64_t otherwise, int64_t least,
                              int64_t most) const {
  const auto* option = find(name);
  if (option == nullptr) return otherwise;
  int64_t value = 0;
  if (!parse(option->value, value) || value < least || value > most)
    fail(name,
         fmt::format("expected {} between {} and {}, got '{}'", name, least, most, option->value));
  return value;
}

std::vector<int64_t> StageOptions::integers(const char* name,
                                            const std::vector<int64_t>& otherwise) const {
  constexpr int64_t kMost = 65536;
  const auto* option = find(name);
  if (option == nullptr) return otherwise;
  std::vector<int64_t> values;
  for (size_t start = 0; start <= option->value.size();) {
    const auto end = std::min(option->value.find('+', start), option->value.size());
    int64_t value = 0;
    if (!parse(option->value.substr(start, end - start), value) || value < 1 || value > kMost)
      fail(name, fmt::format("expected {} between 1 and {}, got '{}'", name, kMost, option->value),
           "several stand in a list, on a line with + between them");
    values.push_back(value);
    start = end + 1;
  }
  return values;
}

int64_t StageOptions::odd(const char* name, int64_t otherwise) const {
  const int64_t value = integer(name, otherwise);
  if (value % 2 == 0) fail(name, fmt::format("expected an odd {}, got {}", name, value));
  return value;
}

double StageOptions::number(const char* name, double otherwise) const {
  const auto* option = find(name);
  if (option == nullptr) return otherwise;
  double value = 0;
  if (!parse(option->value, value) || !(value >= 0 && value <= kMaxDecimal))
    fail(name,
         fmt::format("expected {} between 0 and {}, got '{}'", name, kMaxDecimal, option->value));
  return value;
}

double StageOptions::ratio(const char* name, double otherwise) const {
  const double value = number(name, otherwise);
  if (value < kMinRatio)
    fail(name,
         fmt::format("expected {} between {} and {}, got {}", name, kMinRatio, kMaxDecimal, value));
  return value;
}

int64_t StageOptions::heads_of(int64_t channels) const {
  constexpr int64_t kChannelsPerHead = 32;
  int64_t otherwise = std::max<int64_t>(1, channels / kChannelsPerHead);
  while (channels % otherwise != 0) --otherwise;
  const int64_t heads = integer("num_heads", otherwise);
  if (channels % heads != 0)
    fail("num_heads",
         fmt::format("expected heads that divide {} channels, got {}", channels, heads),
         fmt::format("for example h{}", otherwise));
  return heads;
}

std::string StageOptions::word(const char* name, const char* otherwise,
                               const std::vector<std::string>& choices) const {
  const auto* option = find(name);
  if (option == nullptr) return otherwise;
  if (std::find(choices.begin(), choices.end(), option->value) == choices.end())
    design_.fail(option->at,
                 fmt::format("expected {} to be one of {}, got '{}'", name,
                             fmt::join(choices, ", "), option->value),
                 did_you_mean(option->value, choices));
  return option->value;
}

}  // namespace braid::text
