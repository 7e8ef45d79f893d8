// Every function of townsend.h, used as it should be.
//
//   functions DETECTOR_WITH_CONDITIONS NETWORK

#include <dirent.h>
#include <math.h>
#include <time.h>

#include <townsend/townsend.h>

#include "check.h"

static townsend_error error;

// Whether this thread is alone. One that was told to end may be there for a moment.
static int alone(void) {
  for (int tries = 0; tries < 1000; ++tries) {
    DIR *tasks = opendir("/proc/self/task");
    CHECK(tasks != NULL);
    int threads = 0;
    for (struct dirent *entry; (entry = readdir(tasks)) != NULL;) threads += entry->d_name[0] != '.';
    closedir(tasks);
    if (threads == 1) return 1;
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  }
  return 0;
}

static townsend_model *opened(const char *name) {
  townsend_model *model = townsend_model_open(name, &error);
  if (model == NULL) fprintf(stderr, "%s\n", error.message);
  CHECK(model != NULL && error.code == TOWNSEND_OK);
  return model;
}

static void electrons(void) {
  townsend_model *model = opened("microscopic_275");
  townsend_description about;
  DONE(townsend_model_describe(model, &about, &error));
  CHECK(strcmp(about.family, "detector") == 0 && strlen(about.source) > 0);
  CHECK(strcmp(about.units[0], "mm") == 0 && strcmp(about.units[2], "ns") == 0);
  CHECK(about.draws_electrons == 1 && about.starts == 1 && about.dims == 0 && about.cells == 0);
  CHECK(about.conditions == 1);
  CHECK(strstr(townsend_model_json(model), "\"family\":\"detector\"") != NULL);

  townsend_workspace *workspace = townsend_workspace_new();
  townsend_electrons view;
  size_t largest = 0, total = 0;
  for (uint64_t index = 0; index < 30; ++index) {
    DONE(townsend_model_avalanche(model, NULL, 1, index, workspace, &view, &error));
    for (size_t i = 0; i < view.n; ++i)
      CHECK(isfinite(view.x[i]) && isfinite(view.z[i]) && view.t[i] > 0);
    if (view.n > largest) largest = view.n;
    total += view.n;
  }
  CHECK(largest > 100);

  // Into the caller's buffers: too small, then just large enough.
  DONE(townsend_model_avalanche(model, NULL, 1, 7, workspace, &view, &error));
  size_t n = view.n;
  CHECK(n > 0);
  float *copy = malloc(3 * n * sizeof(float));
  memcpy(copy, view.x, n * sizeof(float));
  float *x = calloc(3 * n, sizeof(float)), *z = x + n, *t = z + n;
  size_t needed = 0;
  FAILS(townsend_model_avalanche_into(model, NULL, 1, 7, workspace, x, z, t, n - 1, &needed, &error),
        TOWNSEND_ERROR_SIZE, "are needed");
  CHECK(needed == n && x[0] == 0 && z[0] == 0 && t[0] == 0);
  FAILS(townsend_model_avalanche_into(model, NULL, 1, 7, workspace, NULL, NULL, NULL, 0, &needed, &error),
        TOWNSEND_ERROR_SIZE, "are needed");
  CHECK(needed == n);
  DONE(townsend_model_avalanche_into(model, NULL, 1, 7, workspace, x, z, t, n, &needed, &error));
  CHECK(needed == n && memcmp(copy, x, n * sizeof(float)) == 0);
  free(copy);

  // Counted on grids.
  townsend_grid *grid = townsend_grid_standard(3, &error);
  CHECK(townsend_grid_cells(grid) == 92 * 92 * 92);
  const uint32_t bins[] = {90, 90, 90};
  const double low[] = {-1.5, -1.5, 130}, high[] = {1.5, 1.5, 220};
  townsend_grid *same = townsend_grid_new(3, bins, low, high, &error);
  CHECK(townsend_grid_cells(same) == townsend_grid_cells(grid));
  townsend_cells cells;
  DONE(townsend_model_cells(model, NULL, 1, 7, same, workspace, &cells, &error));
  size_t sum = 0;
  for (size_t i = 0; i < cells.n; ++i) {
    CHECK(cells.counts[i] > 0 && (i == 0 || cells.cells[i] > cells.cells[i - 1]));
    sum += cells.counts[i];
  }
  CHECK(sum == n);
  float *dense = malloc(92 * 92 * 92 * sizeof(float));
  DONE(townsend_model_dense(model, NULL, 1, 7, grid, workspace, dense, 92 * 92 * 92, &needed, &error));
  CHECK(needed == 92 * 92 * 92);
  double dense_sum = 0;
  for (size_t i = 0; i < needed; ++i) dense_sum += (double)dense[i];
  CHECK(dense_sum == (double)n);
  DONE(townsend_model_cells(model, NULL, 1, 7, grid, workspace, &cells, &error));
  for (size_t i = 0; i < cells.n; ++i) CHECK(dense[cells.cells[i]] == (float)cells.counts[i]);
  FAILS(townsend_model_dense(model, NULL, 1, 7, grid, workspace, dense, 92, &needed, &error),
        TOWNSEND_ERROR_SIZE, "the buffer holds 92 cells, and 778688 are needed");
  CHECK(needed == 92 * 92 * 92);
  free(dense);
  townsend_grid_free(same);
  townsend_grid_free(grid);

  // No call for one avalanche starts threads.
  CHECK(alone());

  // A batch is the same as one by one, and its threads end with it.
  townsend_batch *batch = townsend_model_generate(model, NULL, 1, 0, 30, 3, &error);
  CHECK(batch != NULL && error.code == TOWNSEND_OK);
  townsend_electron_set set;
  DONE(townsend_batch_electrons(batch, &set, &error));
  CHECK(set.n == 30 && set.offsets[0] == 0 && set.offsets[30] == (int64_t)total);
  CHECK((size_t)(set.offsets[8] - set.offsets[7]) == n);
  CHECK(memcmp(set.x + set.offsets[7], x, n * sizeof(float)) == 0);
  CHECK(memcmp(set.z + set.offsets[7], z, n * sizeof(float)) == 0);
  CHECK(memcmp(set.t + set.offsets[7], t, n * sizeof(float)) == 0);
  townsend_cell_set of_cells;
  FAILS(townsend_batch_cells(batch, &of_cells, &error), TOWNSEND_ERROR_USAGE, "holds electrons");
  CHECK(of_cells.n == 0 && of_cells.offsets == NULL);
  townsend_batch *empty = townsend_model_generate(model, NULL, 1, 5, 0, 1, &error);
  DONE(townsend_batch_electrons(empty, &set, &error));
  CHECK(set.n == 0 && set.offsets[0] == 0);
  townsend_batch_free(empty);

  // The model may be closed before its workspace and its batch are.
  townsend_model_close(model);
  DONE(townsend_batch_electrons(batch, &set, &error));
  CHECK(set.x[set.offsets[7]] == x[0]);
  townsend_batch_free(batch);
  townsend_workspace_free(workspace);
  free(x);
}

