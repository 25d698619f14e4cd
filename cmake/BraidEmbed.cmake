# braid_embed(TARGET SYMBOL FILE): links FILE's bytes into TARGET, from SYMBOL to SYMBOL_end, with a zero behind them. The
# assembler copies them in a moment; a C array of a megabyte would take the compiler seconds.
function(braid_embed target symbol file)
  set(bytes ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.S)
  file(CONFIGURE OUTPUT ${bytes} @ONLY CONTENT [[
    .section .rodata
    .global @symbol@, @symbol@_end
@symbol@:
    .incbin "@file@"
@symbol@_end:
    .byte 0
    .section .note.GNU-stack,"",%progbits
]])
  set_source_files_properties(${bytes} PROPERTIES OBJECT_DEPENDS ${file})
  target_sources(${target} PRIVATE ${bytes})
endfunction()
