/// From freed charge to strip hits with the townsend library: the electrons that an energy deposit frees in a
/// drift gap, their drift to the first foil, an avalanche of each of them, and what the strips record.
///
///   townsend::DriftGas     how much energy frees an electron, and how electrons drift
///   townsend::DriftGap     where the gap is in the coordinates of a program
///   townsend::DriftRegion  takes deposits or single electrons, event after event, and gives strip hits
///
/// One header of C++17 that needs the townsend library and no framework; those of Geant4, Garfield++ and
/// Gaudi stand on it. Lengths are in mm, times in ns and energies in eV. townsend's axes at the anode are x,
/// along E x B, and z, along B; without a magnetic field any two that are at right angles will do.
#ifndef TOWNSEND_DRIFT_HH
#define TOWNSEND_DRIFT_HH

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <townsend/townsend.hpp>
#include <tuple>
#include <utility>

namespace townsend {

/// What a gas does at the field of the drift gap. The defaults are those of Ar/iC4H10 90/10 at 293 K,
/// 760 Torr, 1.5 kV/cm and no magnetic field, and of the foils that ship with townsend.
struct DriftGas {
  double w_ev = 26.1;            ///< Mean energy that frees one electron.
  double fano = 0.18;            ///< Variance of the number of freed electrons over its mean; 0 up to 1.
  double velocity_um_ns = 36.9;  ///< Drift velocity along the electric field.
  double longitudinal_um = 163.;  ///< Spread along the field after 1 cm of drift; it grows with the root.
  std::array<double, 2> transverse_um = {384., 384.};  ///< The same across, of x and of z.
  double lorentz_deg = 0.;  ///< Lorentz angle: electrons are swept towards +x, along E x B.
  /// How far above the first foil the model's avalanches start: this much of the gap is in them already. For
  /// foils whose responses were recorded from 150 um above the centre of 60 um it is 0.12 mm.
  double included_mm = 0.12;
  /// How much of `included_mm` the model's avalanches are not swept in along E x B: nothing for foils whose
  /// responses were recorded in the magnetic field, all of it for those that were recorded without.
  double unshifted_mm = 0.;
};

/// A place in a drift gap: on townsend's axes, and its height above the first foil.
struct DriftPlace {
  double x_mm = 0., z_mm = 0., height_mm = 0.;
};

/// Where a drift gap is in the coordinates of a program: flat, or a cylinder, which is unrolled at the radius
/// of its strips. The point x = z = 0 is the middle of the strips.
class DriftGap {
 public:
  using Vector = std::array<double, 3>;

  /// A flat gap above the plane of the first foil, whose point `foil_mm` is over the middle of the strips.
  /// The unit vectors `across` and `along` are the directions of townsend's x and z; `up` points away from
  /// the foil, as the electric field does. Where there is a magnetic field, `along` is its direction and
  /// `across` must be up x along.
  static DriftGap Flat(const Vector& foil_mm, const Vector& up, const Vector& across, const Vector& along) {
    for (const auto& [one, other, wanted] : {std::tuple(up, up, 1.), std::tuple(across, across, 1.),
                                             std::tuple(along, along, 1.), std::tuple(up, across, 0.),
                                             std::tuple(up, along, 0.), std::tuple(across, along, 0.)}) {
      if (!(std::abs(Dot(one, other) - wanted) < 1e-6)) {
        throw std::invalid_argument(
            "townsend::DriftGap: `up`, `across` and `along` are not three unit vectors at right angles\n"
            "  hint: such as {0, 0, 1}, {1, 0, 0} and {0, 1, 0}");
      }
    }
    DriftGap gap;
    gap.origin_ = foil_mm;
    gap.up_ = up;
    gap.across_ = across;
    gap.along_ = along;
    return gap;
  }

  /// A gap between cylinders about the z axis. Electrons drift outwards if the strips are outside of the
  /// first foil, else inwards. townsend's z is z, which is to be the direction of a magnetic field; its x
  /// grows with the azimuth if electrons drift outwards, else against it. `middle_rad` is the azimuth of the
  /// middle of the strips.
  static DriftGap Cylinder(double foil_radius_mm, double strip_radius_mm, double middle_rad = 0.) {
    if (!(foil_radius_mm > 0. && strip_radius_mm > 0. && foil_radius_mm != strip_radius_mm)) {
      throw std::invalid_argument(
          "townsend::DriftGap: the radii of the first foil and of the strips must be above 0 and differ\n"
          "  hint: give them in mm");
    }
    DriftGap gap;
    gap.foil_radius_ = foil_radius_mm;
    gap.strip_radius_ = strip_radius_mm;
    gap.middle_ = middle_rad;
    return gap;
  }

  /// A point of the program, mm, as a place of the gap.
  DriftPlace Place(const Vector& point_mm) const {
    if (foil_radius_ > 0.) {
      const double angle = std::remainder(std::atan2(point_mm[1], point_mm[0]) - middle_, 2. * kPi);
      const double out = Outwards();
      return {out * strip_radius_ * angle, point_mm[2],
              out * (foil_radius_ - std::hypot(point_mm[0], point_mm[1]))};
    }
    const Vector from = {point_mm[0] - origin_[0], point_mm[1] - origin_[1], point_mm[2] - origin_[2]};
    return {Dot(from, across_), Dot(from, along_), Dot(from, up_)};
  }

