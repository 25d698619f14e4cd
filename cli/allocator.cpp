// How the program's memory allocator behaves. jemalloc, a library beside the program, reads this
// symbol, which is therefore one of the few that others see.
//
// A training step allocates and frees the same large tensors over and over; handing their pages
// back to the kernel and faulting them in again costs more than the arithmetic on them. So: no
// decay, and huge pages.
extern "C" {
[[gnu::visibility("default")]] extern const char* malloc_conf;
const char* malloc_conf =
    "thp:always,metadata_thp:auto,dirty_decay_ms:-1,muzzy_decay_ms:-1,background_thread:false";
}
