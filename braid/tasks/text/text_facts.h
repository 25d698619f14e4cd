// What a recipe asks of a text encoder and its data.
#pragma once
#include <cstdint>
#include <functional>

#include "braid/tasks/config.h"
#include "braid/tasks/task_data.h"
#include "braid/tasks/text/tokenized_model.h"

namespace braid::tasks {

// made: a model for the config, thrown away afterwards; items: of the training data; length: tokens
// of an item as training sees it, asked for only where the rate is measured.
TrainingFacts text_facts(const TokenizedModel& made, int64_t items, const TaskConfig& config,
                         const FactOptions& options, const std::function<int64_t()>& length);

}  // namespace braid::tasks