static void settings(const char *detector) {
  townsend_model *model = opened(detector);
  townsend_description about;
  DONE(townsend_model_describe(model, &about, &error));
  CHECK(about.conditions == 1);
  townsend_condition condition;
  DONE(townsend_model_condition(model, 0, &condition, &error));
  CHECK(strcmp(condition.name, "voltage_v") == 0 && condition.stages == 3);
  for (int stage = 0; stage < 3; ++stage) {
    CHECK(condition.values[stage] == 275);
    CHECK(condition.ranges[2 * stage] == 260 && condition.ranges[2 * stage + 1] == 290);
  }

  townsend_setting *setting = townsend_setting_new();
  townsend_workspace *workspace = townsend_workspace_new();
  townsend_electrons view;
  DONE(townsend_model_avalanche(model, NULL, 1, 7, workspace, &view, &error));
  size_t as_in_training = view.n;
  DONE(townsend_model_avalanche(model, setting, 1, 7, workspace, &view, &error));
  CHECK(view.n == as_in_training);

  const double one[] = {285}, each[] = {275, 275, 285};
  DONE(townsend_setting_set_condition(setting, "voltage_v", one, 1, &error));
  DONE(townsend_model_check(model, setting, NULL, 0, NULL, &error));
  size_t needed = 0;
  DONE(townsend_model_check(model, setting, NULL, 0, &needed, &error));
  CHECK(needed == 1);
  DONE(townsend_model_avalanche(model, setting, 1, 7, workspace, &view, &error));
  CHECK(view.n != as_in_training);
  DONE(townsend_setting_set_condition(setting, "voltage_v", each, 3, &error));
  DONE(townsend_model_avalanche(model, setting, 1, 7, workspace, &view, &error));

  // Outside of what was learned from: a warning.
  const double outside[] = {292};
  DONE(townsend_setting_set_condition(setting, "voltage_v", outside, 1, &error));
  DONE(townsend_model_check(model, setting, NULL, 0, &needed, &error));
  CHECK(needed > 20);
  char *warnings = malloc(needed);
  FAILS(townsend_model_check(model, setting, warnings, needed - 1, NULL, &error), TOWNSEND_ERROR_SIZE, "bytes");
  DONE(townsend_model_check(model, setting, warnings, needed, NULL, &error));
  CHECK(strlen(warnings) == needed - 1 && strstr(warnings, "292") != NULL);
  free(warnings);

  DONE(townsend_setting_set_start(setting, "drift", &error));
  DONE(townsend_model_avalanche(model, setting, 1, 7, workspace, &view, &error));
  DONE(townsend_setting_set_start(setting, "10,-20", &error));
  DONE(townsend_model_avalanche(model, setting, 1, 7, workspace, &view, &error));
  size_t at_place = view.n;
  DONE(townsend_setting_set_start_at(setting, 10, -20, &error));
  DONE(townsend_model_avalanche(model, setting, 1, 7, workspace, &view, &error));
  CHECK(view.n == at_place);
  townsend_setting_free(setting);

  townsend_model *cgem = opened("cgem");
  townsend_setting *track = townsend_setting_new();
  DONE(townsend_setting_set_start_track(track, &error));
  DONE(townsend_model_avalanche(cgem, track, 1, 7, workspace, &view, &error));
  CHECK(view.n > 1000);
  townsend_setting_free(track);
  townsend_model_close(cgem);
  townsend_workspace_free(workspace);
  townsend_model_close(model);
}

