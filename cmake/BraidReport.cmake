# braid_report_page(TARGET), braid_explain_page(TARGET): inline a page's sources, and the charting library into a report,
# into one page and link it into TARGET as bytes, so that a page needs no file beside the program and no network.
include(BraidEmbed)
set(BRAID_CHARTS_DIR ${CMAKE_SOURCE_DIR}/build/charts CACHE PATH "Folder of vega.min.js and vega-lite.min.js")

execute_process(COMMAND ${CMAKE_SOURCE_DIR}/scripts/fetch_charts.sh ${BRAID_CHARTS_DIR}
                RESULT_VARIABLE _result ERROR_VARIABLE _error ERROR_STRIP_TRAILING_WHITESPACE)
if(NOT _result EQUAL 0)
  message(FATAL_ERROR "The charting library of report.html is missing: ${_error}")
endif()

# braid_page(TARGET SYMBOL SOURCE_DIR OTHER_DIR FILES...): page.html of SOURCE_DIR with what it names of both folders.
function(braid_page target symbol source_dir other_dir)
  set(page ${CMAKE_BINARY_DIR}/report/${symbol}.html)
  add_custom_command(
    OUTPUT ${page}
    COMMAND ${CMAKE_COMMAND} -DSOURCE_DIR=${source_dir} -DOTHER_DIR=${other_dir} -DPAGE=${page}
            -P ${CMAKE_SOURCE_DIR}/cmake/assemble_report.cmake
    DEPENDS ${ARGN} ${CMAKE_SOURCE_DIR}/cmake/assemble_report.cmake
    COMMENT "Inlining ${symbol}")
  braid_embed(${target} ${symbol} ${page})
endfunction()

function(braid_report_page target)
  set(source_dir ${CMAKE_SOURCE_DIR}/braid/evaluate/report)
  file(GLOB sources CONFIGURE_DEPENDS ${source_dir}/*.html ${source_dir}/*.css ${source_dir}/*.js ${source_dir}/*.txt)
  braid_page(${target} braid_report_page ${source_dir} ${BRAID_CHARTS_DIR} ${sources}
             ${BRAID_CHARTS_DIR}/vega.min.js ${BRAID_CHARTS_DIR}/vega-lite.min.js)
endfunction()

# In the report's style.
function(braid_explain_page target)
  set(source_dir ${CMAKE_SOURCE_DIR}/braid/explain/page)
  set(report_dir ${CMAKE_SOURCE_DIR}/braid/evaluate/report)
  file(GLOB sources CONFIGURE_DEPENDS ${source_dir}/*.html ${source_dir}/*.css ${source_dir}/*.js)
  braid_page(${target} braid_explain_page ${source_dir} ${report_dir} ${sources}
             ${report_dir}/style.css ${report_dir}/theme.js ${report_dir}/dom.js)
endfunction()
