// Electron avalanches from C: what townsend learned, or its Monte Carlo, avalanche by avalanche.
//
//   townsend_error error;
//   townsend_model *model = townsend_model_open("microscopic_275", &error);
//   if (!model) { fprintf(stderr, "%s\n", error.message); return 1; }
//   townsend_workspace *workspace = townsend_workspace_new();
//   townsend_electrons electrons;
//   townsend_model_avalanche(model, NULL, 1, 7, workspace, &electrons, NULL);
//
// Errors. A function that can fail returns a code (`TOWNSEND_OK`, which is 0, or a `TOWNSEND_ERROR_`) or a
// pointer (NULL if it fails), and says what went wrong in the `townsend_error` that it is given, which may be
// NULL. There is no state besides: nothing global, nothing that belongs to a thread.
//
// Pointers. Where a comment does not allow NULL, NULL is an error, never a crash. Any other pointer must be what
// it says: an object that the library made and that was not freed, a text that ends with a 0, a buffer that is
// as large as it is said to be. Objects are freed by the function of the same name, once.
//
// Threads. Models, readouts, grids and batches never change, so any number of threads may use one at once, and a
// setting that is not changed meanwhile. Workspaces and events serve one thread at a time. There are no locks.
//
// Memory. After the first avalanches a workspace or an event allocates only when an avalanche is larger than all
// before.
//
// Made of the Rust code by `cargo xtask header`; changes here are lost.

#ifndef TOWNSEND_H
#define TOWNSEND_H

#include <stddef.h>
#include <stdint.h>

// The number of the interface, the last part of `libtownsend.so.0`. Programs that were compiled with another
// number of this header cannot use the library.
#define TOWNSEND_ABI_VERSION 0

// All went well.
#define TOWNSEND_OK 0

// What was found is wrong: a file that is damaged, or that cannot be read.
#define TOWNSEND_ERROR_FOUND 1

// What was asked for is wrong: an argument, a condition that the model does not know.
#define TOWNSEND_ERROR_USAGE 2

// The caller's buffer is too small; the size that it needs was returned, and nothing was written to it.
#define TOWNSEND_ERROR_SIZE 3

// A defect of the library, which asks for a report. Everything can be used further.
#define TOWNSEND_ERROR_DEFECT 4

// Bytes of a message, the 0 at its end included.
#define TOWNSEND_MESSAGE_SIZE 2044

// Electrons stay where they are: x and z are mm from the centre of the sheet.
#define TOWNSEND_PLACE_AS_GIVEN 0

// The event is placed on the sheet at random, evenly over the rectangle that the detector names, as the
// command `townsend readout` does with avalanches that are relative to a hole.
#define TOWNSEND_PLACE_EVENLY 1

// Avalanches in memory. It never changes, so that any number of threads may read it.
typedef struct townsend_batch townsend_batch;

// The electrons of an event, of one avalanche or several, and memory to read it, used again for the next.
// One serves one thread.
typedef struct townsend_event townsend_event;

// A grid of cells over x (mm), z (mm) and t (ns), or over the first one or two of these.
typedef struct townsend_grid townsend_grid;

// Something that avalanches can be drawn from: a trained model of any kind, or a detector of the Monte
// Carlo. It never changes, so that any number of threads may use it at once.
typedef struct townsend_model townsend_model;

// The strips of a detector and their electronics. They never change, so that any number of threads may use
// them at once.
typedef struct townsend_readout townsend_readout;

// Where the primary electron starts and values of conditions; NULL in its place is as in training.
typedef struct townsend_setting townsend_setting;

// Memory for one avalanche, used again for the next. One serves one thread, with one model after the other.
typedef struct townsend_workspace townsend_workspace;

// What went wrong. Belongs to the caller; every function that takes one sets it, to 0 and an empty message
// when all went well. NULL in its place is allowed.
typedef struct townsend_error {
  // `TOWNSEND_OK` or one of the `TOWNSEND_ERROR_`s.
  int32_t code;
  // What went wrong, in UTF-8, and often what to do: it may have several lines. Cut where it is too long.
  char message[TOWNSEND_MESSAGE_SIZE];
} townsend_error;