static void cells(const char *network) {
  townsend_model *model = opened(network);
  townsend_description about;
  DONE(townsend_model_describe(model, &about, &error));
  CHECK(strcmp(about.family, "vae") == 0 && about.draws_electrons == 0 && about.starts == 0);
  CHECK(about.dims == 2 && about.shape[0] == 10 && about.shape[1] == 10 && about.shape[2] == 1);
  CHECK(about.cells == 100);
  townsend_axis axis;
  DONE(townsend_model_axis(model, 1, &axis, &error));
  CHECK(axis.bins == 8 && axis.edges[0] == -1.5 && axis.edges[8] == 1.5 && axis.label != NULL);

  townsend_workspace *workspace = townsend_workspace_new();
  townsend_cells drawn;
  float dense[100];
  size_t n;
  for (uint64_t index = 0; index < 20; ++index) {
    DONE(townsend_model_cells(model, NULL, 1, index, NULL, workspace, &drawn, &error));
    for (size_t i = 0; i < drawn.n; ++i) CHECK(drawn.cells[i] < 100 && drawn.counts[i] > 0);
  }
  size_t last = drawn.n;
  DONE(townsend_model_dense(model, NULL, 1, 19, NULL, workspace, dense, 100, &n, &error));
  size_t occupied = 0;
  for (size_t i = 0; i < n; ++i) occupied += dense[i] > 0;
  CHECK(n == 100 && occupied == last);
  CHECK(alone());

  townsend_batch *batch = townsend_model_generate(model, NULL, 1, 0, 20, 0, &error);
  townsend_cell_set set;
  DONE(townsend_batch_cells(batch, &set, &error));
  CHECK(set.n == 20 && (size_t)(set.offsets[20] - set.offsets[19]) == last);
  for (int64_t i = set.offsets[19]; i < set.offsets[20]; ++i) CHECK(dense[set.cells[i]] == (float)set.counts[i]);
  townsend_electron_set of_electrons;
  FAILS(townsend_batch_electrons(batch, &of_electrons, &error), TOWNSEND_ERROR_USAGE, "holds cells");
  townsend_batch_free(batch);

  townsend_electrons view;
  FAILS(townsend_model_avalanche(model, NULL, 1, 0, workspace, &view, &error), TOWNSEND_ERROR_USAGE, "cells");
  CHECK(view.n == 0 && view.x == NULL);
  townsend_workspace_free(workspace);
  townsend_model_close(model);
}

