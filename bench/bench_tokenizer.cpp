// Text per second of CPU time of each kind of tokenizer, in one thread.
//
//   bench_tokenizer [--file TEXT] [--tokenizer FILE_OR_FOLDER] [--vocab-size 8000] [--seconds 3]
//                   [--seed 0]
//
// WordPiece, byte-level BPE and SentencePiece's two learn their vocabulary from the text, then
// encode its lines over and over; --tokenizer measures that one alone. MB are 10^6 bytes of UTF-8.
// Without a file: 4 MB made up from the seed, words of Zipf's frequencies, one in 20 in another
// script. Real text has other words: figures that are reported name their file.
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "braid/text/text_source.h"
#include "braid/text/tokenizer.h"
#include "braid/text/train_tokenizer.h"

namespace {

using namespace braid;
using Lines = std::vector<std::string>;

// Below `count`, the same on every machine.
size_t draw(std::mt19937_64& random, size_t count) { return static_cast<size_t>(random() % count); }

std::string made_word(std::mt19937_64& random, size_t number) {
  static const Lines kLatin = {"a",  "e",  "i",  "o",  "u",  "ta", "re", "in", "st", "en",
                               "on", "er", "al", "is", "or", "th", "le", "ch", "qu", "v"};
  static const Lines kOther = {"é", "ü", "ß", "ж", "д", "и", "α", "λ", "中", "文", "日", "ก", "ا"};
  const auto& parts = number % 20 == 19 ? kOther : kLatin;
  std::string word;
  for (size_t i = 0, length = 1 + draw(random, 5); i < length; ++i)
    word += parts[draw(random, parts.size())];
  return word;
}

Lines made_lines(uint64_t seed) {
  constexpr size_t kBytes = 4'000'000, kWords = 50'000;
  std::mt19937_64 random(seed);
  Lines words;
  std::vector<double> until;  // of each word, the sum of frequencies up to it
  for (size_t i = 0; i < kWords; ++i) {
    words.push_back(made_word(random, i));
    until.push_back((until.empty() ? 0 : until.back()) + 1 / static_cast<double>(i + 1));
  }
  const auto drawn = [&]() -> const std::string& {
    const double at = static_cast<double>(random() >> 11) * 0x1p-53 * until.back();
    const auto place = std::upper_bound(until.begin(), until.end(), at) - until.begin();
    return words[std::min(static_cast<size_t>(place), kWords - 1)];
  };
  Lines lines;
  for (size_t bytes = 0; bytes < kBytes;) {
    std::string line = drawn();
    line[0] = line[0] >= 'a' && line[0] <= 'z' ? static_cast<char>(line[0] - 'a' + 'A') : line[0];
    for (size_t i = 0, length = 4 + draw(random, 25); i < length; ++i)
      line += (draw(random, 12) == 0 ? ", " : " ") + drawn();
    line += '.';
    bytes += line.size();
    lines.push_back(std::move(line));
  }
  return lines;
}

Lines lines_of_file(const std::string& file) {
  Lines lines;
  const auto source = text::lines_of({file});
  for (std::string line; source(line);) lines.push_back(line);
  return lines;
}

text::TextSource source_of(const Lines& lines) {
  return [&lines, next = size_t{0}](std::string& line) mutable {
    if (next == lines.size()) return false;
    line = lines[next++];
    return true;
  };
}

// Seconds that this thread has computed: a busy neighbour does not count.
double cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// Whole passes until the time is over; prints the median and the fastest.
void measure(const std::string& name, const text::Tokenizer& tokenizer, const Lines& lines,
             double seconds) {
  size_t bytes = 0, tokens = 0;
  for (const auto& line : lines) bytes += line.size();
  for (const auto& line : lines) tokens += tokenizer.encode(line).ids.size();  // warm-up
  std::vector<double> passes;
  const double begin = cpu_seconds();
  while (passes.size() < 3 || cpu_seconds() - begin < seconds) {
    const double start = cpu_seconds();
    size_t again = 0;
    for (const auto& line : lines) again += tokenizer.encode(line).ids.size();
    passes.push_back(cpu_seconds() - start);
    if (again != tokens) fmt::print(stderr, "{}: {} tokens, then {}\n", name, tokens, again);
  }
  std::sort(passes.begin(), passes.end());
  const double megabytes = static_cast<double>(bytes) / 1e6;
  fmt::print("{:<12} {:>8} {:>12.2f} {:>12.1f} {:>12.1f}\n", name, tokenizer.vocab_size(),
             static_cast<double>(bytes) / static_cast<double>(std::max<size_t>(tokens, 1)),
             megabytes / passes[passes.size() / 2], megabytes / passes.front());
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, std::string> args = {{"--file", ""},
                                             {"--tokenizer", ""},
                                             {"--vocab-size", "8000"},
                                             {"--seconds", "3"},
                                             {"--seed", "0"}};
  for (int i = 1; i + 1 < argc; i += 2) args[argv[i]] = argv[i + 1];
  const int64_t size = std::stoll(args["--vocab-size"]);
  const double seconds = std::stod(args["--seconds"]);
  const auto lines = args["--file"].empty() ? made_lines(std::stoull(args["--seed"]))
                                            : lines_of_file(args["--file"]);
  fmt::print("{:<12} {:>8} {:>12} {:>12} {:>12}\n", "tokenizer", "tokens", "bytes/token",
             "MB/s median", "MB/s best");
  if (const auto& given = args["--tokenizer"]; !given.empty()) {
    const auto tokenizer = text::load_tokenizer(given);
    measure(tokenizer->kind(), *tokenizer, lines, seconds);
    return 0;
  }
  measure("wordpiece", *text::train_wordpiece(source_of(lines), {.vocab_size = size}), lines,
          seconds);
  measure("bpe", *text::train_bpe(source_of(lines), {.vocab_size = size}), lines, seconds);
  for (const std::string type : {"unigram", "bpe"})
    measure(type == "bpe" ? "spm-bpe" : type,
            *text::train_sentencepiece(source_of(lines), {.type = type, .vocab_size = size}), lines,
            seconds);
  return 0;
}