// What a model is. The pointers are valid as long as the model.
typedef struct townsend_description {
  // The family, such as `cascade`, `clusters`, `vae`; `detector` for the Monte Carlo.
  const char *family;
  // Its name or what it was made from; may be empty.
  const char *source;
  // Units of x, z and t, as a rule `mm`, `mm`, `ns`.
  const char *units[3];
  // Number of conditions that it knows.
  size_t conditions;
  // Number of cells of its grid, those below and above the axes included; 0 if it draws electrons.
  size_t cells;
  // Number of axes of its grid, 1 to 3; 0 if it draws electrons.
  uint32_t dims;
  // Bins of each axis, those below and above it included; 1 where the grid has no such axis. Cell
  // `i_x + shape[0] * (i_z + shape[1] * i_t)` holds bin `i_x` of x, `i_z` of z and `i_t` of t.
  uint32_t shape[3];
  // 1 if it draws electrons, 0 if it draws electrons in cells of its grid.
  uint8_t draws_electrons;
  // 1 if the start of the primary electron can be chosen.
  uint8_t starts;
  // 0.
  uint8_t unused[6];
} townsend_description;

// An axis of a grid. The pointers are valid as long as what it was asked of.
typedef struct townsend_axis {
  // Number of bins. In cells they have the numbers 1 to `bins`; 0 is what lies below the axis and
  // `bins` + 1 what lies above.
  uint32_t bins;
  // `bins` + 1 edges, increasing.
  const double *edges;
  // Name and unit, such as `x [mm]`; may be empty.
  const char *label;
} townsend_axis;

// A condition that a model knows, such as the voltage of its foils. The pointers are valid as long as the
// model.
typedef struct townsend_condition {
  // Its name, with the unit, such as `voltage_v`.
  const char *name;
  // Number of stages.
  size_t stages;
  // Its value at each stage, if it is not set.
  const double *values;
  // For each stage the least and the largest value that its effect was learned from: 2 numbers a stage.
  const double *ranges;
} townsend_condition;

// The electrons of one avalanche, mm and ns: `n` values each.
typedef struct townsend_electrons {
  // Transverse position, along the direction of the Lorentz drift, mm.
  const float *x;
  // Transverse position, along the magnetic field, mm.
  const float *z;
  // Time of arrival, ns.
  const float *t;
  // Number of electrons.
  size_t n;
} townsend_electrons;

// The occupied cells of one avalanche, by increasing number, and the electrons in each: `n` values each.
typedef struct townsend_cells {
  // Numbers of cells: `i_x + shape[0] * (i_z + shape[1] * i_t)`, as ROOT numbers the bins of a histogram.
  const uint32_t *cells;
  // Electrons in each of these cells, never 0.
  const uint32_t *counts;
  // Number of occupied cells.
  size_t n;
} townsend_cells;

// The electrons of many avalanches: avalanche k has those from `offsets[k]` up to `offsets[k + 1]`. The
// pointers are valid as long as the batch.
typedef struct townsend_electron_set {
  // Where each avalanche begins, and the end of the last: `n` + 1 numbers.
  const int64_t *offsets;
  // Transverse position of every electron, along the direction of the Lorentz drift, mm.
  const float *x;
  // Transverse position, along the magnetic field, mm.
  const float *z;
  // Time of arrival, ns.
  const float *t;
  // Number of avalanches.
  size_t n;
} townsend_electron_set;

// The occupied cells of many avalanches: avalanche k has those from `offsets[k]` up to `offsets[k + 1]`. The
// pointers are valid as long as the batch.
typedef struct townsend_cell_set {
  // Where each avalanche begins, and the end of the last: `n` + 1 numbers.
  const int64_t *offsets;
  // Numbers of cells, increasing in an avalanche.
  const uint32_t *cells;
  // Electrons in each of these cells, never 0.
  const uint32_t *counts;
  // Number of avalanches.
  size_t n;
} townsend_cell_set;

