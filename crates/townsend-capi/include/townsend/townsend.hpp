// Electron avalanches from C++17: townsend.h with destructors, exceptions and views. Header-only; link with
// libtownsend.
//
//   #include <townsend/townsend.hpp>
//
//   townsend::Model model("microscopic_275");
//   townsend::Workspace workspace;
//   for (float t : model.avalanche(1, 7, workspace).t) std::printf("%g ns\n", t);
//
// A Model, a Readout, a Grid and a Batch never change: any number of threads may use one at once, and a Setting
// that is not changed meanwhile. A Workspace and an Event serve one thread each. Views point into the object that they were drawn into and are valid
// until that is used again, moved or destroyed.

#ifndef TOWNSEND_HPP
#define TOWNSEND_HPP

#include <townsend/townsend.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace townsend {

/// What went wrong, in words; often with what to do.
class Error : public std::runtime_error {
 public:
  Error(int code, const std::string &what) : std::runtime_error(what), code_(code) {}

  /// One of the TOWNSEND_ERROR_s: FOUND, USAGE, SIZE, DEFECT.
  int code() const noexcept { return code_; }

 private:
  int code_;
};

/// Values that lie one behind the other in memory of somebody else, as std::span of C++20.
template <class T>
class View {
 public:
  using value_type = T;
  using const_iterator = const T *;

  constexpr View() noexcept = default;
  constexpr View(const T *data, std::size_t size) noexcept : data_(data), size_(size) {}

  constexpr const T *data() const noexcept { return data_; }
  constexpr std::size_t size() const noexcept { return size_; }
  constexpr bool empty() const noexcept { return size_ == 0; }
  constexpr const T *begin() const noexcept { return data_; }
  constexpr const T *end() const noexcept { return data_ + size_; }
  constexpr const T &operator[](std::size_t i) const noexcept { return data_[i]; }
  constexpr const T &front() const noexcept { return data_[0]; }
  constexpr const T &back() const noexcept { return data_[size_ - 1]; }

 private:
  const T *data_ = nullptr;
  std::size_t size_ = 0;
};

/// The electrons of an avalanche: three views of the same length.
struct Electrons {
  /// Transverse positions, along the direction of the Lorentz drift and along the magnetic field, mm.
  View<float> x, z;
  /// Times of arrival, ns.
  View<float> t;

  std::size_t size() const noexcept { return x.size(); }
  bool empty() const noexcept { return x.empty(); }
};

/// The occupied cells of an avalanche, by increasing number, and the electrons in each (never 0).
struct Cells {
  View<std::uint32_t> cells, counts;

  std::size_t size() const noexcept { return cells.size(); }
  bool empty() const noexcept { return cells.empty(); }
};

/// What one strip recorded of one event: event, layer, sheet, view (0 is X, 1 is V), strip, charge_fc, time_ns.
using Hit = townsend_hit;

/// What the strips of a detector are: numbers, pitch, angle, length, threshold.
using Strips = townsend_strips;

/// Where electrons are when strips read them.
enum class Place : std::uint32_t {
  /// Where they were given, mm from the centre of the sheet.
  AsGiven = TOWNSEND_PLACE_AS_GIVEN,
  /// Anywhere: the event is placed at random over the rectangle that the detector names.
  Evenly = TOWNSEND_PLACE_EVENLY,
};

/// Version, commit and features of the library.
inline std::string version() { return townsend_version(); }

namespace detail {

/// Calls a function of C with an error, and throws what it says.
template <class Function>
auto checked(Function function) {
  townsend_error error;
  error.code = TOWNSEND_OK;
  auto result = function(&error);
  if (error.code != TOWNSEND_OK) throw Error(error.code, error.message);
  return result;
}

/// Frees what C's functions made.
template <class T, void (*Free)(T *)>
struct Deleter {
  void operator()(T *pointer) const noexcept { Free(pointer); }
};

template <class T, void (*Free)(T *)>
using Owned = std::unique_ptr<T, Deleter<T, Free>>;

inline Electrons electrons(const townsend_electrons &of) noexcept {
  return {{of.x, of.n}, {of.z, of.n}, {of.t, of.n}};
}

inline townsend_electrons electrons(const Electrons &of) {
  if (of.x.size() != of.z.size() || of.x.size() != of.t.size())
    throw Error(TOWNSEND_ERROR_USAGE, "x, z and t of an avalanche must be as long");
  return {of.x.data(), of.z.data(), of.t.data(), of.x.size()};
}

}  // namespace detail

/// Where the primary electron starts, and values of conditions. One that was not touched is as in training and
/// costs nothing.
class Setting {
 public:
  Setting() noexcept = default;

