// The verbs of the program: one cmd_<verb>.cpp each, listed in main.cpp.
#pragma once
#include <CLI/CLI.hpp>
#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "braid/core/config.h"

namespace braid::cli {

// Each adds its subcommand to the program and sets its callback. Errors are thrown and become exit
// codes in main.
void add_compare(CLI::App& program);
void add_completion(CLI::App& program);
void add_data(CLI::App& program);
void add_eval(CLI::App& program);
void add_explain(CLI::App& program);
void add_export(CLI::App& program);
void add_forward(CLI::App& program);
void add_graph(CLI::App& program);
void add_models(CLI::App& program);
void add_predict(CLI::App& program);
void add_serve(CLI::App& program);
void add_quantize(CLI::App& program);
void add_train(CLI::App& program);
void add_translate(CLI::App& program);

// The script of `braid completion bash`.
std::string bash_completion(const CLI::App& program);

// A token that SIGINT and SIGTERM stop, so that a training saves and returns; a second one ends the
// program.
std::stop_token stop_on_interrupt();

// The words that an option takes, shown in its help as {text,json} and offered by the completion.
CLI::Option* show_choices(CLI::Option* option, const std::vector<std::string>& choices);
// Empty: any text.
std::vector<std::string> shown_choices(const CLI::Option& option);
// An option that takes one of these words; `value` holds the default.
CLI::Option* add_choice(CLI::App& app, const std::string& flag, std::string& value,
                        const std::vector<std::string>& choices, const std::string& help);

// Adds a flag per field of a config struct (visit order), --like-this, with the help, choices and
// bounds of the field.
class ConfigFlags {
 public:
  template <Visited Config>
  ConfigFlags(CLI::App& app, const Config& defaults) {
    Config copy = defaults;
    add(app, [&copy](FieldVisitor& v) { copy.visit(v); });
  }
  // Of these fields alone. Somebody else says what holds where a flag is not given: the help has no
  // defaults.
  template <Visited Config>
  ConfigFlags(CLI::App& app, Config config, const std::vector<std::string>& fields) {
    add(
        app, [&config](FieldVisitor& v) { config.visit(v); }, fields);
  }
  // The help then lists these flags under a title of their own.
  void group(const std::string& title);
  // The flags given on the command line, as a JSON object of fields: for update_from_json, after
  // the file that loses to them.
  Json given() const;

 private:
  // only: these fields; empty: all.
  void add(CLI::App& app, const VisitFields& visit, const std::vector<std::string>& only = {});
  struct Flag {
    std::string field;
    CLI::Option* option;
    std::function<Json()> value;
  };
  std::vector<Flag> flags_;
};

}  // namespace braid::cli