// What the strips of a detector are.
typedef struct townsend_strips {
  // Number of X and of V strips.
  uint32_t strips[2];
  // Distance between neighbouring strips of a view, µm.
  double pitch_um;
  // Angle between the V and the X strips, degrees: V strips measure x cos + z sin of it.
  double stereo_deg;
  // Length of the sheet along z, mm.
  double length_mm;
  // A strip with less charge has no hit, fC.
  double threshold_fc;
  // The largest charge that is measured, fC.
  double saturation_fc;
} townsend_strips;

// What one strip recorded of one event.
typedef struct townsend_hit {
  // Number of the event.
  uint64_t event;
  // Number of the strip in its view, from 0; the centre of the sheet is the middle of the strips.
  uint32_t strip;
  // Charge, fC.
  float charge_fc;
  // Time, ns.
  float time_ns;
  // Number of the layer.
  uint8_t layer;
  // Number of the sheet in the layer.
  uint8_t sheet;
  // 0 for X, 1 for V.
  uint8_t view;
  // 0.
  uint8_t unused;
} townsend_hit;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// `TOWNSEND_ABI_VERSION` of the library that the program runs with.
uint32_t townsend_abi_version(void);

// Version, commit and features of the library, in one line. The text is never freed.
const char *townsend_version(void);

// A setting with everything as in training. Free it with `townsend_setting_free`.
struct townsend_setting *townsend_setting_new(void);

// Frees a setting; NULL is allowed.
void townsend_setting_free(struct townsend_setting *setting);

// Where the primary electron starts, in words: `cell` (evenly over the cell of a hole, just above the first
// foil), `drift` (the same and evenly over the height of the drift gap) or `X,Z` (at that place, µm from the
// centre of a hole).
int32_t townsend_setting_set_start(struct townsend_setting *setting,
                                   const char *start,
                                   struct townsend_error *error);

// The primary electron starts just above the first foil at this place, µm from the centre of a hole. Other
// than with a text nothing is allocated, so it may change with every electron.
int32_t townsend_setting_set_start_at(struct townsend_setting *setting,
                                      double x_um,
                                      double z_um,
                                      struct townsend_error *error);

// Not one electron starts but a charged track crosses the drift gap, as the detector describes it: all
// electrons that it frees are primary electrons of one avalanche.
int32_t townsend_setting_set_start_track(struct townsend_setting *setting, struct townsend_error *error);

// Sets a condition, such as `voltage_v`: one value for all stages, or one for each. Names and ranges are
// those of `townsend_model_condition`; whether the model can follow is told when it is used.
int32_t townsend_setting_set_condition(struct townsend_setting *setting,
                                       const char *name,
                                       const double *of_stages,
                                       size_t n,
                                       struct townsend_error *error);

// The grid of the reference data: 90 bins an axis, x and z from -1.5 to 1.5 mm, t from 130 to 220 ns. `dims`
// is 1 (x), 2 (x, z) or 3 (x, z, t). Free it with `townsend_grid_free`; NULL on errors.
struct townsend_grid *townsend_grid_standard(uint32_t dims, struct townsend_error *error);

// A grid of `dims` axes with equal bins: `bins[k]` of them between `low[k]` and `high[k]`. Free it with
// `townsend_grid_free`; NULL on errors.
struct townsend_grid *townsend_grid_new(uint32_t dims,
                                        const uint32_t *bins,
                                        const double *low,
                                        const double *high,
                                        struct townsend_error *error);

// Frees a grid; NULL is allowed.
void townsend_grid_free(struct townsend_grid *grid);

// Number of cells, those below and above the axes included: what a dense avalanche has values. 0 for NULL.
size_t townsend_grid_cells(const struct townsend_grid *grid);

