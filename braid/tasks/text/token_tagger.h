// A model that gives each word of a text a tag.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "braid/core/progress.h"
#include "braid/data/text/tagged_text.h"
#include "braid/tasks/metrics/entities.h"
#include "braid/tasks/task.h"
#include "braid/tasks/text/tokenized_model.h"

namespace braid::tasks {

// Throws DataError for a model without such a head. folder: its own, for the error.
void expect_token_tagger(const TokenizedModel& model, const std::filesystem::path& folder);

struct TagScores {
  EntityScores entities;
  double loss = 0;            // nats a word, without smoothing
  int64_t cut_words = 0;      // beyond the model's length: they count as O
  int64_t cut_sentences = 0;  // that have such words
  int64_t bad_samples = 0;    // sentences that could not be read
};
// Of sentences whose tags are the model's, by their names.
TagScores score_tags(const TokenizedModel& tagger, const data::TaggedTextsPtr& texts,
                     const EvaluateOptions& options, Progress& progress);
// All of them, the deciding one first: f1 where the tags are of entities (B-PER), else accuracy.
Scores to_scores(const TagScores& scores, const std::vector<std::string>& tags);

// An entity that was found in a text.
struct FoundEntity {
  std::string kind, text;
  int64_t begin = 0, end = 0;  // code points of the whole text
  double probability = 0;      // of its words' tags, the mean
};
// In a text that is not split into words: data::split_words does it, and each is tagged by its
// first token, as in training. A period at an entity's end is not its own. truncated: gets the
// tokens that are cut from the text. Throws DataError where the outputs are not finite.
std::vector<FoundEntity> find_entities(const TokenizedModel& tagger, const std::string& text,
                                       const std::string& dtype, int64_t* truncated = nullptr);

}  // namespace braid::tasks