  /// A place of the gap, or below its foil with a height less than 0, as a point of the program, mm.
  Vector Point(const DriftPlace& place) const {
    if (foil_radius_ > 0.) {
      const double out = Outwards();
      const double radius = foil_radius_ - out * place.height_mm;
      const double azimuth = middle_ + out * place.x_mm / strip_radius_;
      return {radius * std::cos(azimuth), radius * std::sin(azimuth), place.z_mm};
    }
    Vector point = origin_;
    for (std::size_t k = 0; k < 3; ++k) {
      point[k] += place.x_mm * across_[k] + place.z_mm * along_[k] + place.height_mm * up_[k];
    }
    return point;
  }

 private:
  static constexpr double kPi = 3.14159265358979323846;

  Vector origin_{}, up_{}, across_{}, along_{};
  double foil_radius_ = 0., strip_radius_ = 0., middle_ = 0.;

  DriftGap() = default;

  double Outwards() const { return strip_radius_ > foil_radius_ ? 1. : -1.; }
  static double Dot(const Vector& a, const Vector& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }
};

/// Random numbers that are a function of their seed on every machine (SplitMix64: G. Steele, D. Lea, C.
/// Flood, OOPSLA 2014, doi 10.1145/2660193.2660195).
class SplitMix64 {
 public:
  explicit SplitMix64(std::uint64_t seed = 0) : state_(seed) {}

  std::uint64_t Bits() { return Mix(state_ += 0x9E3779B97F4A7C15u); }
  /// Evenly from 0 up to 1.
  double Uniform() { return static_cast<double>(Bits() >> 11) * 0x1p-53; }
  /// Normal with mean 0 and variance 1 (G. Box, M. Muller, 1958).
  double Normal() {
    const double radius = std::sqrt(-2. * std::log(1. - Uniform()));
    return radius * std::cos(6.283185307179586 * Uniform());
  }

  /// A seed that belongs to `seed` and `number`: other numbers have others, in no order.
  static std::uint64_t Seed(std::uint64_t seed, std::uint64_t number) {
    return Mix(Mix(seed + 0x9E3779B97F4A7C15u) ^ (number + 0x9E3779B97F4A7C15u));
  }

 private:
  std::uint64_t state_;

  static std::uint64_t Mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
};

/// The number of electrons that are freed where `mean` are freed on average: whole, not less than 0, with the
/// variance fano·mean. Where no whole number has so little, near to 0 and to small whole means, it has the
/// least variance that there is, f(1 - f) with the part f of the mean behind the point.
inline std::uint64_t FreedElectrons(double mean, double fano, SplitMix64& random) {
  // A binomial number of n trials has the variance mean·(1 - mean/n): for this n more than wanted, for one
  // trial less than this not more. Taking now one and now the other gives what is wanted.
  const double whole = std::floor(mean), part = mean - whole;
  const double trials = std::floor(mean / (1. - fano)) + 1.;
  const bool fewer = trials - 1. >= mean && mean > 0.;
  const double wide = mean * (1. - mean / trials);
  const double narrow = fewer ? mean * (1. - mean / (trials - 1.)) : part * (1. - part);
  const bool is_wide = random.Uniform() * (wide - narrow) < fano * mean - narrow;
  if (!is_wide && !fewer) return static_cast<std::uint64_t>(whole) + (random.Uniform() < part ? 1 : 0);
  const double chosen = is_wide ? trials : trials - 1.;
  const double probability = mean / chosen;
  std::uint64_t freed = 0;
  for (double k = 0.; k < chosen; ++k) freed += random.Uniform() < probability ? 1 : 0;
  return freed;
}

/// Where and when an electron has drifted to that starts in the gap at `from` and time 0.
struct Drifted {
  double x_mm, z_mm, t_ns;
};

/// Lets an electron drift to where the avalanches of a model start. What is late has been swept along E x B
/// for longer; one that starts below that plane is ahead of those there by what it does not have to drift.
inline Drifted DriftToFoil(const DriftPlace& from, const DriftGas& gas, SplitMix64& random) {
  const double above_mm = std::max(0., from.height_mm) - gas.included_mm;
  const double length_mm = std::max(0., above_mm), swept_mm = above_mm + gas.unshifted_mm;
  const double root_cm = std::sqrt(length_mm / 10.), velocity_mm_ns = gas.velocity_um_ns / 1000.;
  const double tangent = std::tan(gas.lorentz_deg * 3.14159265358979323846 / 180.);
  const double late_ns = gas.longitudinal_um / 1000. * root_cm / velocity_mm_ns * random.Normal();
  const double x = gas.transverse_um[0] / 1000. * root_cm * random.Normal();
  const double z = gas.transverse_um[1] / 1000. * root_cm * random.Normal();
  return {from.x_mm + tangent * (swept_mm + velocity_mm_ns * late_ns) + x, from.z_mm + z,
          above_mm / velocity_mm_ns + late_ns};
}

/// Throws if a gas cannot be.
inline void CheckDriftGas(const DriftGas& gas) {
  const auto [across, along] = gas.transverse_um;
  for (const auto& [name, value, low, high] :
       {std::tuple("w_ev", gas.w_ev, 1., 1000.), std::tuple("fano", gas.fano, 0., 0.999),
        std::tuple("velocity_um_ns", gas.velocity_um_ns, 0.1, 1000.),
        std::tuple("longitudinal_um", gas.longitudinal_um, 0., 1e4),
        std::tuple("transverse_um[0]", across, 0., 1e4), std::tuple("transverse_um[1]", along, 0., 1e4),
        std::tuple("lorentz_deg", gas.lorentz_deg, -89., 89.),
        std::tuple("included_mm", gas.included_mm, 0., 100.),
        std::tuple("unshifted_mm", gas.unshifted_mm, 0., gas.included_mm)}) {
    if (!(value >= low && value <= high)) {
      throw std::invalid_argument(std::string("townsend::DriftGas: ") + name + " is " + std::to_string(value) +
                                  ", but must be from " + std::to_string(low) + " to " + std::to_string(high));
    }
  }
}

/// A drift gap with the foils and strips below it: takes deposits or electrons, gives strip hits.
///
/// The model and the strips are shared by all threads; of these regions every thread needs its own. What
/// comes out is a function of seed, name, run, event and what is put in, in its order: not of the thread.
class DriftRegion {
 public:
  using Vector = DriftGap::Vector;