// Opens a run directory, a model in a single file, exported weights, or a detector by its file or by the
// name of one that ships (`cgem`, `microscopic_275`). Close it with `townsend_model_close`; NULL on errors.
struct townsend_model *townsend_model_open(const char *path_or_name, struct townsend_error *error);

// Closes a model; NULL is allowed. Workspaces that were used with it, batches and readouts are still good.
void townsend_model_close(struct townsend_model *model);

// What the model is.
int32_t townsend_model_describe(const struct townsend_model *model,
                                struct townsend_description *description,
                                struct townsend_error *error);

// The same as JSON, with grid, conditions and what the model was trained on. Valid as long as the model;
// NULL if that is NULL.
const char *townsend_model_json(const struct townsend_model *model);

// An axis of the model's grid: 0 is x, 1 is z, 2 is t.
int32_t townsend_model_axis(const struct townsend_model *model,
                            uint32_t number,
                            struct townsend_axis *axis,
                            struct townsend_error *error);

// A condition that the model knows, from 0.
int32_t townsend_model_condition(const struct townsend_model *model,
                                 size_t number,
                                 struct townsend_condition *condition,
                                 struct townsend_error *error);

// Refuses a setting that the model cannot follow, and warns, such as of a voltage outside the range that its
// effect was learned from. Warnings, a line each and often none, go to `warnings`, which holds `capacity`
// bytes; `needed` is set to how many they need with the 0 at their end. Both may be NULL (with capacity 0).
int32_t townsend_model_check(const struct townsend_model *model,
                             const struct townsend_setting *setting,
                             char *warnings,
                             size_t capacity,
                             size_t *needed,
                             struct townsend_error *error);

// An empty workspace. Free it with `townsend_workspace_free`.
struct townsend_workspace *townsend_workspace_new(void);

// Frees a workspace and what was drawn into it; NULL is allowed.
void townsend_workspace_free(struct townsend_workspace *workspace);

// Draws the electrons of avalanche number `index` of a seed: always the same, byte for byte, whatever was
// drawn before and on whichever thread. The view points into the workspace and is valid until that is used
// again; on errors it is empty. A model that draws cells has no electrons: an error.
int32_t townsend_model_avalanche(const struct townsend_model *model,
                                 const struct townsend_setting *setting,
                                 uint64_t seed,
                                 uint64_t index,
                                 struct townsend_workspace *workspace,
                                 struct townsend_electrons *electrons,
                                 struct townsend_error *error);

// The same, copied into buffers of the caller that hold `capacity` electrons; `n` is set to how many the
// avalanche has. With more than `capacity` nothing is written (`TOWNSEND_ERROR_SIZE`): call again with
// buffers that are large enough, and the avalanche is the same.
int32_t townsend_model_avalanche_into(const struct townsend_model *model,
                                      const struct townsend_setting *setting,
                                      uint64_t seed,
                                      uint64_t index,
                                      struct townsend_workspace *workspace,
                                      float *x,
                                      float *z,
                                      float *t,
                                      size_t capacity,
                                      size_t *n,
                                      struct townsend_error *error);

// Draws avalanche number `index` of a seed as occupied cells: of the model's grid if it draws cells;
// electrons are counted on `grid`, which is NULL otherwise. The view points into the workspace and is valid
// until that is used again; on errors it is empty.
int32_t townsend_model_cells(const struct townsend_model *model,
                             const struct townsend_setting *setting,
                             uint64_t seed,
                             uint64_t index,
                             const struct townsend_grid *grid,
                             struct townsend_workspace *workspace,
                             struct townsend_cells *cells,
                             struct townsend_error *error);

// The same as one value for every cell of the grid, empty ones included, into a buffer of the caller that
// holds `capacity` values; `n` is set to how many cells there are. With fewer than those nothing is written
// (`TOWNSEND_ERROR_SIZE`).
int32_t townsend_model_dense(const struct townsend_model *model,
                             const struct townsend_setting *setting,
                             uint64_t seed,
                             uint64_t index,
                             const struct townsend_grid *grid,
                             struct townsend_workspace *workspace,
                             float *values,
                             size_t capacity,
                             size_t *n,
                             struct townsend_error *error);

