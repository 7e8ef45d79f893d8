/// Avalanches of the townsend library where a program of Garfield++ has an AvalancheMicroscopic.
///
///   townsend::AvalancheModel  `AvalancheElectron(x, y, z, t, e)` as there, then electrons at the anode by
///                             `GetElectrons()`, `GetElectronEndpoint(...)` or `GetAvalancheSize(...)`
///
/// One header of C++17 that needs the townsend library, ../drift/townsend_drift.hh and nothing of Garfield++.
/// It can be used beside townsend.hh, which records avalanches: also those of this class. docs/garfield.md
/// tells how.
#ifndef TOWNSEND_AVALANCHE_HH
#define TOWNSEND_AVALANCHE_HH

#include "townsend_drift.hh"

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <vector>

namespace townsend {

/// Draws avalanches with the calls of Garfield++'s AvalancheMicroscopic. Lengths are in cm, as there, times
/// in ns, energies in eV.
///
/// An electron drifts to the first foil and makes an avalanche of the model; the electrons that reach the
/// anode are what there is of it: those that end on foils, and ions, are not known. Where none arrives there
/// is one electron that ends at the first foil, as a lost primary electron does in Garfield++. Of the same
/// seed the electron of the same number, from 0, has the same avalanche.
class AvalancheModel {
 public:
  /// Where and when an electron is; the energy is not known, and 0.
  struct Point {
    double x, y, z, t, energy;
  };
  /// `path` is where the primary electron started, and where this one ended. The status is that of an
  /// electron that left the drift area, -1, at the anode, and that of one that left the gas, -5, at the first
  /// foil.
  struct Electron {
    int status;
    std::array<Point, 2> path;
    std::size_t weight;
  };

  /// The model must live as long as this. The anode is `anode_cm` below the first foil.
  AvalancheModel(const Model& model, const DriftGap& gap, double anode_cm, const DriftGas& gas = {},
                 std::uint64_t seed = 1, Setting setting = {})
      : model_(&model), gap_(gap), anode_mm_(10. * anode_cm), gas_(gas), seed_(seed), setting_(std::move(setting)) {
    CheckDriftGas(gas);
  }

  /// The avalanche of an electron; false, and none, if it starts below the first foil. Its energy and
  /// direction are lost within micrometres, and change nothing.
  bool AvalancheElectron(double x, double y, double z, double t, double /*e*/ = 0., double /*dx*/ = 0.,
                         double /*dy*/ = 0., double /*dz*/ = 0., std::size_t weight = 1) {
    electrons_.clear();
    at_anode_ = 0;
    const auto start = gap_.Place({10. * x, 10. * y, 10. * z});
    if (!(start.height_mm > -0.1) || !std::isfinite(start.height_mm + start.x_mm + start.z_mm + t)) return false;
    SplitMix64 random(SplitMix64::Seed(seed_, number_));
    const auto [x_mm, z_mm, t_ns] = DriftToFoil(start, gas_, random);
    const auto drawn = model_->avalanche(seed_, number_, workspace_, setting_);
    ++number_;
    if (drawn.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
      throw std::length_error("townsend::AvalancheModel: an avalanche has more electrons than an int counts");
    }
    electrons_.reserve(drawn.size());
    for (std::size_t i = 0; i < drawn.size(); ++i) {
      const auto end = gap_.Point({x_mm + drawn.x[i], z_mm + drawn.z[i], -anode_mm_});
      electrons_.push_back({-1,
                            {{{x, y, z, t, 0.},
                              {0.1 * end[0], 0.1 * end[1], 0.1 * end[2], t + t_ns + drawn.t[i], 0.}}},
                            weight});
    }
    at_anode_ = electrons_.size();
    if (at_anode_ == 0) {
      const auto end = gap_.Point({x_mm, z_mm, 0.});
      electrons_.push_back({-5, {{{x, y, z, t, 0.}, {0.1 * end[0], 0.1 * end[1], 0.1 * end[2], t + t_ns, 0.}}}, weight});
    }
    return true;
  }

  /// The electrons at the anode, or a lost one.
  const std::vector<Electron>& GetElectrons() const { return electrons_; }

  /// The number of electrons at the anode, and 0 ions.
  std::pair<int, int> GetAvalancheSize() const { return {static_cast<int>(at_anode_), 0}; }
  void GetAvalancheSize(int& electrons, int& ions) const { std::tie(electrons, ions) = GetAvalancheSize(); }

  std::size_t GetNumberOfElectronEndpoints() const { return electrons_.size(); }
  void GetElectronEndpoint(std::size_t i, double& x0, double& y0, double& z0, double& t0, double& e0, double& x1,
                           double& y1, double& z1, double& t1, double& e1, int& status) const {
    const auto& electron = electrons_.at(i);
    const auto& [start, end] = electron.path;
    x0 = start.x, y0 = start.y, z0 = start.z, t0 = start.t, e0 = start.energy;
    x1 = end.x, y1 = end.y, z1 = end.z, t1 = end.t, e1 = end.energy;
    status = electron.status;
  }

 private:
  const Model* model_;
  DriftGap gap_;
  double anode_mm_;
  DriftGas gas_;
  std::uint64_t seed_, number_ = 0;
  Setting setting_;
  Workspace workspace_;
  std::vector<Electron> electrons_;
  std::size_t at_anode_ = 0;
};

}  // namespace townsend

#endif
