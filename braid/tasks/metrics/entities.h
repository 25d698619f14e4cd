// Named entities in sequences of tags, and how many of them are found.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "braid/tasks/score.h"

namespace braid::tasks {

// Words [begin, end) of a kind, such as PER.
struct Entity {
  std::string kind;
  int64_t begin = 0, end = 0;
  bool operator==(const Entity&) const = default;
};

// By conlleval's rules, as seqeval's default: B-, I-, E-, S- and O, an I- that follows nothing of
// its kind begins an entity. A tag without a prefix is an entity of its own kind where O is none.
std::vector<Entity> find_entities(const std::vector<std::string>& tags);

// Counts over sentences, and over the words' tags.
class EntityScores {
 public:
  // The tags that the model gives and those that are right, of one sentence.
  void update(const std::vector<std::string>& got, const std::vector<std::string>& expected);
  int64_t words() const { return words_; }
  // f1, precision and recall of entities (micro averages; 0 where there are none), and accuracy of
  // words, in percent.
  Scores scores() const;

 private:
  int64_t found_ = 0, expected_ = 0, right_ = 0, words_ = 0, right_words_ = 0;
};

}  // namespace braid::tasks
