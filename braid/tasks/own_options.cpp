#include "braid/tasks/own_options.h"

#include <fmt/format.h>

#include <map>
#include <set>

#include "braid/core/error.h"

namespace braid::tasks {
namespace {

using Tasks = std::set<std::string>;

// Which tasks look at a field of TaskConfig; those that all look at are not here.
std::map<std::string, Tasks> users_of_fields() {
  const Tasks classifiers = {kImageClassification, kTextClassification};
  const Tasks hidden_words = {kMaskedLm, kReplacedTokenDetection};
  const Tasks texts = {kTextClassification,     kTokenClassification, kMaskedLm,
                       kReplacedTokenDetection, kQuestionAnswering,   kTranslation};
  std::map<std::string, Tasks> users = {
      {"smoothing",
       {kImageClassification, kTextClassification, kTokenClassification, kTranslation}},
      {"class_weights", classifiers},
      {"sampler", classifiers},
      {"max_length", texts},
      {"tokenizer", texts},
      {"vocab_size", texts},
      {"word_drop", {kTextClassification}},
      {"mlm_probability", hidden_words},
      {"whole_word_mask", hidden_words},
      {"next_sentence", hidden_words},
      {"generator_hidden_size", {kReplacedTokenDetection}},
      {"disc_weight", {kReplacedTokenDetection}}};
  const auto add = [&](const std::vector<Field>& fields, const Tasks& tasks) {
    for (const auto& field : fields) users[field.name] = tasks;
  };
  add(fields_of(ImageOptions()), {kImageClassification});
  add(fields_of(QuestionOptions()), {kQuestionAnswering});
  add(fields_of(TranslationOptions()), {kTranslation});
  add(fields_of(DistillationOptions()), classifiers);
  return users;
}

}  // namespace

void expect_own_options(const TaskConfig& config, const std::string& task) {
  const Json given = braid::to_json(config), plain = braid::to_json(TaskConfig());
  for (const auto& [field, users] : users_of_fields())
    if (!users.contains(task) && given.at(field) != plain.at(field))
      throw ConfigError("train",
                        fmt::format("expected no {} for {}, which does not look at it, got {}",
                                    field, task, dump_json(given.at(field))),
                        "", "leave out " + flag_of(field));
}

}  // namespace braid::tasks