  /// The model and the readout must live as long as the region. Regions with other names, such as those of
  /// the layers of a detector, draw other numbers.
  DriftRegion(const Model& model, const Readout& readout, const DriftGap& gap, const DriftGas& gas,
              std::uint64_t seed, const std::string& name = "", Setting setting = {})
      : model_(&model), readout_(&readout), gap_(gap), gas_(gas), seed_(seed), setting_(std::move(setting)) {
    CheckDriftGas(gas);
    for (const char letter : name) seed_ = SplitMix64::Seed(seed_, static_cast<unsigned char>(letter));
    Begin(0, 0);
  }

  /// Begins an event and forgets the one before.
  void Begin(std::uint64_t run, std::uint64_t event) {
    number_ = event;
    event_seed_ = SplitMix64::Seed(SplitMix64::Seed(seed_, run), event);
    random_ = SplitMix64(event_seed_);
    primaries_ = 0;
    event_.clear();
  }

  /// Adds the electrons that a particle frees which leaves `energy_ev` behind between two points, evenly
  /// along the line between them, and returns their number. Energy that is left at a point has the point
  /// twice.
  std::uint64_t Deposit(const Vector& from_mm, const Vector& to_mm, double from_ns, double to_ns,
                        double energy_ev) {
    // 100 MeV are far above what a gap of gas can take up, and not above what wrong units make of little.
    if (!(energy_ev >= 0. && energy_ev <= 1e8)) {
      throw std::invalid_argument("townsend::DriftRegion: a deposit of " + std::to_string(energy_ev) +
                                  " eV; it must be from 0 to 1e8\n  hint: give it in eV");
    }
    const auto freed = FreedElectrons(energy_ev / gas_.w_ev, gas_.fano, random_);
    for (std::uint64_t i = 0; i < freed; ++i) {
      const double part = random_.Uniform();
      const auto between = [part](double from, double to) { return from + part * (to - from); };
      Electron({between(from_mm[0], to_mm[0]), between(from_mm[1], to_mm[1]), between(from_mm[2], to_mm[2])},
               between(from_ns, to_ns));
    }
    return freed;
  }

  /// Adds one free electron, such as those that Heed makes, at a point of the gap.
  void Electron(const Vector& at_mm, double at_ns) {
    const auto place = gap_.Place(at_mm);
    // Hits of other programs know their ends no better than a foil is thick.
    if (!(place.height_mm > -0.1) || !std::isfinite(place.height_mm + place.x_mm + place.z_mm + at_ns)) {
      throw std::domain_error("townsend::DriftRegion: an electron starts " + std::to_string(-place.height_mm) +
                              " mm below the first foil\n  hint: is the DriftGap that of this volume?");
    }
    const auto [x_mm, z_mm, t_ns] = DriftToFoil(place, gas_, random_);
    event_.add(model_->avalanche(event_seed_, primaries_, workspace_, setting_), x_mm, z_mm, at_ns + t_ns);
    ++primaries_;
  }

  /// Electrons of this event that were freed in the gap.
  std::uint64_t Primaries() const { return primaries_; }

  /// What the strips record of this event, by view and strip; valid until the next call.
  View<Hit> Read() { return event_.read(*readout_, event_seed_, number_); }

 private:
  const Model* model_;
  const Readout* readout_;
  DriftGap gap_;
  DriftGas gas_;
  std::uint64_t seed_;
  Setting setting_;
  Workspace workspace_;
  Event event_;
  std::uint64_t number_ = 0, event_seed_ = 0, primaries_ = 0;
  SplitMix64 random_;
};

}  // namespace townsend

#endif
