// braid translate: lines of text into another language.
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "braid/core/error.h"
#include "braid/core/progress.h"
#include "braid/data/run_fields.h"
#include "braid/generate/generation_config.h"
#include "braid/io/posix_file.h"
#include "braid/models/checkpoint.h"
#include "braid/runtime/device.h"
#include "braid/tasks/text/translate_lines.h"
#include "cli/command.h"

namespace braid::cli {
namespace {

constexpr const char* kTranslateFooter = R"(Examples:
  echo 'A man is walking.' | braid translate --checkpoint runs/en-de
  braid translate --checkpoint runs/en-de test.en --num-beams 5 --output test.de
  braid translate --checkpoint runs/en-de --dtype auto --load-in-8bit <test.en
  braid translate --checkpoint runs/en-de --n-best 3 --format jsonl <test.en
  braid translate --checkpoint runs/en-de --do-sample --temperature 0.7 --top-k 20 test.en

One line of output for each line of input, in their order. With --n-best above 1 each line has that many, as
"LINE ||| TEXT ||| SCORE", lines counted from 0. What is drawn for a line depends on --seed and the
line's number alone.)";

struct TranslateVerbOptions {
  std::string checkpoint, output, format = "text";
  std::vector<std::string> files;
  int64_t n_best = 1, batch_tokens = 4096;
  std::string device = "cpu", dtype = "float32";
  bool load_in_8bit = false, truncate = true;
  void visit(FieldVisitor& v) {
    v.field("n_best", n_best,
            "translations of each line, at most as many as beams unless they are drawn",
            {.least = 1, .most = 100});
    v.field("batch_tokens", batch_tokens, "tokens that are translated at once, padding too",
            {.least = 1});
    v.field(data::device_field(), device);
    v.field(data::dtype_field(), dtype);
    v.field("load_in_8bit", load_in_8bit,
            "weights in 8 bits, which a CPU reads faster where few texts are written at once");
    v.field(data::truncate_field(), truncate);
  }
};

// As they were given, field by field: the verb's, and those of generate::GenerationConfig.
struct GivenFlags {
  Json own, search, drawing;
};

// Standard output, or a file that closes itself.
class TranslationOutput {
 public:
  explicit TranslationOutput(const std::string& path) : path_(path) {
    if (path.empty() || path == "-") return;
    file_.reset(std::fopen(path.c_str(), "wb"));
    if (!file_) io::fail_io("write", path, errno);
  }
  void write(const std::string& text) {
    auto* file = file_ ? file_.get() : stdout;
    if (std::fwrite(text.data(), 1, text.size(), file) != text.size() || std::fflush(file) != 0)
      io::fail_io("write", path_.empty() ? "standard output" : path_, errno);
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
};

std::string text_of(const tasks::TranslatedLine& line) {
  const auto& best = line.translation.best;
  if (best.size() == 1) return tasks::on_one_line(best[0].text) + "\n";
  std::string text;
  for (const auto& one : best)
    text +=
        fmt::format("{} ||| {} ||| {:.6f}\n", line.line, tasks::on_one_line(one.text), one.score);
  return text;
}

std::string json_of(const tasks::TranslatedLine& line) {
  Json json = {{"line", line.line}, {"source", line.source}, {"translations", Json::array()}};
  for (const auto& one : line.translation.best)
    json["translations"].push_back({{"text", one.text}, {"score", one.score}});
  if (line.translation.cut) json["cut"] = true;
  return dump_json(json) + "\n";
}

// By themselves, whatever the checkpoint says.
void check_search(const GivenFlags& flags) {
  generate::GenerationConfig alone;
  update_from_json(alone, flags.search, "flags");
  update_from_json(alone, flags.drawing, "flags");
  check_fields<UsageError>(alone, "translate");
}

// What the flags say of the search, which the checkpoint's settings give way to.
void set_search(const TranslateVerbOptions& options, const GivenFlags& flags,
                tasks::Translator& translator) {
  auto& generation = translator.generation;
  update_from_json(generation, flags.search, "flags");
  update_from_json(generation, flags.drawing, "flags");
  generation.num_return_sequences = options.n_best;
  const auto refuse = [](const std::string& what, const std::string& flag,
                         const std::string& remedy = "") {
    throw UsageError("translate", what, flag, remedy);
  };
  for (const auto& [field, value] : flags.drawing.items())
    if (!generation.do_sample && field != "do_sample")
      refuse("expected a search that draws, got one that takes the likeliest tokens",
             flag_of(field), "add --do-sample");
  if (generation.num_beams == 1 && flags.search.contains("early_stopping"))
    refuse("expected a search with beams, got one without", "--early-stopping",
           "raise --num-beams");
  const bool draws = generation.do_sample && generation.num_beams == 1;
  if (!draws && options.n_best > generation.num_beams)
    refuse(fmt::format("expected at most {} translations of a line, as many as beams, got {}",
                       generation.num_beams, options.n_best),
           "--n-best", "raise --num-beams, or draw with --do-sample and one beam");
  generate::check(generation);
  const int64_t positions = translator.model->max_positions();
  if (positions > 0 && generation.max_length > positions)
    refuse(fmt::format("expected at most {} tokens, as many as the model takes, got {}", positions,
                       generation.max_length),
           "--max-length");
  if (flags.search.contains("min_length") && generation.min_length > generation.max_length)
    refuse(fmt::format("expected at most the {} tokens of the longest translation, got {}",
                       generation.max_length, generation.min_length),
           "--min-length", "raise --max-length");
}

// Opened for writing, a file is empty before it is read. "-": standard input.
void expect_other_file(const std::string& output, const std::vector<std::string>& files) {
  namespace fs = std::filesystem;
  std::error_code none;
  if (output.empty() || !fs::is_regular_file(output, none)) return;
  for (const auto& file : files)
    if (fs::equivalent(file == "-" ? "/dev/stdin" : file, output, none))
      throw UsageError("translate",
                       "expected another file than the one that is read, got " + output, "--output",
                       "write a file of its own, and move it over the other");
}

void run(TranslateVerbOptions options, const GivenFlags& flags) {
  update_from_json(options, flags.own, "flags");
  check_fields<UsageError>(options, "translate");
  check_search(flags);
  if (options.files.empty()) options.files.emplace_back("-");
  expect_other_file(options.output, options.files);
  const auto progress = make_terminal_progress();
  auto translator = tasks::load_translator(models::find_checkpoint(options.checkpoint, *progress));
  set_search(options, flags, translator);
  const auto device = runtime::resolve_device(options.device);
  if (options.load_in_8bit) {
    if (!device.is_cpu())
      throw UsageError("translate", "expected a CPU, which alone multiplies by 8-bit weights",
                       "--load-in-8bit", "leave it out, or say --device cpu");
    tasks::load_in_8bit(translator);
  }
  translator.model->to(device);
  TranslationOutput output(options.output);
  int64_t lines = 0;
  for (const auto& file : options.files) {
    io::LineReader reader(file);
    const int64_t before = lines;
    const auto put = [&](const tasks::TranslatedLine& line) {
      const auto place = fmt::format("{}:{}", file, line.line - before + 1);
      const int64_t most = translator.format.max_length;
      if (line.translation.cut && !options.truncate)
        throw DataError("translate",
                        fmt::format("expected at most {} tokens, as many as the model reads, got a "
                                    "longer line",
                                    most),
                        place, "shorten it, or have its beginning translated with --truncate");
      output.write(options.format == "text" ? text_of(line) : json_of(line));
      if (line.translation.cut)
        progress->line(
            fmt::format("{}: longer than {} tokens, its end is not translated", place, most));
    };
    lines += tasks::translate_lines(
        translator, reader,
        {.translate = {.batch_tokens = options.batch_tokens, .dtype = options.dtype},
         .first_line = before},
        put);
  }
}

}  // namespace

void add_translate(CLI::App& program) {
  auto* verb = program.add_subcommand("translate", "Translate lines of text with a checkpoint");
  verb->footer(kTranslateFooter);
  auto o = std::make_shared<TranslateVerbOptions>();
  verb->add_option("--checkpoint", o->checkpoint,
                   "folder of a run or a checkpoint, or hf-hub:OWNER/NAME")
      ->required();
  verb->add_option("files", o->files, "text files, or - for standard input (the default)");
  verb->add_option("--output", o->output, "file that is written; empty: standard output");
  add_choice(*verb, "--format", o->format, {"text", "jsonl"}, "what is printed, line by line");
  auto flags = std::make_shared<ConfigFlags>(*verb, *o);
  const auto settings = [&](const std::vector<std::string>& fields) {
    return std::make_shared<ConfigFlags>(*verb, generate::GenerationConfig(), fields);
  };
  auto search = settings({"num_beams", "early_stopping", "length_penalty", "max_length",
                          "min_length", "repetition_penalty", "no_repeat_ngram_size"});
  search->group("Search (unset: the checkpoint's)");
  auto drawing =
      settings({"do_sample", "temperature", "top_k", "top_p", "min_p", "typical_p", "seed"});
  drawing->group("Drawing (unset: the checkpoint's)");
  verb->callback([=] {
    run(*o, {.own = flags->given(), .search = search->given(), .drawing = drawing->given()});
  });
}

}  // namespace braid::cli
