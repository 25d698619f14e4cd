// Words, classes and case of code points as sacreBLEU sees them: those of Python's str and of the
// regular expressions in its tokenizers. Knows no LibTorch.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace braid::tasks {

bool is_punctuation(char32_t code);        // \p{P}
bool is_symbol(char32_t code);             // \p{S}
bool is_number(char32_t code);             // \p{N}
bool is_space(char32_t code);              // where str.split() splits
bool is_ascii_punctuation(char32_t code);  // string.punctuation

// Invalid UTF-8 is read as U+FFFD, by maximal subparts.
std::u32string to_code_points(std::string_view text);
std::string to_utf8(std::u32string_view text);
std::u32string to_lower(std::u32string_view text);  // str.lower(), with the final sigma's rule
std::vector<std::u32string_view> split_words(std::u32string_view text);  // str.split()
// The words with `between` between them.
std::u32string join(const std::vector<std::u32string_view>& words, std::u32string_view between);
std::u32string_view strip_end(std::u32string_view text);  // str.rstrip()

// How often each n-gram of one order occurs; they are views of a text that must live as long.
using NgramCounts = std::unordered_map<std::u32string_view, int64_t>;
NgramCounts character_ngrams(std::u32string_view text, size_t order);
// Of words with one space between them.
NgramCounts word_ngrams(std::u32string_view words, size_t order);

}  // namespace braid::tasks
