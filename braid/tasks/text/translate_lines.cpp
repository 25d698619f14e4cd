#include "braid/tasks/text/translate_lines.h"

#include <algorithm>
#include <vector>

namespace braid::tasks {

int64_t translate_lines(const Translator& translator, io::LineReader& reader,
                        const TranslateLinesOptions& options,
                        const std::function<void(const TranslatedLine&)>& put) {
  constexpr size_t kMostBytes = size_t{16} << 20;  // of a window, but for its last line
  const auto window = static_cast<size_t>(std::max<int64_t>(1, options.window));
  int64_t lines = 0;
  while (true) {
    std::vector<std::string> sources;
    size_t bytes = 0;
    while (sources.size() < window && bytes < kMostBytes && (sources.empty() || reader.ready())) {
      auto line = reader.next();
      if (!line) break;
      bytes += line->size();
      sources.push_back(std::move(*line));
    }
    if (sources.empty() || options.translate.stop.stop_requested()) return lines;
    auto settings = options.translate;
    settings.first_number = options.first_line + lines;
    auto translated = translate(translator, sources, settings);
    if (options.translate.stop.stop_requested()) return lines;
    for (size_t i = 0; i < sources.size(); ++i, ++lines)
      put({options.first_line + lines, std::move(sources[i]), std::move(translated[i])});
  }
}

}  // namespace braid::tasks
