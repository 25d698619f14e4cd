// Checks JSON against the part of JSON Schema 2020-12 that docs/*.schema.json use.
#pragma once
#include <string>
#include <vector>

#include "braid/core/config.h"

namespace braid::test {

// Every violation as `path: what`, empty when the instance is valid. Throws std::invalid_argument
// on a keyword that it does not know, so that no rule of a schema is silently ignored.
std::vector<std::string> schema_violations(const Json& instance, const Json& schema);

}  // namespace braid::test