static void strips(void) {
  townsend_model *model = opened("cgem");
  townsend_readout *readout = townsend_readout_open("cgem", &error);
  townsend_readout *of_model = townsend_readout_of_model(model, &error);
  CHECK(readout != NULL && of_model != NULL);
  townsend_strips about;
  DONE(townsend_readout_describe(of_model, &about, &error));
  CHECK(about.strips[0] == 856 && about.strips[1] == 1173 && about.pitch_um == 650);

  townsend_workspace *workspace = townsend_workspace_new();
  townsend_event *event = townsend_event_new();
  townsend_electrons view;
  size_t total = 0;
  for (uint64_t index = 0; index < 40; ++index) {
    DONE(townsend_model_avalanche(model, NULL, 1, index, workspace, &view, &error));
    DONE(townsend_event_add(event, &view, 100, -50, 1000, &error));
    total += view.n;
  }
  townsend_electrons all = townsend_event_electrons(event);
  CHECK(all.n == total);
  double mean = 0;
  for (size_t i = 0; i < all.n; ++i) mean += (double)all.x[i] / (double)all.n;
  CHECK(fabs(mean - 100) < 2);

  const townsend_hit *hits;
  size_t n, copied;
  uint64_t beside = 7;
  DONE(townsend_event_read(event, readout, 1, 3, TOWNSEND_PLACE_AS_GIVEN, &hits, &n, &beside, &error));
  CHECK(n > 2 && beside == 0);
  for (size_t i = 0; i < n; ++i) {
    CHECK(hits[i].event == 3 && hits[i].view < 2 && hits[i].charge_fc >= 3 && hits[i].time_ns > 1000);
    if (hits[i].view == 0) CHECK(abs((int)hits[i].strip - (856 / 2 + (int)(mean / 0.65))) < 10);
  }
  townsend_hit *copy = malloc(n * sizeof(townsend_hit));
  FAILS(townsend_event_read_into(event, readout, 1, 3, TOWNSEND_PLACE_AS_GIVEN, copy, n - 1, &copied, NULL, &error),
        TOWNSEND_ERROR_SIZE, "are needed");
  CHECK(copied == n);
  DONE(townsend_event_read_into(event, of_model, 1, 3, TOWNSEND_PLACE_AS_GIVEN, copy, n, &copied, NULL, &error));
  DONE(townsend_event_read(event, readout, 1, 3, TOWNSEND_PLACE_AS_GIVEN, &hits, &n, NULL, &error));
  CHECK(copied == n && memcmp(copy, hits, n * sizeof(townsend_hit)) == 0);
  free(copy);
  DONE(townsend_event_read(event, readout, 1, 3, TOWNSEND_PLACE_EVENLY, &hits, &n, &beside, &error));

  townsend_event_clear(event);
  CHECK(townsend_event_electrons(event).n == 0);
  DONE(townsend_event_read(event, readout, 1, 3, TOWNSEND_PLACE_AS_GIVEN, &hits, &n, NULL, &error));
  CHECK(n == 0);
  // Electrons of the caller's own, all beside the strips.
  const float far[] = {1e6f, 1e6f};
  const townsend_electrons own = {far, far, far, 2};
  DONE(townsend_event_add(event, &own, 0, 0, 0, &error));
  DONE(townsend_event_read(event, readout, 1, 3, TOWNSEND_PLACE_AS_GIVEN, &hits, &n, &beside, &error));
  CHECK(n == 0 && beside == 2);
  townsend_event_free(event);
  townsend_workspace_free(workspace);
  townsend_model_close(model);
  townsend_readout_close(of_model);
  townsend_readout_close(readout);
}

int main(int argc, char **argv) {
  CHECK(argc == 3);
  CHECK(townsend_abi_version() == TOWNSEND_ABI_VERSION);
  CHECK(strncmp(townsend_version(), "0.", 2) == 0);
  electrons();
  settings(argv[1]);
  cells(argv[2]);
  strips();
  CHECK(alone());
  return 0;
}
