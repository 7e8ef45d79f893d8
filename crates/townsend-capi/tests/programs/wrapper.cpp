// Everything of townsend.hpp.
//
//   wrapper DETECTOR_WITH_CONDITIONS NETWORK

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <string>
#include <townsend/townsend.hpp>
#include <type_traits>
#include <utility>

#include "check.h"

namespace {

using namespace townsend;

static_assert(std::is_nothrow_move_constructible_v<Model> && !std::is_copy_constructible_v<Model>);
static_assert(std::is_nothrow_move_constructible_v<Workspace> && !std::is_copy_constructible_v<Workspace>);
static_assert(std::is_nothrow_move_constructible_v<Batch> && std::is_nothrow_move_constructible_v<Event>);
static_assert(std::is_base_of_v<std::runtime_error, Error>);

// Something must throw an error with this code that says this.
template <class Function>
void throws(int code, const char *says, Function function) {
  try {
    function();
  } catch (const Error &error) {
    if (error.code() == code && std::string(error.what()).find(says) != std::string::npos) return;
    std::fprintf(stderr, "%d: %s, and not %s\n", error.code(), error.what(), says);
    std::exit(1);
  }
  std::fprintf(stderr, "no error that says %s\n", says);
  std::exit(1);
}

void electrons() {
  CHECK(version().rfind("0.", 0) == 0);
  Model model("microscopic_275");
  CHECK(model.description().find("\"family\":\"detector\"") != std::string::npos);
  CHECK(std::string(model.describe().family) == "detector");
  Workspace workspace;
  const Electrons seventh = model.avalanche(1, 7, workspace);
  const std::vector<float> t(seventh.t.begin(), seventh.t.end());
  CHECK(!seventh.empty() && seventh.size() == t.size() && seventh.t.front() == t[0] && seventh.t.back() == t.back());
  CHECK(seventh.x[0] == *seventh.x.data());

  const Batch batch = model.generate(1, 0, 10, {}, 2);
  CHECK(batch.size() == 10 && batch.holds_electrons() && batch.offsets().size() == 11);
  CHECK(std::equal(t.begin(), t.end(), batch.electrons(7).t.begin(), batch.electrons(7).t.end()));
  CHECK(batch.electrons().size() == static_cast<std::size_t>(batch.offsets().back()));
  throws(TOWNSEND_ERROR_USAGE, "no number 10", [&] { batch.electrons(10); });
  throws(TOWNSEND_ERROR_USAGE, "not cells", [&] { batch.cells(0); });

  const Grid grid = Grid::standard(2);
  const Grid same = {{90, -1.5, 1.5}, {90, -1.5, 1.5}};
  CHECK(grid.cells() == 92 * 92 && same.cells() == grid.cells());
  const Cells cells = model.cells(same, 1, 7, workspace);
  CHECK(std::accumulate(cells.counts.begin(), cells.counts.end(), std::size_t{0}) == t.size());
  CHECK(cells.size() <= t.size() && !cells.empty());
  std::vector<float> dense;
  model.dense(grid, dense, 1, 7, workspace);
  CHECK(dense.size() == grid.cells() && std::accumulate(dense.begin(), dense.end(), 0.0) == double(t.size()));
  throws(TOWNSEND_ERROR_USAGE, "name a grid", [&] { model.cells(1, 7, workspace); });
  throws(TOWNSEND_ERROR_USAGE, "name a grid", [&] { model.dense(dense, 1, 7, workspace); });
  throws(TOWNSEND_ERROR_USAGE, "1, 2 or 3 axes", [] { Grid::standard(4); });
  throws(TOWNSEND_ERROR_USAGE, "1, 2 or 3 axes", [] { Grid{}; });

  // What was moved away is an error.
  Model moved = std::move(model);
  throws(TOWNSEND_ERROR_USAGE, "model is NULL", [&] { model.avalanche(1, 7, workspace); });
  throws(TOWNSEND_ERROR_USAGE, "model is NULL", [&] { model.description(); });
  Workspace other = std::move(workspace);
  throws(TOWNSEND_ERROR_USAGE, "workspace is NULL", [&] { moved.avalanche(1, 7, workspace); });
  CHECK(moved.avalanche(1, 7, other).size() == t.size());
}

void settings(const char *detector) {
  const Model model(detector);
  CHECK(model.describe().conditions == 1 && std::string(model.condition(0).name) == "voltage_v");
  throws(TOWNSEND_ERROR_USAGE, "no number 1", [&] { model.condition(1); });
  Workspace workspace;
  Setting setting;
  const auto as_in_training = model.avalanche(1, 7, workspace).size();
  CHECK(model.avalanche(1, 7, workspace, setting).size() == as_in_training);
  CHECK(model.check(setting.condition("voltage_v", 285)).empty());
  CHECK(model.avalanche(1, 7, workspace, setting).size() != as_in_training);
  CHECK(model.check(setting.condition("voltage_v", {275, 275, 292})).find("292") != std::string::npos);
  setting.start("drift").start_at(10, -20);
  throws(TOWNSEND_ERROR_USAGE, "is no start", [&] { setting.start("nowhere"); });
  throws(TOWNSEND_ERROR_USAGE, "volt", [&] { model.check(Setting().condition("volt", 1)); });
  throws(TOWNSEND_ERROR_USAGE, "track", [&] { model.check(Setting().start_track()); });
}

void cells(const char *network) {
  const Model model(network);
  CHECK(model.axis(0).bins == 8);
  Workspace workspace;
  const std::size_t n = model.cells(1, 3, workspace).size();
  std::vector<float> dense;
  model.dense(dense, 1, 3, workspace);
  CHECK(dense.size() == 100);
  CHECK(static_cast<std::size_t>(std::count_if(dense.begin(), dense.end(), [](float v) { return v > 0; })) == n);
  const Batch batch = model.generate(1, 0, 5);
  CHECK(!batch.holds_electrons() && batch.cells(3).size() == n && batch.cells().size() >= n);
  throws(TOWNSEND_ERROR_USAGE, "not electrons", [&] { batch.electrons(0); });
  throws(TOWNSEND_ERROR_USAGE, "not electrons", [&] { model.avalanche(1, 3, workspace); });
}

void strips() {
  const Model model("cgem");
  const Readout strips(model), named("cgem");
  CHECK(strips.describe().pitch_um == 650);
  Workspace workspace;
  Event event;
  for (std::uint64_t k = 0; k < 40; ++k) event.add(model.avalanche(1, k, workspace), 100, -50, 1000);
  CHECK(std::abs(event.electrons().x[0] - 100) < 3);
  const View<Hit> hits = event.read(strips, 1, 3);
  CHECK(!hits.empty() && hits[0].event == 3 && hits[0].time_ns > 1000 && event.beside() == 0);
  const std::vector<Hit> copy(hits.begin(), hits.end());
  const View<Hit> again = event.read(named, 1, 3, Place::AsGiven);
  CHECK(again.size() == copy.size() && std::memcmp(again.data(), copy.data(), copy.size() * sizeof(Hit)) == 0);
  event.read(named, 1, 3, Place::Evenly);
  event.clear();
  CHECK(event.read(strips, 1, 3).empty());
  const float one[] = {0};
  throws(TOWNSEND_ERROR_USAGE, "as long", [&] { event.add({{one, 1}, {}, {one, 1}}); });
  throws(TOWNSEND_ERROR_USAGE, "[readout]", [] { Readout("microscopic_275"); });
}

}  // namespace

int main(int, char **argv) {
  electrons();
  settings(argv[1]);
  cells(argv[2]);
  strips();
  throws(TOWNSEND_ERROR_FOUND, "/no/such/model", [] { Model("/no/such/model"); });
  return 0;
}
