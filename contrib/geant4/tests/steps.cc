// Pushes steps through contrib/geant4 and checks what comes out. Its argument is a detector in TOML with
// strips that have neither threshold nor saturation, so that no charge is lost.
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "townsend_geant4.hh"

namespace {

using townsend::geant4::ElectronModel;
using townsend::geant4::SensitiveDetector;
using townsend::geant4::StripHits;

void Check(bool holds, const std::string& what) {
  if (holds) return;
  std::fprintf(stderr, "failed: %s\n", what.c_str());
  std::exit(1);
}

/// Within four standard errors.
void Near(double value, double wanted, double error, const std::string& what) {
  Check(std::abs(value - wanted) <= 4. * error,
        what + " is " + std::to_string(value) + ", not " + std::to_string(wanted) + " +- " + std::to_string(error));
}

struct Moments {
  double n = 0., sum = 0., squares = 0.;
  void Add(double value) { ++n, sum += value, squares += value * value; }
  double Mean() const { return sum / n; }
  double Variance() const { return (squares - sum * sum / n) / (n - 1.); }
  double Error() const { return std::sqrt(Variance() / n); }
};

const townsend::DriftGas gas;
const auto gap = townsend::DriftGap::Flat({0., 0., -2.5}, {0., 0., 1.}, {1., 0., 0.}, {0., 1., 0.});

/// A sensitive detector, and events for it.
struct Events {
  townsend::Model& model;
  townsend::Readout& readout;
  SensitiveDetector detector;
  G4Event event{0};

  Events(townsend::Model& of, townsend::Readout& strips, const std::string& name = "gem")
      : model(of), readout(strips), detector(name, of, strips, gap, gas, 7) {
    // The manager deletes what is added to it; this one lives here.
    collections.AddNewDetector(new SensitiveDetector(name, of, strips, gap, gas, 7));
  }

  /// The hits of an event of these steps or electrons.
  template <class F>
  StripHits& Hits(int number, F fill) {
    event.~G4Event();
    new (&event) G4Event(number);
    G4EventManager::GetEventManager()->current = &event;
    detector.Initialize(&event.hits);
    fill(detector);
    detector.EndOfEvent(&event.hits);
    return *static_cast<StripHits*>(event.GetHCofThisEvent()->GetHC(collections.GetCollectionID(detector.GetName() + "/strips")));
  }

  G4SDManager& collections = *G4SDManager::GetSDMpointer();
};

/// A step in a volume that is shifted and turned against the world.
struct StepMaker {
  G4Track track;
  G4Step step;

  StepMaker(double charge_or_0, const G4ThreeVector& from, const G4ThreeVector& to, double energy) {
    track.particle = G4ParticleTable::GetParticleTable()->FindParticle(charge_or_0 != 0. ? "pi-" : "gamma");
    const auto touchable = std::make_shared<G4VTouchable>();
    touchable->history.top = G4AffineTransform({100., -50., 30.}, 0.5);
    step.track = &track;
    step.before = {World(from), 10. * ns, touchable};
    step.after = {World(to), 11. * ns, touchable};
    step.deposit = energy;
  }

