// Every function of townsend.h, used as it should not be: errors, never a crash.
//
//   wrong DETECTOR_WITH_CONDITIONS NETWORK DAMAGED...

#include <math.h>
#include <townsend/townsend.h>

#include "check.h"

static townsend_error error;

#define USAGE TOWNSEND_ERROR_USAGE

// Messages fill what they are given and no more, and nobody needs to listen.
static void errors(void) {
  char long_name[5000];
  memset(long_name, 'a', sizeof long_name);
  long_name[sizeof long_name - 1] = 0;
  CHECK(townsend_model_open(long_name, &error) == NULL);
  CHECK(strlen(error.message) <= TOWNSEND_MESSAGE_SIZE - 1 && strlen(error.message) > 1000);
  CHECK(townsend_model_open(long_name, NULL) == NULL);
  CHECK(townsend_model_describe(NULL, NULL, NULL) == USAGE);
}

static void nulls(townsend_model *model) {
  townsend_workspace *workspace = townsend_workspace_new();
  townsend_setting *setting = townsend_setting_new();
  townsend_readout *readout = townsend_readout_open("cgem", &error);
  townsend_event *event = townsend_event_new();
  townsend_batch *batch = townsend_model_generate(model, NULL, 1, 0, 1, 1, &error);
  townsend_grid *grid = townsend_grid_standard(1, &error);
  townsend_electrons view = {0};
  townsend_cells cells;
  townsend_description about;
  townsend_axis axis;
  townsend_condition condition;
  townsend_electron_set electron_set;
  townsend_cell_set cell_set;
  townsend_strips strips;
  const townsend_hit *hits;
  townsend_hit hit;
  float values[92];
  size_t n;
  const uint32_t bins[] = {1};
  const double low[] = {0}, high[] = {1};

  townsend_model_close(NULL);
  townsend_setting_free(NULL);
  townsend_workspace_free(NULL);
  townsend_grid_free(NULL);
  townsend_batch_free(NULL);
  townsend_readout_close(NULL);
  townsend_event_free(NULL);
  townsend_event_clear(NULL);
  CHECK(townsend_event_electrons(NULL).n == 0);
  CHECK(townsend_model_json(NULL) == NULL);
  CHECK(townsend_grid_cells(NULL) == 0);

  FAILS_NULL(townsend_model_open(NULL, &error), USAGE, "path_or_name is NULL");
  FAILS(townsend_model_describe(NULL, &about, &error), USAGE, "model is NULL");
  CHECK(about.family[0] == 0);
  FAILS(townsend_model_describe(model, NULL, &error), USAGE, "description is NULL");
  FAILS(townsend_model_axis(NULL, 0, &axis, &error), USAGE, "model is NULL");
  FAILS(townsend_model_axis(model, 0, NULL, &error), USAGE, "axis is NULL");
  FAILS(townsend_model_condition(NULL, 0, &condition, &error), USAGE, "model is NULL");
  FAILS(townsend_model_condition(model, 0, NULL, &error), USAGE, "condition is NULL");
  FAILS(townsend_model_check(NULL, NULL, NULL, 0, NULL, &error), USAGE, "model is NULL");
  FAILS(townsend_model_check(model, NULL, NULL, 9, NULL, &error), USAGE, "warnings is NULL");
  FAILS(townsend_setting_set_start(NULL, "cell", &error), USAGE, "setting is NULL");
  FAILS(townsend_setting_set_start(setting, NULL, &error), USAGE, "start is NULL");
  FAILS(townsend_setting_set_start_at(NULL, 0, 0, &error), USAGE, "setting is NULL");
  FAILS(townsend_setting_set_start_track(NULL, &error), USAGE, "setting is NULL");
  FAILS(townsend_setting_set_condition(NULL, "v", low, 1, &error), USAGE, "setting is NULL");
  FAILS(townsend_setting_set_condition(setting, NULL, low, 1, &error), USAGE, "name is NULL");
  FAILS(townsend_setting_set_condition(setting, "v", NULL, 1, &error), USAGE, "of_stages is NULL");
  FAILS(townsend_model_avalanche(NULL, NULL, 1, 0, workspace, &view, &error), USAGE, "model is NULL");
  FAILS(townsend_model_avalanche(model, NULL, 1, 0, NULL, &view, &error), USAGE, "workspace is NULL");
  CHECK(view.n == 0);
  FAILS(townsend_model_avalanche(model, NULL, 1, 0, workspace, NULL, &error), USAGE, "electrons is NULL");
  FAILS(townsend_model_avalanche_into(NULL, NULL, 1, 0, workspace, values, values, values, 92, &n, &error), USAGE,
        "model is NULL");
  FAILS(townsend_model_avalanche_into(model, NULL, 1, 0, NULL, values, values, values, 92, &n, &error), USAGE,
        "workspace is NULL");
  FAILS(townsend_model_avalanche_into(model, NULL, 1, 0, workspace, values, NULL, values, 92, &n, &error), USAGE,
        "z is NULL");
  FAILS(townsend_model_avalanche_into(model, NULL, 1, 0, workspace, values, values, values, 92, NULL, &error), USAGE,
        "n is NULL");
  FAILS(townsend_model_cells(NULL, NULL, 1, 0, grid, workspace, &cells, &error), USAGE, "model is NULL");
  FAILS(townsend_model_cells(model, NULL, 1, 0, grid, NULL, &cells, &error), USAGE, "workspace is NULL");
  FAILS(townsend_model_cells(model, NULL, 1, 0, grid, workspace, NULL, &error), USAGE, "cells is NULL");
  FAILS(townsend_model_cells(model, NULL, 1, 0, NULL, workspace, &cells, &error), USAGE, "name a grid");
  CHECK(cells.n == 0);
  FAILS(townsend_model_dense(NULL, NULL, 1, 0, grid, workspace, values, 92, &n, &error), USAGE, "model is NULL");
  FAILS(townsend_model_dense(model, NULL, 1, 0, grid, NULL, values, 92, &n, &error), USAGE, "workspace is NULL");
  FAILS(townsend_model_dense(model, NULL, 1, 0, grid, workspace, NULL, 92, &n, &error), USAGE, "values is NULL");
  FAILS(townsend_model_dense(model, NULL, 1, 0, grid, workspace, values, 92, NULL, &error), USAGE, "n is NULL");
  FAILS_NULL(townsend_model_generate(NULL, NULL, 1, 0, 1, 1, &error), USAGE, "model is NULL");
  FAILS(townsend_batch_electrons(NULL, &electron_set, &error), USAGE, "batch is NULL");
  CHECK(electron_set.n == 0);
  FAILS(townsend_batch_electrons(batch, NULL, &error), USAGE, "electrons is NULL");
  FAILS(townsend_batch_cells(NULL, &cell_set, &error), USAGE, "batch is NULL");
  FAILS(townsend_batch_cells(batch, NULL, &error), USAGE, "cells is NULL");
  FAILS_NULL(townsend_grid_new(1, NULL, low, high, &error), USAGE, "bins is NULL");
  FAILS_NULL(townsend_grid_new(1, bins, NULL, high, &error), USAGE, "low is NULL");
  FAILS_NULL(townsend_grid_new(1, bins, low, NULL, &error), USAGE, "high is NULL");
  FAILS_NULL(townsend_readout_open(NULL, &error), USAGE, "detector is NULL");
  FAILS_NULL(townsend_readout_of_model(NULL, &error), USAGE, "model is NULL");
  FAILS(townsend_readout_describe(NULL, &strips, &error), USAGE, "readout is NULL");
  FAILS(townsend_readout_describe(readout, NULL, &error), USAGE, "strips is NULL");
  FAILS(townsend_event_add(NULL, &view, 0, 0, 0, &error), USAGE, "event is NULL");
  FAILS(townsend_event_add(event, NULL, 0, 0, 0, &error), USAGE, "electrons is NULL");
  FAILS(townsend_event_read(NULL, readout, 1, 0, 0, &hits, &n, NULL, &error), USAGE, "event is NULL");
  CHECK(hits == NULL && n == 0);
  FAILS(townsend_event_read(event, NULL, 1, 0, 0, &hits, &n, NULL, &error), USAGE, "readout is NULL");
  FAILS(townsend_event_read(event, readout, 1, 0, 0, NULL, &n, NULL, &error), USAGE, "hits is NULL");
  FAILS(townsend_event_read(event, readout, 1, 0, 0, &hits, NULL, NULL, &error), USAGE, "n is NULL");
  FAILS(townsend_event_read_into(NULL, readout, 1, 0, 0, &hit, 1, &n, NULL, &error), USAGE, "event is NULL");
  FAILS(townsend_event_read_into(event, NULL, 1, 0, 0, &hit, 1, &n, NULL, &error), USAGE, "readout is NULL");
  FAILS(townsend_event_read_into(event, readout, 1, 0, 0, NULL, 1, &n, NULL, &error), USAGE, "hits is NULL");
  FAILS(townsend_event_read_into(event, readout, 1, 0, 0, &hit, 1, NULL, NULL, &error), USAGE, "n is NULL");

  townsend_grid_free(grid);
  townsend_batch_free(batch);
  townsend_event_free(event);
  townsend_readout_close(readout);
  townsend_setting_free(setting);
  townsend_workspace_free(workspace);
}