  /// `cell`, `drift` or `X,Z` in µm from the centre of a hole: see townsend_setting_set_start.
  Setting &start(const std::string &where) {
    detail::checked([&](auto *error) { return townsend_setting_set_start(made(), where.c_str(), error); });
    return *this;
  }

  /// At this place just above the first foil, µm from the centre of a hole.
  Setting &start_at(double x_um, double z_um) {
    detail::checked([&](auto *error) { return townsend_setting_set_start_at(made(), x_um, z_um, error); });
    return *this;
  }

  /// A charged track crosses the drift gap.
  Setting &start_track() {
    detail::checked([&](auto *error) { return townsend_setting_set_start_track(made(), error); });
    return *this;
  }

  /// A condition, such as voltage_v: one value for all stages, or one for each.
  Setting &condition(const std::string &name, const std::vector<double> &values) {
    detail::checked([&](auto *error) {
      return townsend_setting_set_condition(made(), name.c_str(), values.data(), values.size(), error);
    });
    return *this;
  }
  Setting &condition(const std::string &name, double value) {
    return condition(name, std::vector<double>{value});
  }

  const townsend_setting *get() const noexcept { return setting_.get(); }

 private:
  townsend_setting *made() {
    if (!setting_) setting_.reset(townsend_setting_new());
    return setting_.get();
  }

  detail::Owned<townsend_setting, townsend_setting_free> setting_;
};

/// Memory for one avalanche, used again for the next. One serves one thread.
class Workspace {
 public:
  Workspace() : workspace_(townsend_workspace_new()) {}

  townsend_workspace *get() const noexcept { return workspace_.get(); }

 private:
  detail::Owned<townsend_workspace, townsend_workspace_free> workspace_;
};

/// A grid to count electrons on, over x (mm), z (mm) and t (ns), or the first one or two of these.
class Grid {
 public:
  /// `bins` equal bins from `low` to `high`; below and above lies one bin more each.
  struct Axis {
    std::uint32_t bins;
    double low, high;
  };

  Grid(std::initializer_list<Axis> axes) {
    std::vector<std::uint32_t> bins;
    std::vector<double> low, high;
    for (const Axis &axis : axes) {
      bins.push_back(axis.bins);
      low.push_back(axis.low);
      high.push_back(axis.high);
    }
    grid_.reset(detail::checked([&](auto *error) {
      const auto dims = static_cast<std::uint32_t>(axes.size());
      return townsend_grid_new(dims, bins.data(), low.data(), high.data(), error);
    }));
  }

  /// That of the reference data, of 1, 2 or 3 axes: 90 bins an axis, x and z from -1.5 to 1.5 mm, t from 130 to
  /// 220 ns.
  static Grid standard(unsigned dims) {
    return Grid(detail::checked([&](auto *error) { return townsend_grid_standard(dims, error); }));
  }

  /// Number of cells, those below and above the axes included.
  std::size_t cells() const noexcept { return townsend_grid_cells(grid_.get()); }

  const townsend_grid *get() const noexcept { return grid_.get(); }

 private:
  explicit Grid(townsend_grid *grid) : grid_(grid) {}

  detail::Owned<townsend_grid, townsend_grid_free> grid_;
};

/// Avalanches in memory, in the order of their numbers.
class Batch {
 public:
  /// Number of avalanches.
  std::size_t size() const noexcept { return electrons_.n + cells_.n; }
  /// True if it holds electrons, false if it holds cells.
  bool holds_electrons() const noexcept { return electrons_.offsets != nullptr; }

  /// Where each avalanche begins among all electrons or cells, and the end of the last: size() + 1 numbers.
  View<std::int64_t> offsets() const noexcept {
    return {holds_electrons() ? electrons_.offsets : cells_.offsets, size() + 1};
  }
  /// The electrons of all avalanches.
  Electrons electrons() const { return electrons(0, size()); }
  /// The electrons of avalanche number k of the batch, from 0.
  Electrons electrons(std::size_t k) const { return electrons(k, k + 1); }
  /// The occupied cells of all avalanches.
  Cells cells() const { return cells(0, size()); }
  /// Those of avalanche number k of the batch, from 0.
  Cells cells(std::size_t k) const { return cells(k, k + 1); }

 private:
  friend class Model;

  explicit Batch(townsend_batch *batch) : batch_(batch) {
    if (townsend_batch_electrons(batch, &electrons_, nullptr) == TOWNSEND_OK) return;
    detail::checked([&](auto *error) { return townsend_batch_cells(batch, &cells_, error); });
  }

