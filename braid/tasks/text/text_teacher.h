// A trained classifier of texts that another learns from.
#pragma once
#include <memory>
#include <string>

#include "braid/core/progress.h"
#include "braid/tasks/teacher.h"
#include "braid/tasks/text/tokenized_model.h"

namespace braid::tasks {

// teacher: a checkpoint's folder, or hf-hub:OWNER/NAME. It reads the tokens that the student reads:
// throws DataError where it has other classes, another vocabulary, or cannot read texts as long.
std::unique_ptr<Teacher> load_text_teacher(const std::string& teacher,
                                           const TokenizedModel& student, Progress& progress);

}  // namespace braid::tasks
