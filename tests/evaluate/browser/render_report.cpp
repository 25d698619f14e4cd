// render_report RESULTS_JSON REPORT_HTML: the report of results that were measured before.
#include <cstdio>
#include <exception>

#include "braid/evaluate/report_html.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: render_report RESULTS_JSON REPORT_HTML\n");
    return 64;
  }
  try {
    braid::evaluate::write_report(braid::read_json(argv[1]), argv[2]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 65;
  }
  return 0;
}
