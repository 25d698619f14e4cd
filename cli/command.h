// The verbs of the program: one cmd_<verb>.cpp each, listed in main.cpp.
#pragma once
#include <CLI/CLI.hpp>
#include <filesystem>
#include <stop_token>

#include "braid/core/config.h"
#include "braid/core/progress.h"

namespace braid::cli {

// Each adds its subcommand to the program and sets its callback. Errors are thrown and become exit
// codes in main.
void add_compare(CLI::App& program);
void add_completion(CLI::App& program);
void add_data(CLI::App& program);
void add_eval(CLI::App& program);
void add_forward(CLI::App& program);
void add_models(CLI::App& program);
void add_predict(CLI::App& program);
void add_train(CLI::App& program);

// A token that SIGINT and SIGTERM stop, so that a training saves and returns; a second one ends the
// program.
std::stop_token stop_on_interrupt();

// A run's folder, a checkpoint's, or hf-hub:OWNER/NAME: the folder that holds the model. Throws
// IoError, and what io::resolve_weights throws.
std::filesystem::path checkpoint_folder(const std::string& path, Progress& progress);

// Adds a flag per field of a config struct (visit order), --like-this; a flag that was given
// overwrites the field when apply() is called, so that a TOML file read before it loses to the
// flags.
class ConfigFlags {
 public:
  template <class Config>
  ConfigFlags(CLI::App& app, const Config& defaults) {
    Config copy = defaults;
    add(app, [&copy](FieldVisitor& v) { copy.visit(v); });
  }
  // The flags given on the command line, as a JSON object of fields.
  Json given() const;

 private:
  void add(CLI::App& app, const std::function<void(FieldVisitor&)>& visit);
  struct Flag {
    std::string field;
    CLI::Option* option;
    std::function<Json()> value;
  };
  std::vector<Flag> flags_;
};

}  // namespace braid::cli
