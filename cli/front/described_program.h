// A command line built from its description (cli/description.h): the same verbs, flags and
// refusals, nothing behind them.
#pragma once
#include <CLI/CLI.hpp>
#include <string>

#include "braid/core/json.h"

namespace braid::cli {

class DescribedProgram {
 public:
  // From the description that is linked into this program.
  DescribedProgram();
  CLI::App& app() { return app_; }
  // Of the verb that was chosen.
  std::string help() const;
  // What was given for the chosen verb's option; empty where nothing was.
  std::string value(const std::string& option) const;
  const Json& models() const { return description_.at("models"); }
  std::string completion(const std::string& shell) const;

 private:
  Json description_;
  CLI::App app_;
};

}  // namespace braid::cli