  /// Where the avalanches from `first` up to `end` begin, and how much of something there is in them.
  std::pair<std::size_t, std::size_t> range(std::size_t first, std::size_t end) const {
    if (end > size() || first > end)
      throw Error(TOWNSEND_ERROR_USAGE, "there are " + std::to_string(size()) + " avalanches, and no number " +
                                            std::to_string(first));
    const auto begin = static_cast<std::size_t>(offsets()[first]);
    return {begin, static_cast<std::size_t>(offsets()[end]) - begin};
  }

  Electrons electrons(std::size_t first, std::size_t end) const {
    if (!holds_electrons())
      throw Error(TOWNSEND_ERROR_USAGE, "the batch holds cells of a grid, not electrons");
    const auto [begin, n] = range(first, end);
    return {{electrons_.x + begin, n}, {electrons_.z + begin, n}, {electrons_.t + begin, n}};
  }

  Cells cells(std::size_t first, std::size_t end) const {
    if (holds_electrons()) throw Error(TOWNSEND_ERROR_USAGE, "the batch holds electrons, not cells of a grid");
    const auto [begin, n] = range(first, end);
    return {{cells_.cells + begin, n}, {cells_.counts + begin, n}};
  }

  detail::Owned<townsend_batch, townsend_batch_free> batch_;
  townsend_electron_set electrons_ = {};
  townsend_cell_set cells_ = {};
};

/// Something that avalanches can be drawn from: a trained model of any kind, or a detector of the Monte Carlo.
class Model {
 public:
  /// A run directory, a model in a single file, exported weights, or a detector by its file or by the name of one
  /// that ships (`cgem`, `microscopic_275`).
  explicit Model(const std::string &path_or_name)
      : model_(detail::checked(
            [&](auto *error) { return townsend_model_open(path_or_name.c_str(), error); })) {}

  /// What it is: family, units, grid, conditions with values and ranges, what it was trained on. JSON.
  std::string description() const {
    const char *json = townsend_model_json(model_.get());
    if (json == nullptr) throw Error(TOWNSEND_ERROR_USAGE, "model is NULL");
    return json;
  }

  /// The same as fields; its texts are valid as long as the model.
  townsend_description describe() const {
    townsend_description description;
    detail::checked([&](auto *error) { return townsend_model_describe(model_.get(), &description, error); });
    return description;
  }

  /// An axis of its grid: 0 is x, 1 is z, 2 is t. Valid as long as the model.
  townsend_axis axis(unsigned number) const {
    townsend_axis axis;
    detail::checked([&](auto *error) { return townsend_model_axis(model_.get(), number, &axis, error); });
    return axis;
  }

  /// A condition that it knows, from 0; describe() says how many there are. Valid as long as the model.
  townsend_condition condition(std::size_t number) const {
    townsend_condition condition;
    detail::checked(
        [&](auto *error) { return townsend_model_condition(model_.get(), number, &condition, error); });
    return condition;
  }

  /// Throws if the model cannot follow a setting; returns warnings, a line each, as a rule none.
  std::string check(const Setting &setting) const {
    std::size_t needed = 0;
    detail::checked([&](auto *error) {
      return townsend_model_check(model_.get(), setting.get(), nullptr, 0, &needed, error);
    });
    std::string warnings(needed, '\0');
    detail::checked([&](auto *error) {
      return townsend_model_check(model_.get(), setting.get(), warnings.data(), needed, nullptr, error);
    });
    warnings.pop_back();
    return warnings;
  }

  /// The electrons of avalanche number `index` of a seed: always the same. Valid until the workspace is used again.
  Electrons avalanche(std::uint64_t seed, std::uint64_t index, Workspace &workspace,
                      const Setting &setting = {}) const {
    townsend_electrons drawn;
    detail::checked([&](auto *error) {
      return townsend_model_avalanche(model_.get(), setting.get(), seed, index, workspace.get(), &drawn, error);
    });
    return detail::electrons(drawn);
  }

  /// The occupied cells of avalanche number `index` of a seed, for a model that draws cells.
  Cells cells(std::uint64_t seed, std::uint64_t index, Workspace &workspace, const Setting &setting = {}) const {
    return cells_on(nullptr, seed, index, workspace, setting);
  }
  /// The same for a model that draws electrons, counted on a grid.
  Cells cells(const Grid &grid, std::uint64_t seed, std::uint64_t index, Workspace &workspace,
              const Setting &setting = {}) const {
    return cells_on(grid.get(), seed, index, workspace, setting);
  }