static void arguments(townsend_model *model, const char *with_conditions, const char *network) {
  FAILS_NULL(townsend_model_open("", &error), USAGE, "path_or_name is empty");
  CHECK(townsend_model_open("no_such_model", &error) == NULL && strstr(error.message, "no_such_model") != NULL);
  CHECK(townsend_model_open("/dev/null", &error) == NULL && error.code != TOWNSEND_ERROR_DEFECT);
  CHECK(townsend_model_open("/", &error) == NULL && error.code == TOWNSEND_ERROR_FOUND);
  CHECK(townsend_model_open("a\xff\xfe", &error) == NULL);
  FAILS_NULL(townsend_readout_open("no_such_detector", &error), USAGE, "no_such_detector");
  FAILS_NULL(townsend_readout_open("microscopic_275", &error), USAGE, "[readout]");
  FAILS_NULL(townsend_readout_of_model(model, &error), USAGE, "[readout]");

  townsend_axis axis;
  townsend_condition condition;
  FAILS(townsend_model_axis(model, 0, &axis, &error), USAGE, "there are 0 axes, and no number 0");
  FAILS(townsend_model_condition(model, SIZE_MAX, &condition, &error), USAGE, "there are 1 conditions");

  townsend_setting *setting = townsend_setting_new();
  townsend_workspace *workspace = townsend_workspace_new();
  townsend_electrons view;
  const double values[] = {300, 300}, odd[] = {NAN}, wild[] = {1e9};
  FAILS(townsend_setting_set_start(setting, "nowhere", &error), USAGE, "`nowhere` is no start");
  FAILS(townsend_setting_set_start(setting, "\xff", &error), USAGE, "start is not UTF-8");
  FAILS(townsend_setting_set_start_at(setting, NAN, 0, &error), USAGE, "no place");
  FAILS(townsend_setting_set_condition(setting, "voltage_v", odd, 1, &error), USAGE, "finite");
  FAILS(townsend_setting_set_condition(setting, "voltage_v", odd, 0, &error), USAGE, "needs values");
  FAILS(townsend_setting_set_condition(setting, "voltage_v", odd, SIZE_MAX, &error), USAGE, "memory");
  DONE(townsend_setting_set_condition(setting, "voltage_v", values, 2, &error));
  FAILS(townsend_model_check(model, setting, NULL, 0, NULL, &error), USAGE, "voltage_v");
  FAILS(townsend_model_avalanche(model, setting, 1, 0, workspace, &view, &error), USAGE, "voltage_v");
  FAILS_NULL(townsend_model_generate(model, setting, 1, 0, 1, 1, &error), USAGE, "voltage_v");
  townsend_model *other = townsend_model_open(with_conditions, &error);
  CHECK(townsend_model_avalanche(other, setting, 1, 0, workspace, &view, &error) == USAGE);
  DONE(townsend_setting_set_condition(setting, "voltage_v", wild, 1, &error));
  CHECK(townsend_model_avalanche(other, setting, 1, 0, workspace, &view, &error) == USAGE);
  townsend_model_close(other);
  townsend_setting_free(setting);
  // A workspace is good after an error.
  DONE(townsend_model_avalanche(model, NULL, 1, 7, workspace, &view, &error));

  FAILS_NULL(townsend_model_generate(model, NULL, 1, UINT64_MAX, 2, 1, &error), USAGE, "above 2^64");
  FAILS_NULL(townsend_model_generate(model, NULL, 1, 0, 1, UINT32_MAX, &error), USAGE, "1 to 1024");

  const uint32_t bins[] = {10, 0, UINT32_MAX};
  const double low[] = {0, 0, 0}, high[] = {1, 1, NAN};
  FAILS_NULL(townsend_grid_standard(0, &error), USAGE, "1, 2 or 3 axes");
  FAILS_NULL(townsend_grid_standard(UINT32_MAX, &error), USAGE, "1, 2 or 3 axes");
  FAILS_NULL(townsend_grid_new(4, bins, low, high, &error), USAGE, "1, 2 or 3 axes");
  FAILS_NULL(townsend_grid_new(2, bins, low, high, &error), USAGE, "at least 1 bin");
  FAILS_NULL(townsend_grid_new(1, bins + 2, low, high, &error), USAGE, "got 4294967295");
  FAILS_NULL(townsend_grid_new(1, bins, low + 2, high + 2, &error), USAGE, "finite");

  townsend_model *cells = townsend_model_open(network, &error);
  townsend_grid *grid = townsend_grid_standard(2, &error);
  townsend_cells drawn;
  FAILS(townsend_model_cells(cells, NULL, 1, 0, grid, workspace, &drawn, &error), USAGE, "cannot be given on");
  FAILS_NULL(townsend_readout_of_model(cells, &error), USAGE, "describes no detector");
  FAILS(townsend_model_axis(cells, 2, &axis, &error), USAGE, "there are 2 axes, and no number 2");
  townsend_grid_free(grid);
  townsend_model_close(cells);

  townsend_readout *readout = townsend_readout_open("cgem", &error);
  townsend_event *event = townsend_event_new();
  const townsend_hit *hits;
  size_t n;
  FAILS(townsend_event_read(event, readout, 1, 0, 2, &hits, &n, NULL, &error), USAGE, "place is 2");
  DONE(townsend_model_avalanche(model, NULL, 1, 7, workspace, &view, &error));
  FAILS(townsend_event_add(event, &view, INFINITY, 0, 0, &error), USAGE, "no place and time");
  CHECK(townsend_event_electrons(event).n == 0);
  DONE(townsend_event_add(event, &view, 0, 0, 0, &error));
  townsend_electrons own = townsend_event_electrons(event);
  FAILS(townsend_event_add(event, &own, 0, 0, 0, &error), USAGE, "of the event itself");
  const float none[] = {NAN, INFINITY, -INFINITY};
  townsend_electrons strange = {none, none, none, 3};
  DONE(townsend_event_add(event, &strange, 0, 0, 0, &error));
  DONE(townsend_event_read(event, readout, 1, 0, 0, &hits, &n, NULL, &error));
  strange.n = SIZE_MAX;
  FAILS(townsend_event_add(event, &strange, 0, 0, 0, &error), USAGE, "2^32");
  strange.n = 1, strange.z = NULL;
  FAILS(townsend_event_add(event, &strange, 0, 0, 0, &error), USAGE, "electrons.z is NULL");
  townsend_event_free(event);
  townsend_readout_close(readout);
  townsend_workspace_free(workspace);
}

// A damaged file is refused in words, or does what it says now; both without a crash.
static void damaged(const char *path) {
  townsend_model *model = townsend_model_open(path, &error);
  if (model == NULL) {
    CHECK(error.code == TOWNSEND_ERROR_FOUND || error.code == USAGE);
    CHECK(strlen(error.message) > 10);
    return;
  }
  townsend_workspace *workspace = townsend_workspace_new();
  townsend_cells cells;
  const int32_t code = townsend_model_cells(model, NULL, 1, 0, NULL, workspace, &cells, &error);
  CHECK(code != TOWNSEND_ERROR_DEFECT);
  townsend_workspace_free(workspace);
  townsend_model_close(model);
}

int main(int argc, char **argv) {
  CHECK(argc >= 3);
  townsend_model *model = townsend_model_open("microscopic_275", &error);
  CHECK(model != NULL);
  errors();
  nulls(model);
  arguments(model, argv[1], argv[2]);
  townsend_model_close(model);
  for (int k = 3; k < argc; ++k) damaged(argv[k]);
  return 0;
}
