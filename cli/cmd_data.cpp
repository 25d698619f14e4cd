// braid data: what datasets there are, and what one holds.
#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "braid/core/error.h"
#include "braid/core/progress.h"
#include "braid/data/catalog.h"
#include "braid/data/check.h"
#include "braid/data/data_kind.h"
#include "braid/data/dataset.h"
#include "braid/data/run_fields.h"
#include "braid/data/sources.h"
#include "braid/data/summary.h"
#include "cli/class_table.h"
#include "cli/command.h"
#include "cli/data_texts.h"
#include "cli/data_tokenizers.h"

namespace braid::cli {
namespace {

constexpr const char* kDataFooter = R"(Examples:
  braid data list
  braid data info photos/
  braid data info fashion-mnist --format json
  braid data check photos/
  braid data check reviews.tsv
  braid data check corpus.en,corpus.de
  braid data get fashion-mnist
  braid data get debian-packages
  braid data tokenize --tokenizer vocab.txt texts.txt)";

struct DataOptions {
  std::string name, format = "text", output, url;
  int64_t workers = std::max(1u, std::thread::hardware_concurrency());
  int64_t max_image_pixels = io::kMaxImagePixels;
  std::string source_lang, target_lang;
  void visit(FieldVisitor& v) {
    v.field(data::max_image_pixels_field(), max_image_pixels);
    v.field("source_lang", source_lang,
            "parallel text: suffix of the files that are translated; empty: told by the files' "
            "names");
    v.field("target_lang", target_lang, "parallel text: suffix of their translations");
  }
};

CorpusOptions corpus_options(data::DataKind kind, const DataOptions& options) {
  return {.kind = kind,
          .spec = options.name,
          .format = options.format,
          .source_lang = options.source_lang,
          .target_lang = options.target_lang};
}

data::Splits open_named(const DataOptions& options) {
  return data::open_source(options.name, {.limits = {.max_pixels = options.max_image_pixels}});
}

void info(DataOptions options, const Json& flags) {
  update_from_json(options, flags, "flags");
  check_fields<UsageError>(options, "data");
  const auto kind = data::kind_of_data(options.name);
  if (kind == data::DataKind::kLabelledText) return describe_texts(options.name, options.format);
  if (kind != data::DataKind::kImages) return describe_corpus(corpus_options(kind, options));
  const auto splits = open_named(options);
  const auto& any = splits.train ? *splits.train : splits.val ? *splits.val : *splits.test;
  const auto first = data::first_image(any);
  const auto& classes = any.classes();
  const auto columns = class_columns(splits);
  if (options.format == "json") {
    Json json = {{"name", options.name},
                 {"channels", any.channels()},
                 {"first_image", {first.height, first.width}},
                 {"classes", classes}};
    json["splits"] = class_columns_json(columns, "images");
    json["left_out"] = to_json(data::summary_of(splits)).at("left_out");
    json["remarks"] = splits.remarks;
    fmt::print("{}\n", dump_json(json, 2));
    return;
  }
  fmt::print("{}: {} classes, {}, first image {} x {} pixels\n\n", options.name, classes.size(),
             any.channels() == 1 ? "gray" : "colour", first.height, first.width);
  print_class_table(classes, columns);
  for (const auto& left_out : splits.left_out)
    fmt::print("\nLeft out of {}: {}\n", left_out.split == "all" ? options.name : left_out.split,
               to_text(left_out));
  for (const auto& line : splits.remarks) fmt::print("\n{}\n", line);
  if (splits.train && !splits.val)
    fmt::print("\nTraining splits a val off train (--val-fraction).\n");
}

void check(DataOptions options, const Json& flags) {
  update_from_json(options, flags, "flags");
  check_fields<UsageError>(options, "data");
  const auto kind = data::kind_of_data(options.name);
  if (kind == data::DataKind::kLabelledText)
    return check_labelled_texts(options.name, options.format, options.workers);
  if (kind != data::DataKind::kImages) return check_corpus(corpus_options(kind, options));
  const auto progress = make_terminal_progress();
  const auto report = data::check_data(open_named(options), options.workers, *progress);
  if (options.format == "json")
    fmt::print("{}\n", dump_json(to_json(report), 2));
  else
    fmt::print("{}", to_text(report));
  if (!report.unreadable.empty())
    throw DataError("data",
                    fmt::format("{} image{} cannot be read", report.unreadable.size(),
                                report.unreadable.size() == 1 ? "" : "s"),
                    options.name, "replace or remove them, or train with --on-bad-sample skip");
}

void list() {
  fmt::print("{:22} {:8} {}\n", "name", "licence", "what");
  for (const auto& entry : data::catalog())
    fmt::print("{:22} {:8} {}\n", entry.name, entry.license, entry.description);
  fmt::print(
      "\nA folder works as well: class folders of images (or train/, val/, test/ of them),\nIDX "
      "files, CIFAR's binaries; labelled texts as .jsonl, .tsv or .csv files or class folders of\n"
      ".txt files; words with tags as .conll or .jsonl; questions as SQuAD has them; two parallel\n"
      "files, or SOURCE_FILE,TARGET_FILE; plain text.\n");
}

void get(const DataOptions& options) {
  const auto progress = make_terminal_progress();
  const auto folder = data::fetch_dataset(
      options.name,
      options.output.empty() ? data::data_home() : std::filesystem::path(options.output),
      options.url, *progress);
  fmt::print("{}\n", folder.string());
}

}  // namespace

void add_data(CLI::App& program) {
  auto* verb = program.add_subcommand("data", "List, describe and fetch datasets");
  verb->footer(kDataFooter);
  verb->require_subcommand(1);
  auto o = std::make_shared<DataOptions>();
  verb->add_subcommand("list", "Datasets that can be fetched")->callback([] { list(); });
  auto* describe = verb->add_subcommand("info", "Splits, classes and sizes of a dataset");
  describe->add_option("data", o->name, "a name, a folder, a file, or SOURCE_FILE,TARGET_FILE")
      ->required();
  add_choice(*describe, "--format", o->format, {"text", "json"}, "what is printed");
  auto describe_flags = std::make_shared<ConfigFlags>(*describe, *o);
  describe->callback([=] { info(*o, describe_flags->given()); });
  auto* verify =
      verb->add_subcommand("check", "Read every image or text once and say what is wrong");
  verify->add_option("data", o->name, "a name, a folder, a file, or SOURCE_FILE,TARGET_FILE")
      ->required();
  add_choice(*verify, "--format", o->format, {"text", "json"}, "what is printed");
  verify->add_option("--workers", o->workers, "threads [one per core]")
      ->check(CLI::Range(1, 1024).description(""));
  verify->footer("Exit code 65 when an image or a text cannot be read, else 0.");
  auto verify_flags = std::make_shared<ConfigFlags>(*verify, *o);
  verify->callback([=] { check(*o, verify_flags->given()); });
  auto* fetch = verb->add_subcommand("get", "Download or make a dataset");
  fetch->add_option("name", o->name, "see `braid data list`")->required();
  fetch->add_option("--output", o->output,
                    "folder [BRAID_DATA_HOME, else ~/.cache/braid: where names are looked up]");
  fetch->add_option("--url", o->url, "another place of the same files");
  fetch->callback([o] { get(*o); });
  add_data_text(*verb);
}

}  // namespace braid::cli