  /// A value for every cell of the model's grid, empty ones included, into `values`, which is made as long.
  void dense(std::vector<float> &values, std::uint64_t seed, std::uint64_t index, Workspace &workspace,
             const Setting &setting = {}) const {
    values.resize(describe().cells);
    dense_on(nullptr, values, seed, index, workspace, setting);
  }
  /// The same for a model that draws electrons, counted on a grid.
  void dense(const Grid &grid, std::vector<float> &values, std::uint64_t seed, std::uint64_t index,
             Workspace &workspace, const Setting &setting = {}) const {
    values.resize(grid.cells());
    dense_on(grid.get(), values, seed, index, workspace, setting);
  }

  /// `n` avalanches of a seed from number `first` on, drawn by several threads (0: as many as the machine has),
  /// which end with the call: the same as one by one.
  Batch generate(std::uint64_t seed, std::uint64_t first, std::uint64_t n, const Setting &setting = {},
                 unsigned threads = 0) const {
    return Batch(detail::checked([&](auto *error) {
      return townsend_model_generate(model_.get(), setting.get(), seed, first, n, threads, error);
    }));
  }

  const townsend_model *get() const noexcept { return model_.get(); }

 private:
  Cells cells_on(const townsend_grid *grid, std::uint64_t seed, std::uint64_t index, Workspace &workspace,
                 const Setting &setting) const {
    townsend_cells drawn;
    detail::checked([&](auto *error) {
      return townsend_model_cells(model_.get(), setting.get(), seed, index, grid, workspace.get(), &drawn, error);
    });
    return {{drawn.cells, drawn.n}, {drawn.counts, drawn.n}};
  }

  void dense_on(const townsend_grid *grid, std::vector<float> &values, std::uint64_t seed, std::uint64_t index,
                Workspace &workspace, const Setting &setting) const {
    std::size_t n;
    detail::checked([&](auto *error) {
      return townsend_model_dense(model_.get(), setting.get(), seed, index, grid, workspace.get(), values.data(),
                                  values.size(), &n, error);
    });
  }

  detail::Owned<townsend_model, townsend_model_close> model_;
};

/// The strips of a detector and their electronics.
class Readout {
 public:
  /// A detector by its file or by the name of one that ships (`cgem`).
  explicit Readout(const std::string &detector)
      : readout_(detail::checked(
            [&](auto *error) { return townsend_readout_open(detector.c_str(), error); })) {}

  /// The strips of the detector that a model describes.
  explicit Readout(const Model &model)
      : readout_(
            detail::checked([&](auto *error) { return townsend_readout_of_model(model.get(), error); })) {}

  /// What they are.
  Strips describe() const {
    Strips strips;
    detail::checked([&](auto *error) { return townsend_readout_describe(readout_.get(), &strips, error); });
    return strips;
  }

  const townsend_readout *get() const noexcept { return readout_.get(); }

 private:
  detail::Owned<townsend_readout, townsend_readout_close> readout_;
};

/// The electrons of an event, of one avalanche or several, to be read by strips. One serves one thread.
class Event {
 public:
  Event() : event_(townsend_event_new()) {}

  /// Removes all electrons and keeps the memory.
  void clear() noexcept { townsend_event_clear(event_.get()); }

  /// Adds an avalanche that starts at x0, z0 (mm) at the time t0 (ns): its electrons are moved by these, and copied.
  void add(const Electrons &electrons, double x0_mm = 0, double z0_mm = 0, double t0_ns = 0) {
    const townsend_electrons given = detail::electrons(electrons);
    detail::checked([&](auto *error) {
      return townsend_event_add(event_.get(), &given, x0_mm, z0_mm, t0_ns, error);
    });
  }

  /// The electrons so far. Valid until the event is used again.
  Electrons electrons() const noexcept {
    return detail::electrons(townsend_event_electrons(event_.get()));
  }

  /// What the strips record of event number `number` of a seed, by view and strip. With Place::AsGiven nothing is
  /// placed at random. Valid until the event is used again.
  View<Hit> read(const Readout &readout, std::uint64_t seed, std::uint64_t number,
                 Place place = Place::AsGiven) {
    const Hit *hits;
    std::size_t n;
    detail::checked([&](auto *error) {
      return townsend_event_read(event_.get(), readout.get(), seed, number, static_cast<std::uint32_t>(place),
                                 &hits, &n, &beside_, error);
    });
    return {hits, n};
  }

  /// How many electrons came down beside all strips when the event was read last.
  std::uint64_t beside() const noexcept { return beside_; }

  townsend_event *get() const noexcept { return event_.get(); }

 private:
  detail::Owned<townsend_event, townsend_event_free> event_;
  std::uint64_t beside_ = 0;
};

}  // namespace townsend

#endif
