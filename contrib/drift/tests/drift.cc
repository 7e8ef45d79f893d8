// Checks contrib/drift/townsend_drift.hh against closed forms.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "townsend_drift.hh"

namespace {

void Check(bool holds, const std::string& what) {
  if (holds) return;
  std::fprintf(stderr, "failed: %s\n", what.c_str());
  std::exit(1);
}

void Near(double value, double wanted, double within, const std::string& what) {
  Check(std::abs(value - wanted) <= within,
        what + " is " + std::to_string(value) + ", not " + std::to_string(wanted) + " +- " + std::to_string(within));
}

/// Mean, variance and covariance of pairs.
struct Moments {
  double n = 0., a = 0., b = 0., aa = 0., ab = 0.;
  void Add(double x, double y = 0.) { ++n, a += x, b += y, aa += x * x, ab += x * y; }
  double Mean() const { return a / n; }
  double Variance() const { return aa / n - Mean() * Mean(); }
  double Covariance() const { return ab / n - a / n * (b / n); }
};

/// Mean and variance of the number of freed electrons: those wanted, or the least that whole numbers can
/// have.
void FreedElectronsHaveTheirMoments() {
  townsend::SplitMix64 random(1);
  const double n = 40000.;
  for (const double fano : {0., 0.17, 0.32}) {
    for (const double mean : {0., 0.02, 0.4, 0.97, 1., 1.6, 3.3, 12.5, 54., 226.}) {
      Moments freed;
      for (double i = 0.; i < n; ++i) freed.Add(static_cast<double>(townsend::FreedElectrons(mean, fano, random)));
      const double part = mean - std::floor(mean);
      const double variance = std::max(fano * mean, part * (1. - part));
      const auto what = "number of electrons for " + std::to_string(mean) + " and F = " + std::to_string(fano);
      Near(freed.Mean(), mean, 4. * std::sqrt(variance / n) + 1e-12, "mean " + what);
      // The fourth moment of a number that is 0 or 1 is at most its variance, of normal ones 3 of its
      // squares.
      const double fourth = std::max(3. * variance * variance, variance);
      Near(freed.Variance(), variance, 4. * std::sqrt(fourth / n) + 1e-12, "variance of the " + what);
    }
  }
}

/// Time, place and spreads of a drift of 4 mm, in a magnetic field.
void DriftHasItsMoments() {
  townsend::DriftGas gas;
  gas.velocity_um_ns = 34.4, gas.longitudinal_um = 174., gas.transverse_um = {459., 403.}, gas.lorentz_deg = 25.3;
  gas.included_mm = 0.5;
  townsend::SplitMix64 random(2);
  const double n = 40000., length = 4., root_cm = std::sqrt(length / 10.);
  Moments x, z, t;
  for (double i = 0.; i < n; ++i) {
    const auto drifted = townsend::DriftToFoil({1., -2., 4.5}, gas, random);
    x.Add(drifted.x_mm, drifted.t_ns), z.Add(drifted.z_mm), t.Add(drifted.t_ns);
  }
  const double tangent = std::tan(25.3 * 3.14159265358979 / 180.);
  const double late = 0.174 * root_cm / 0.0344, sweep = 0.0344 * tangent;
  const double across = std::hypot(0.459 * root_cm, sweep * late), along = 0.403 * root_cm;
  Near(t.Mean(), length / 0.0344, 4. * late / std::sqrt(n), "time");
  Near(std::sqrt(t.Variance()), late, 4. * late / std::sqrt(2. * n), "spread of the time");
  Near(x.Mean(), 1. + length * tangent, 4. * across / std::sqrt(n), "shift along E x B");
  Near(std::sqrt(x.Variance()), across, 4. * across / std::sqrt(2. * n), "spread across B");
  Near(z.Mean(), -2., 4. * along / std::sqrt(n), "no shift along B");
  Near(std::sqrt(z.Variance()), along, 4. * along / std::sqrt(2. * n), "spread along B");
  Near(x.Covariance(), sweep * late * late, 8. * across * late / std::sqrt(n), "what is late has been swept further");
  const auto near = townsend::DriftToFoil({1., -2., 0.3}, gas, random);
  Near(near.t_ns, -0.2 / 0.0344, 1e-12, "ahead of those where avalanches of the model start");
  Near(near.x_mm, 1. - 0.2 * tangent, 1e-12, "swept by as much less");
  Check(near.z_mm == -2., "no spread below where avalanches of the model start");
  gas.unshifted_mm = 0.5;
  Near(townsend::DriftToFoil({1., -2., 0.3}, gas, random).x_mm, 1. + 0.3 * tangent, 1e-12,
       "swept over the whole height if foils were recorded without a magnetic field");
}

void PlacesAndPoints() {
  // Outwards with B along z: E points inwards, so that E x B is along the azimuth; inwards against it.
  for (const auto& [foil, strip, sign] : {std::tuple(81.9, 90.195, 1.), std::tuple(120., 100., -1.)}) {
    const auto gap = townsend::DriftGap::Cylinder(foil, strip, 3.);
    const double radius = foil - sign * 2., azimuth = 3. + 0.01;
    const auto place = gap.Place({radius * std::cos(azimuth), radius * std::sin(azimuth), 7.});
    Near(place.height_mm, 2., 1e-9, "height in a cylinder");
    Near(place.x_mm, sign * 0.01 * strip, 1e-9, "x in a cylinder");
    Near(place.z_mm, 7., 1e-12, "z in a cylinder");
    // Beyond pi the azimuth goes on.
    const auto far = gap.Place({radius * std::cos(3.5), radius * std::sin(3.5), 0.});
    Near(far.x_mm, sign * 0.5 * strip, 1e-9, "x beyond an azimuth of pi");
    const auto point = gap.Point(far);
    Near(point[0], radius * std::cos(3.5), 1e-9, "point of a place");
    Near(point[1], radius * std::sin(3.5), 1e-9, "point of a place");
  }
  const auto flat = townsend::DriftGap::Flat({1., 2., 3.}, {0., -1., 0.}, {1., 0., 0.}, {0., 0., 1.});
  const auto place = flat.Place({1.5, -2., 10.});
  Check(place.x_mm == 0.5 && place.z_mm == 7. && place.height_mm == 4., "place in a flat gap");
  const auto point = flat.Point(place);
  Check(point[0] == 1.5 && point[1] == -2. && point[2] == 10., "and its point");
}

template <class F>
std::string Said(F work) {
  try {
    work();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "nothing";
}

void Mistakes() {
  const townsend::Model model("microscopic_275");
  const townsend::Readout readout("cgem");
  const auto flat = townsend::DriftGap::Flat({0., 0., 0.}, {0., 0., 1.}, {1., 0., 0.}, {0., 1., 0.});
  townsend::DriftRegion region(model, readout, flat, {}, 1);
  const double nan = std::nan("");
  for (const auto& [said, wanted] : {
           std::pair(Said([&] { region.Electron({0., 0., -1.}, 0.); }), "1.000000 mm below the first foil"),
           std::pair(Said([&] { region.Electron({0., 0., nan}, 0.); }), "below the first foil"),
           std::pair(Said([&] { region.Deposit({}, {}, 0., 0., -1.); }), "a deposit of -1.000000 eV"),
           std::pair(Said([&] { region.Deposit({}, {}, 0., 0., nan); }), "hint: give it in eV"),
           std::pair(Said([&] { townsend::DriftGap::Flat({}, {0., 0., 2.}, {1., 0., 0.}, {0., 1., 0.}); }),
                     "three unit vectors"),
           std::pair(Said([&] { townsend::DriftGap::Cylinder(0., 1.); }), "must be above 0 and differ"),
           std::pair(Said([&] {
                       townsend::DriftGas gas;
                       gas.fano = 1.;
                       townsend::DriftRegion(model, readout, flat, gas, 1);
                     }),
                     "fano is 1.000000, but must be from"),
           std::pair(Said([&] { townsend::Model("no_such_detector"); }), "no_such_detector"),
           std::pair(Said([&] { townsend::DriftRegion(model, townsend::Readout("microscopic_275"), flat, {}, 1); }),
                     "readout"),
       }) {
    Check(said.find(wanted) != std::string::npos, "`" + said + "` does not say `" + wanted + "`");
  }
  Check(region.Primaries() == 0 && region.Read().size() == 0, "nothing was added");
}

}  // namespace

int main() try {
  FreedElectronsHaveTheirMoments();
  DriftHasItsMoments();
  PlacesAndPoints();
  Mistakes();
} catch (const std::exception& error) {
  std::fprintf(stderr, "failed: %s\n", error.what());
  return 1;
}
