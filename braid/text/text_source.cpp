#include "braid/text/text_source.h"

#include <memory>
#include <utility>

#include "braid/io/line_file.h"

namespace braid::text {

TextSource lines_of(std::vector<std::filesystem::path> files) {
  struct State {
    std::vector<std::filesystem::path> files;
    size_t next = 0;
    std::unique_ptr<io::LineReader> lines;
  };
  const auto state = std::make_shared<State>(State{std::move(files), 0, nullptr});
  return [state](std::string& text) {
    while (true) {
      if (!state->lines) {
        if (state->next == state->files.size()) return false;
        state->lines = std::make_unique<io::LineReader>(state->files[state->next++]);
      }
      if (auto line = state->lines->next()) {
        text = std::move(*line);
        return true;
      }
      state->lines.reset();
    }
  };
}

}  // namespace braid::text
