// Did-you-mean: the known names nearest to a mistyped one.
#pragma once
#include <string>
#include <vector>

namespace braid {

// At most `limit` candidates within an edit distance of a third of the word's length, nearest
// first.
std::vector<std::string> near_matches(const std::string& word,
                                      const std::vector<std::string>& candidates, size_t limit = 3);

// "did you mean 'a' or 'b'?", or `otherwise` when nothing is near.
std::string did_you_mean(const std::string& word, const std::vector<std::string>& candidates,
                         const std::string& otherwise = "");

}  // namespace braid
