#include "braid/tasks/metrics/entities.h"

#include <algorithm>

#include "braid/core/error.h"

namespace braid::tasks {
namespace {

struct Tag {
  char prefix = 'O';
  std::string kind;
};

Tag parse_tag(const std::string& tag) {
  if (tag == "O") return {};
  if (tag.size() > 2 && tag[1] == '-' && std::string("BIES").find(tag[0]) != std::string::npos)
    return {tag[0], tag.substr(2)};
  if (tag.size() == 1 && std::string("BIES").find(tag[0]) != std::string::npos)
    return {tag[0], "_"};
  return {'I', tag};
}

bool is_outside(const Tag& tag) { return tag.prefix == 'O'; }

bool ends_after(const Tag& last, const Tag& next) {
  if (is_outside(last)) return false;
  if (last.prefix == 'E' || last.prefix == 'S') return true;
  return is_outside(next) || next.prefix == 'B' || next.prefix == 'S' || next.kind != last.kind;
}

bool begins_at(const Tag& before, const Tag& tag) {
  if (is_outside(tag)) return false;
  if (tag.prefix == 'B' || tag.prefix == 'S') return true;
  return is_outside(before) || before.prefix == 'E' || before.prefix == 'S' ||
         before.kind != tag.kind;
}

double percent(int64_t part, int64_t of) {
  return of == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(of);
}

}  // namespace

std::vector<Entity> find_entities(const std::vector<std::string>& tags) {
  std::vector<Entity> entities;
  Tag before;
  constexpr int64_t kNone = -1;
  int64_t begin = kNone;
  for (size_t i = 0; i <= tags.size(); ++i) {
    const Tag tag = i < tags.size() ? parse_tag(tags[i]) : Tag();
    const auto at = static_cast<int64_t>(i);
    if (begin != kNone && ends_after(before, tag)) {
      entities.push_back({before.kind, begin, at});
      begin = kNone;
    }
    if (begins_at(before, tag)) begin = at;
    before = tag;
  }
  return entities;
}

void EntityScores::update(const std::vector<std::string>& got,
                          const std::vector<std::string>& expected) {
  if (got.size() != expected.size())
    throw InternalError("tasks", "expected as many tags as words, got another number");
  const auto found = find_entities(got), wanted = find_entities(expected);
  found_ += static_cast<int64_t>(found.size());
  expected_ += static_cast<int64_t>(wanted.size());
  right_ += std::count_if(found.begin(), found.end(), [&](const Entity& entity) {
    return std::find(wanted.begin(), wanted.end(), entity) != wanted.end();
  });
  words_ += static_cast<int64_t>(got.size());
  for (size_t i = 0; i < got.size(); ++i) right_words_ += got[i] == expected[i] ? 1 : 0;
}

Scores EntityScores::scores() const {
  const auto score = [](const char* name, double value) {
    return Score{name, "%", value, std::nullopt, std::nullopt, true};
  };
  return {score("f1", percent(2 * right_, found_ + expected_)),
          score("precision", percent(right_, found_)), score("recall", percent(right_, expected_)),
          score("accuracy", percent(right_words_, words_))};
}

}  // namespace braid::tasks