// Draws the `n` avalanches of a seed from number `first` on, by so many threads of this call's own, which
// end with it (0: as many as the machine has): the same bytes as one by one, with any number of threads.
// What avalanches take of memory is 12 bytes an electron. Free the batch with `townsend_batch_free`; NULL on
// errors.
struct townsend_batch *townsend_model_generate(const struct townsend_model *model,
                                               const struct townsend_setting *setting,
                                               uint64_t seed,
                                               uint64_t first,
                                               uint64_t n,
                                               uint32_t threads,
                                               struct townsend_error *error);

// Frees a batch; NULL is allowed.
void townsend_batch_free(struct townsend_batch *batch);

// The electrons of a batch; an error if its model draws cells.
int32_t townsend_batch_electrons(const struct townsend_batch *batch,
                                 struct townsend_electron_set *electrons,
                                 struct townsend_error *error);

// The occupied cells of a batch; an error if its model draws electrons.
int32_t townsend_batch_cells(const struct townsend_batch *batch,
                             struct townsend_cell_set *cells,
                             struct townsend_error *error);

// The strips of a detector: of a file in TOML, or one that ships, by its name (`cgem`). Close it with
// `townsend_readout_close`; NULL on errors.
struct townsend_readout *townsend_readout_open(const char *detector, struct townsend_error *error);

// The strips of the detector that a model describes: of a cascade or of the Monte Carlo. Close it with
// `townsend_readout_close`; NULL on errors.
struct townsend_readout *townsend_readout_of_model(const struct townsend_model *model,
                                                   struct townsend_error *error);

// Closes a readout; NULL is allowed.
void townsend_readout_close(struct townsend_readout *readout);

// What the strips are.
int32_t townsend_readout_describe(const struct townsend_readout *readout,
                                  struct townsend_strips *strips,
                                  struct townsend_error *error);

// An event without electrons. Free it with `townsend_event_free`.
struct townsend_event *townsend_event_new(void);

// Frees an event and its hits; NULL is allowed.
void townsend_event_free(struct townsend_event *event);

// Removes all electrons and keeps the memory; NULL is allowed.
void townsend_event_clear(struct townsend_event *event);

// Adds electrons, moved by this much: of an avalanche that starts at x0, z0 (mm) at the time t0 (ns). The
// electrons may be those of a workspace or the caller's own; they are copied.
int32_t townsend_event_add(struct townsend_event *event,
                           const struct townsend_electrons *electrons,
                           double x0_mm,
                           double z0_mm,
                           double t0_ns,
                           struct townsend_error *error);

// The electrons of the event so far. The view is valid until the event is used again; empty for NULL.
struct townsend_electrons townsend_event_electrons(const struct townsend_event *event);

// What the strips record of the event: `n` hits by view and strip, a function of seed, number, place and
// electrons alone. The view is valid until the event is used again; on errors it is empty. `beside`, which
// may be NULL, is set to how many electrons came down beside all strips.
int32_t townsend_event_read(struct townsend_event *event,
                            const struct townsend_readout *readout,
                            uint64_t seed,
                            uint64_t number,
                            uint32_t place,
                            const struct townsend_hit **hits,
                            size_t *n,
                            uint64_t *beside,
                            struct townsend_error *error);

// The same, copied into a buffer of the caller that holds `capacity` hits; `n` is set to how many there are.
// With more than `capacity` nothing is written (`TOWNSEND_ERROR_SIZE`): call again with a buffer that is
// large enough, and the hits are the same.
int32_t townsend_event_read_into(struct townsend_event *event,
                                 const struct townsend_readout *readout,
                                 uint64_t seed,
                                 uint64_t number,
                                 uint32_t place,
                                 struct townsend_hit *hits,
                                 size_t capacity,
                                 size_t *n,
                                 uint64_t *beside,
                                 struct townsend_error *error);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* TOWNSEND_H */
