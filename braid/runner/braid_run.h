/* Exported models from C: the interface of braid-run's library. No exception leaves it. */
#ifndef BRAID_RUN_H
#define BRAID_RUN_H
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A loaded model. One thread at a time; several models may run beside each other. */
typedef struct BraidRunModel BraidRunModel;

/* ONNX's numbers. */
typedef enum BraidRunType {
  BRAID_RUN_FLOAT32 = 1,
  BRAID_RUN_UINT8 = 2,
  BRAID_RUN_INT8 = 3,
  BRAID_RUN_INT32 = 6,
  BRAID_RUN_INT64 = 7,
  BRAID_RUN_BOOL = 9,
  BRAID_RUN_FLOAT64 = 11
} BraidRunType;

/* Row-major numbers. Of an output, data and dims belong to the model and live until its next run.
 */
typedef struct BraidRunTensor {
  const char* name;
  BraidRunType type;
  size_t rank;
  const int64_t* dims; /* of inputs as the file describes them, -1: free */
  const void* data;
} BraidRunTensor;

/* 0 on failure, with the reason in braid_run_error(). bytes must live as long as the model. Tensors
   that are computed may take half of the memory that the process may use. */
BraidRunModel* braid_run_open_file(const char* file, int threads);
BraidRunModel* braid_run_open_memory(const void* bytes, size_t size, int threads);
void braid_run_free(BraidRunModel* model); /* of 0: does nothing */

/* What the model reads and gives: name, type, rank and dims, without data. Index beyond the last:
   name is 0. Of no model: none. */
size_t braid_run_input_count(const BraidRunModel* model);
size_t braid_run_output_count(const BraidRunModel* model);
BraidRunTensor braid_run_input(const BraidRunModel* model, size_t index);
BraidRunTensor braid_run_output(const BraidRunModel* model, size_t index);
/* The file's metadata of this key, 0 where it has none. */
const char* braid_run_metadata(const BraidRunModel* model, const char* key);

/* Runs on the inputs, in any order, by their names. 0 on success, else an exit code of the program
   (65 bad data, 70 a bug); outputs is an array of output_count tensors, filled in the file's order.
 */
int braid_run(BraidRunModel* model, const BraidRunTensor* inputs, size_t input_count,
              BraidRunTensor* outputs, size_t output_count);

/* A translator: the files that `braid export` writes of a model that writes texts. One thread at a
   time; several translators may run beside each other. */
typedef struct BraidRunTranslator BraidRunTranslator;

/* How it searches; 0: as the files say. */
typedef struct BraidRunSearch {
  int64_t num_beams;  /* 1: greedy search */
  int64_t max_length; /* tokens of the longest translation, with the start token */
} BraidRunSearch;

typedef struct BraidRunTranslation {
  const char* text; /* UTF-8; belongs to the translator and lives until its next translation */
  size_t size;      /* bytes of the text, without the zero behind it */
  double score;     /* sum of the tokens' log-probabilities / number of tokens^length_penalty */
  int cut;          /* not 0: the text was too long, its end is not translated */
} BraidRunTranslation;

/* 0 on failure, with the reason in braid_run_error(). folder: with encoder_model.onnx and
   decoder_model.onnx, and decoder_with_past_model.onnx where there is one, without which each word
   computes all words before it again; bytes must live as long as the translator. search: may be 0.
 */
BraidRunTranslator* braid_run_open_translator(const char* folder, const BraidRunSearch* search,
                                              int threads);
BraidRunTranslator* braid_run_open_translator_memory(const void* encoder, size_t encoder_size,
                                                     const void* decoder, size_t decoder_size,
                                                     const BraidRunSearch* search, int threads);
/* The same with the third file. */
BraidRunTranslator* braid_run_open_translator_memory_with_past(
    const void* encoder, size_t encoder_size, const void* decoder, size_t decoder_size,
    const void* decoder_with_past, size_t decoder_with_past_size, const BraidRunSearch* search,
    int threads);
void braid_run_free_translator(BraidRunTranslator* translator); /* of 0: does nothing */

/* Translates one text of UTF-8, such as a line; one of white space alone, or of which the tokenizer
   leaves nothing, gives an empty text. 0 on success, else an exit code of the program. */
int braid_run_translate(BraidRunTranslator* translator, const char* text,
                        BraidRunTranslation* translation);

/* The last failure of this thread, "" where there was none. */
const char* braid_run_error(void);

#ifdef __cplusplus
}
#endif
#endif
