// Settings that belong to some tasks alone.
#pragma once
#include <string>

#include "braid/tasks/config.h"

namespace braid::tasks {

// Throws ConfigError naming the first setting that differs from its default although `task` never
// looks at it: who asks for mixup of texts, or for class weights of a translation, would believe
// that it was done.
void expect_own_options(const TaskConfig& config, const std::string& task);

}  // namespace braid::tasks
