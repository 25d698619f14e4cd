# braid_report_page(TARGET): inlines the report's sources and the charting library into one page and links it into
# TARGET as bytes, so that a report needs no file beside the program and no network.
include(BraidEmbed)
set(BRAID_CHARTS_DIR ${CMAKE_SOURCE_DIR}/build/charts CACHE PATH "Folder of vega.min.js and vega-lite.min.js")

execute_process(COMMAND ${CMAKE_SOURCE_DIR}/scripts/fetch_charts.sh ${BRAID_CHARTS_DIR}
                RESULT_VARIABLE _result ERROR_VARIABLE _error ERROR_STRIP_TRAILING_WHITESPACE)
if(NOT _result EQUAL 0)
  message(FATAL_ERROR "The charting library of report.html is missing: ${_error}")
endif()

function(braid_report_page target)
  set(source_dir ${CMAKE_SOURCE_DIR}/braid/evaluate/report)
  file(GLOB sources CONFIGURE_DEPENDS ${source_dir}/*.html ${source_dir}/*.css ${source_dir}/*.js ${source_dir}/*.txt)
  set(page ${CMAKE_BINARY_DIR}/report/report_page.html)
  add_custom_command(
    OUTPUT ${page}
    COMMAND ${CMAKE_COMMAND} -DSOURCE_DIR=${source_dir} -DCHARTS_DIR=${BRAID_CHARTS_DIR} -DPAGE=${page}
            -P ${CMAKE_SOURCE_DIR}/cmake/assemble_report.cmake
    DEPENDS ${sources} ${BRAID_CHARTS_DIR}/vega.min.js ${BRAID_CHARTS_DIR}/vega-lite.min.js
            ${CMAKE_SOURCE_DIR}/cmake/assemble_report.cmake
    COMMENT "Inlining the report's page")
  braid_embed(${target} braid_report_page ${page})
endfunction()
