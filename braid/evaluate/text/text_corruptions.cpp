#include "braid/evaluate/text/text_corruptions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numeric>

#include "braid/core/error.h"
#include "braid/core/natural_order.h"
#include "braid/data/random.h"

namespace braid::evaluate {
namespace {

using data::Random;
using Steps = std::array<double, kTextSeverities>;

struct Word {
  std::string text;   // without white space
  std::string space;  // behind it
};
struct Words {
  std::string lead;  // white space before the first
  std::vector<Word> words;
};

bool is_white(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

Words split_words(std::string_view text) {
  Words split;
  for (size_t i = 0; i < text.size();) {
    size_t end = i;
    while (end < text.size() && !is_white(text[end])) ++end;
    size_t next = end;
    while (next < text.size() && is_white(text[next])) ++next;
    if (end == i)
      split.lead = text.substr(i, next - i);
    else
      split.words.push_back(
          {std::string(text.substr(i, end - i)), std::string(text.substr(end, next - end))});
    i = next;
  }
  return split;
}

std::string join_words(const Words& split) {
  std::string text = split.lead;
  for (const auto& word : split.words) text += word.text + word.space;
  return text;
}

// The words in a seeded order: the first so many are chosen, those of a smaller share among them.
std::vector<size_t> choose_words(const Words& split, double share, Random& random) {
  std::vector<size_t> order(split.words.size());
  std::iota(order.begin(), order.end(), size_t{0});
  random.shuffle(order);
  order.resize(static_cast<size_t>(std::lround(share * static_cast<double>(order.size()))));
  return order;
}

std::vector<std::string> characters_of(const std::string& word) {
  std::vector<std::string> characters;
  for (const char c : word) {
    const bool goes_on = (static_cast<unsigned char>(c) & 0xc0) == 0x80;
    if (goes_on && !characters.empty())
      characters.back() += c;
    else
      characters.emplace_back(1, c);
  }
  return characters;
}

// Of a QWERTY keyboard: left, right, and the rows above and below.
char neighbour_key(char letter, uint64_t choice) {
  static constexpr std::array<std::string_view, 26> kNeighbours = {
      "qwsz",   "vghn",  "xdfv", "serfcx", "wsdr", "drtgvc", "ftyhbv", "gyujnb", "ujko",
      "huikmn", "jiolm", "kop",  "njk",    "bhjm", "iklp",   "ol",     "wa",     "edft",
      "awedxz", "rfgy",  "yhji", "cfgb",   "qase", "zsdc",   "tghu",   "asx"};
  const bool upper = letter >= 'A' && letter <= 'Z';
  const auto& keys = kNeighbours[static_cast<size_t>(letter - (upper ? 'A' : 'a'))];
  const char key = keys[choice % keys.size()];
  return upper ? static_cast<char>(key - 'a' + 'A') : key;
}

bool is_latin_letter(const std::string& character) {
  const char c = character[0];
  return character.size() == 1 && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'));
}

bool is_letter(const std::string& character) {
  return character.size() > 1 || is_latin_letter(character);
}

// Every letter draws the same numbers whatever the share, so that severities are nested.
std::string typos(const Words& split, double share, Random& random) {
  Words out = split;
  for (auto& word : out.words) {
    const auto characters = characters_of(word.text);
    std::string typed;
    for (size_t i = 0; i < characters.size(); ++i) {
      const bool hit = random.uniform() < share;
      const auto kind = random.below(4);
      const uint64_t choice = random.next() >> 8;
      const auto& character = characters[i];
      if (!hit || !is_letter(character)) {
        typed += character;
      } else if (kind == 0 && i + 1 < characters.size()) {
        typed += characters[i + 1] + character;
        ++i;
        for (int k = 0; k < 3; ++k) random.next();
      } else if (kind == 1 && characters.size() > 1) {
        continue;
      } else if (kind == 2 && is_latin_letter(character)) {
        typed += neighbour_key(character[0], choice);
      } else {
        typed += character + character;
      }
    }
    if (!typed.empty()) word.text = typed;
  }
  return join_words(out);
}

std::string word_drop(const Words& split, double share, Random& random) {
  auto dropped = choose_words(split, share, random);
  if (dropped.size() == split.words.size() && !dropped.empty()) dropped.pop_back();
  std::vector<char> gone(split.words.size());
  for (const size_t i : dropped) gone[i] = 1;
  Words out{split.lead, {}};
  for (size_t i = 0; i < split.words.size(); ++i)
    if (gone[i] == 0) out.words.push_back(split.words[i]);
  return join_words(out);
}

std::string word_order(const Words& split, double share, Random& random) {
  Words out = split;
  const auto places = choose_words(split, share, random);
  for (size_t i = 0; i < places.size(); ++i)  // a cycle: each of them moves
    out.words[places[i]].text = split.words[places[(i + 1) % places.size()]].text;
  return join_words(out);
}

std::string truncation(const Words& split, double share, Random&) {
  Words out = split;
  const auto kept =
      static_cast<size_t>(std::ceil(share * static_cast<double>(split.words.size()) - 1e-9));
  out.words.resize(std::min(std::max<size_t>(kept, 1), split.words.size()));
  if (out.words.size() < split.words.size()) out.words.back().space.clear();
  return join_words(out);
}

std::string flipped_case(const std::string& word) {
  std::string out;
  for (const auto& character : characters_of(word)) {
    const char c = character[0];
    out += character.size() == 1 && c >= 'a' && c <= 'z'
               ? std::string(1, static_cast<char>(c - 'a' + 'A'))
               : to_lower(character);
  }
  return out;
}

std::string letter_case(const Words& split, double share, Random& random) {
  Words out = split;
  for (const size_t i : choose_words(split, share, random))
    out.words[i].text = flipped_case(split.words[i].text);
  return join_words(out);
}

struct TextCorruption {
  std::string name;
  Steps amounts;  // of severities 1 to 5
  std::function<std::string(const Words&, double, Random&)> apply;
};

const std::vector<TextCorruption>& text_table() {
  static const std::vector<TextCorruption> kTable = {
      {"typos", {0.02, 0.05, 0.1, 0.15, 0.25}, typos},
      {"word_drop", {0.1, 0.2, 0.3, 0.4, 0.6}, word_drop},
      {"word_order", {0.1, 0.25, 0.5, 0.75, 1}, word_order},
      {"truncation", {0.9, 0.75, 0.5, 0.35, 0.2}, truncation},
      {"case", {0.1, 0.25, 0.5, 0.75, 1}, letter_case},
  };
  return kTable;
}

}  // namespace

const std::vector<std::string>& text_corruptions() {
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> names;
    for (const auto& entry : text_table()) names.push_back(entry.name);
    return names;
  }();
  return kNames;
}

std::string corrupt_text(std::string_view text, const std::string& name, int64_t severity,
                         uint64_t seed) {
  const auto& entries = text_table();
  const auto entry = std::find_if(entries.begin(), entries.end(),
                                  [&](const TextCorruption& e) { return e.name == name; });
  if (entry == entries.end() || severity < 1 || severity > kTextSeverities)
    throw InternalError("robustness",
                        fmt::format("expected a corruption and a severity of 1 to {}, got '{}' {}",
                                    kTextSeverities, name, severity));
  Random random(seed, static_cast<uint64_t>(entry - entries.begin()));
  return entry->apply(split_words(text), entry->amounts[static_cast<size_t>(severity - 1)], random);
}

}  // namespace braid::evaluate