  static G4ThreeVector World(const G4ThreeVector& local) {
    const double c = std::cos(0.5), s = std::sin(0.5);
    return {100. + c * local.x() - s * local.y(), -50. + s * local.x() + c * local.y(), 30. + local.z()};
  }
};

double Charge(const StripHits& hits) {
  double sum = 0.;
  for (std::size_t i = 0; i < hits.entries(); ++i) sum += hits[i]->Get().charge_fc;
  return sum;
}

/// Mean of the strips of a view, by charge, and of their times.
std::array<double, 2> Centre(const StripHits& hits, int view) {
  double charge = 0., strip = 0., time = 0.;
  for (std::size_t i = 0; i < hits.entries(); ++i) {
    const auto& hit = hits[i]->Get();
    if (hit.view != view) continue;
    const double charge_of = hit.charge_fc;
    charge += charge_of, strip += charge_of * hit.strip, time += charge_of * hit.time_ns;
  }
  return {strip / charge, time / charge};
}

void NumbersOfElectrons(Events& events) {
  for (const double energy : {5., 30., 100., 1400.}) {
    const double mean = energy / gas.w_ev, part = mean - std::floor(mean);
    Moments numbers;
    const int n = 4000;
    for (int i = 0; i < n; ++i) {
      StepMaker made(1., {0., 0., 2.}, {0., 0., -2.}, (energy + 3.) * eV);
      made.step.without_ionisation = 3. * eV;
      // Far from the strips: no time is spent on reading them.
      G4Event event(i);
      G4EventManager::GetEventManager()->current = &event;
      events.detector.Initialize(&event.hits);
      if (energy < 200. || i < 300) {
        events.detector.Hit(&made.step);
        numbers.Add(static_cast<double>(events.detector.Primaries()));
      }
    }
    // A sample variance of numbers that are about normal has the error v sqrt(2/n); small numbers have more.
    const double variance = std::max(gas.fano * mean, part * (1. - part));
    Near(numbers.Mean(), mean, numbers.Error(), "mean number of electrons of " + std::to_string(energy) + " eV");
    Near(numbers.Variance(), variance, 2. * variance * std::sqrt(2. / numbers.n), "its variance");
  }
}

void ChargeFollowsGain(Events& events, double fc_an_electron) {
  // The mean avalanche, of other ones.
  townsend::Workspace workspace;
  Moments sizes;
  for (std::uint64_t i = 0; i < 4000; ++i) sizes.Add(static_cast<double>(events.model.avalanche(99, i, workspace).size()));
  double charge = 0., primaries = 0.;
  for (int i = 0; i < 60; ++i) {
    StepMaker made(1., {1., 2., 2.4}, {1., 2., -2.4}, 1400. * eV);
    charge += Charge(events.Hits(i, [&](auto& detector) { detector.Hit(&made.step); }));
    primaries += static_cast<double>(events.detector.Primaries());
  }
  const double gain = charge / fc_an_electron / primaries;
  Near(gain, sizes.Mean(), std::hypot(sizes.Error(), std::sqrt(sizes.Variance() / primaries)), "charge over primaries");
}

void PlaceAndTime(Events& events) {
  // Electrons from 5 mm and from 1 mm: the drift between takes 4 mm / v, and the strips are where the charge
  // was.
  const auto centres = [&](double height, int view, double x, double y) {
    Moments strips, times;
    for (int i = 0; i < 30; ++i) {
      StepMaker made(1., {x, y, height - 2.5}, {x, y, height - 2.5}, 1400. * eV);
      const auto [strip, time] = Centre(events.Hits(i, [&](auto& detector) { detector.Hit(&made.step); }), view);
      strips.Add(strip), times.Add(time);
    }
    return std::pair(strips, times);
  };
  const auto [far_strips, far_times] = centres(5., 0, 3.25, 0.);
  const auto [near_strips, near_times] = centres(1., 0, 3.25, 0.);
  Near(far_times.Mean() - near_times.Mean(), 4. / (gas.velocity_um_ns / 1000.),
       std::hypot(far_times.Error(), near_times.Error()), "time of the drift");
  // The strip whose middle is x has the number x/p + n/2 - 1/2.
  Near(far_strips.Mean(), 3.25 / 0.65 + 428. - 0.5, far_strips.Error(), "X strip of x = 3.25 mm");
  Near(near_strips.Mean(), 3.25 / 0.65 + 428. - 0.5, near_strips.Error(), "X strip of x = 3.25 mm, from near");
  const double stereo = 46.7 * 3.14159265358979 / 180.;
  const auto [v_strips, v_times] = centres(2., 1, 1., 4.);
  const double v = 1. * std::cos(stereo) + 4. * std::sin(stereo);
  Near(v_strips.Mean(), v / 0.65 + 586.5 - 0.5, v_strips.Error(), "V strip of (1, 4) mm");
  // Steps are from 10 to 11 ns; the first electrons come with the fastest of the drift and of the avalanche.
  Check(v_times.Mean() > 10. + 51. + 150. && v_times.Mean() < 10.5 + 51. + 176., "arrival");
}

void NeutralParticles(Events& events) {
  // A photon that is absorbed at the end of its step leaves nothing on its way.
  StepMaker made(0., {-20., 0., 1.}, {6.5, 0., 1.}, 5900. * eV);
  const auto& hits = events.Hits(3, [&](auto& detector) { detector.Hit(&made.step); });
  for (std::size_t i = 0; i < hits.entries(); ++i) {
    const auto& hit = hits[i]->Get();
    if (hit.view == 0) Check(std::abs(hit.strip - 437.5) < 5., "charge beside the absorbed photon");
  }
  Check(hits.entries() > 4, "an absorbed photon has hits");
}

void FastSimulation(Events& events) {
  G4Region region("gap");
  const auto take = [&](double energy, ElectronModel::Worth worth) {
    ElectronModel model("slow", &region, events.detector, 1. * keV, worth);
    const G4Track electron{G4Electron::Definition(), {}, 5. * ns, energy};
    const G4FastTrack track(electron, {0., 0., 1.});
    Check(model.IsApplicable(*G4Electron::Definition()), "electrons are its business");
    Check(!model.IsApplicable(*G4ParticleTable::GetParticleTable()->FindParticle("gamma")), "photons are not");
    G4FastStep step;
    std::uint64_t primaries = 0;
    const bool taken = model.ModelTrigger(track);
    events.Hits(1, [&](auto& detector) {
      if (taken) model.DoIt(track, step);
      primaries = detector.Primaries();
    });
    Check(taken == step.killed && (!taken || step.deposited == energy), "the electron ends, and leaves its energy");
    return std::pair(taken, primaries);
  };
  Check(take(2. * keV, ElectronModel::Worth::Energy) == std::pair(false, std::uint64_t{0}), "fast electrons are tracked");
  const auto [taken, primaries] = take(522. * eV, ElectronModel::Worth::Energy);
  Check(taken && primaries >= 12 && primaries <= 28, "522 eV are 20 electrons");
  Check(take(522. * eV, ElectronModel::Worth::OneElectron) == std::pair(true, std::uint64_t{1}), "one electron is one");
}

void SameAgain(townsend::Model& model, townsend::Readout& readout) {
  const auto record = [&](Events& events, int number) {
    StepMaker made(1., {0., 0., 2.4}, {0., 0., -2.4}, 1400. * eV);
    const auto& hits = events.Hits(number, [&](auto& detector) { detector.Hit(&made.step); });
    std::string text;
    for (std::size_t i = 0; i < hits.entries(); ++i) {
      const auto& hit = hits[i]->Get();
      Check(hit.event == static_cast<std::uint64_t>(number), "number of the event");
      text += std::to_string(hit.view) + ' ' + std::to_string(hit.strip) + ' ' + std::to_string(hit.charge_fc) + ' ' +
              std::to_string(hit.time_ns) + '\n';
    }
    return text;
  };
  Events one(model, readout), other(model, readout), third(model, readout, "other gem");
  const auto first = record(one, 0), second = record(one, 1);
  Check(first != second, "events differ");
  Check(record(other, 1) == second && record(other, 0) == first, "an event is the same in any order");
  Check(record(third, 0) != first, "detectors of other names differ");
}

void Mistakes(Events& events) {
  const auto said = [&](auto fill) -> std::string {
    try {
      events.Hits(0, fill);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  };
  const auto below = said([](auto& detector) { detector.AddElectron({0., 0., -2.8}, 0.); });
  Check(below.find("gem townsend") == 0 && below.find("0.300000 mm below the first foil") != std::string::npos, below);
  const auto units = said([](auto& detector) { detector.AddDeposit({0., 0., 0.}, 0., 1. * GeV); });
  Check(units.find("hint: give it in eV") != std::string::npos, units);
}

}  // namespace

int main(int, char** argv) {
  try {
    G4RunManager run;
    townsend::Model model("microscopic_275");
    townsend::Readout readout(argv[1]);
    Events events(model, readout);
    NumbersOfElectrons(events);
    ChargeFollowsGain(events, 1.602176634e-4);
    PlaceAndTime(events);
    NeutralParticles(events);
    FastSimulation(events);
    SameAgain(model, readout);
    Mistakes(events);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "failed: %s\n", error.what());
    return 1;
  }
}
