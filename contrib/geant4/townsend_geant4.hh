/// Strip hits of a gas detector in Geant4, with the avalanches of the townsend library.
///
///   townsend::geant4::SensitiveDetector  of the drift gap's volume: deposits of all steps free electrons,
///                                        every electron makes an avalanche, the strips record them
///   townsend::geant4::ElectronModel      fast simulation: slow electrons end in the gap, untracked
///   townsend::geant4::StripHit           what a strip recorded, in the event's hits collection
///
/// One header of C++17 for Geant4 11. docs/geant4.md of townsend tells how to use it,
/// triple_gem.cc beside this file is a whole program. Places are those of the local coordinates of the gap's
/// volume.
#ifndef TOWNSEND_GEANT4_HH
#define TOWNSEND_GEANT4_HH

#include "townsend_drift.hh"

#include <G4Electron.hh>
#include <G4Event.hh>
#include <G4EventManager.hh>
#include <G4Exception.hh>
#include <G4FastStep.hh>
#include <G4FastTrack.hh>
#include <G4HCofThisEvent.hh>
#include <G4NavigationHistory.hh>
#include <G4ParticleDefinition.hh>
#include <G4Region.hh>
#include <G4Run.hh>
#include <G4RunManager.hh>
#include <G4SDManager.hh>
#include <G4Step.hh>
#include <G4SystemOfUnits.hh>
#include <G4THitsCollection.hh>
#include <G4ThreeVector.hh>
#include <G4TouchableHandle.hh>
#include <G4Track.hh>
#include <G4VFastSimulationModel.hh>
#include <G4VHit.hh>
#include <G4VSensitiveDetector.hh>
#include <G4VTouchable.hh>
#include <G4ios.hh>
#include <cstdint>
#include <exception>
#include <utility>

namespace townsend::geant4 {

/// What one strip recorded of an event: charge in fC, time in ns; see `townsend::Hit`.
class StripHit : public G4VHit {
 public:
  explicit StripHit(const Hit& hit) : hit_(hit) {}
  const Hit& Get() const { return hit_; }
  void Print() override {
    G4cout << "layer " << +hit_.layer << " sheet " << +hit_.sheet << (hit_.view == 0 ? " X " : " V ") << hit_.strip
           << ": " << hit_.charge_fc << " fC at " << hit_.time_ns << " ns" << G4endl;
  }

 private:
  Hit hit_;
};

/// The strip hits of an event and of one sensitive detector.
using StripHits = G4THitsCollection<StripHit>;

/// A drift gap whose electrons make avalanches: sensitive detector of the volume of its gas. At the end of an
/// event the collection `strips` has the hits.
///
/// Make one for each worker thread, in `ConstructSDandField()`; the model and the readout are shared. Hits
/// are a function of the seed, the detector's name, the run, the event and the event's steps, so they do not
/// depend on the number of threads.
class SensitiveDetector : public G4VSensitiveDetector {
 public:
  SensitiveDetector(const G4String& name, const Model& model, const Readout& readout, const DriftGap& gap,
                    const DriftGas& gas, std::uint64_t seed, Setting setting = {})
      : G4VSensitiveDetector(name), region_(model, readout, gap, gas, seed, name, std::move(setting)) {
    collectionName.insert("strips");
  }

  void Initialize(G4HCofThisEvent* all) override {
    hits_ = new StripHits(SensitiveDetectorName, collectionName[0]);
    if (id_ < 0) id_ = G4SDManager::GetSDMpointer()->GetCollectionID(hits_);
    all->AddHitsCollection(id_, hits_);
    const auto run = G4RunManager::GetRunManager()->GetCurrentRun()->GetRunID();
    const auto event = G4EventManager::GetEventManager()->GetConstCurrentEvent()->GetEventID();
    Guarded([&] { region_.Begin(static_cast<std::uint64_t>(run), static_cast<std::uint64_t>(event)); });
  }

  void EndOfEvent(G4HCofThisEvent*) override {
    Guarded([this] {
      for (const auto& hit : region_.Read()) hits_->insert(new StripHit(hit));
    });
  }

  /// Adds the electrons that `energy` frees at a point, in Geant4's units.
  void AddDeposit(const G4ThreeVector& local, G4double time, G4double energy) {
    Guarded([&] { region_.Deposit(Mm(local), Mm(local), time / ns, time / ns, energy / eV); });
  }

  /// Adds one free electron, such as those that Heed makes, in Geant4's units.
  void AddElectron(const G4ThreeVector& local, G4double time) {
    Guarded([&] { region_.Electron(Mm(local), time / ns); });
  }

  /// Electrons of this event that were freed in the gap.
  std::uint64_t Primaries() const { return region_.Primaries(); }

 protected:
  /// A charged particle leaves its energy along the step; a neutral one at its end, where it interacts.
  G4bool ProcessHits(G4Step* step, G4TouchableHistory*) override {
    const G4double energy = step->GetTotalEnergyDeposit() - step->GetNonIonizingEnergyDeposit();
    if (!(energy > 0.)) return false;
    const auto* before = step->GetPreStepPoint();
    const auto* after = step->GetPostStepPoint();
    const bool charged = step->GetTrack()->GetDefinition()->GetPDGCharge() != 0.;
    const auto* from = charged ? before : after;
    // The volume of a step is that of its first point.
    const auto& to_local = before->GetTouchableHandle()->GetHistory()->GetTopTransform();
    Guarded([&] {
      region_.Deposit(Mm(to_local.TransformPoint(from->GetPosition())),
                      Mm(to_local.TransformPoint(after->GetPosition())), from->GetGlobalTime() / ns,
                      after->GetGlobalTime() / ns, energy / eV);
    });
    return true;
  }

 private:
  DriftRegion region_;
  StripHits* hits_ = nullptr;
  G4int id_ = -1;

  static DriftRegion::Vector Mm(const G4ThreeVector& place) {
    return {place.x() / mm, place.y() / mm, place.z() / mm};
  }

  /// Geant4 ends a run in its own way, and not by an exception of C++.
  template <class F>
  void Guarded(F work) {
    try {
      work();
    } catch (const std::exception& error) {
      G4Exception(GetName().c_str(), "townsend", FatalException, error.what());
    }
  }
};

/// Slow electrons end in the drift gap where they are, instead of being tracked: a fast simulation model
/// whose envelope is a region with the gap's volume as its root. The physics list must have
/// `G4FastSimulationPhysics` activated for e-.
///
/// What Geant4 tracks to its end in the gap leaves the same electrons behind; this saves the tracking, and is
/// the way in for electrons that another program has made. Charged particles that cross the gap are not its
/// business: their steps go to the sensitive detector.
class ElectronModel : public G4VFastSimulationModel {
 public:
  /// What an electron is worth.
  enum class Worth {
    Energy,       ///< Its kinetic energy frees electrons, as a deposit.
    OneElectron,  ///< It is one of the free electrons, as a Heed model makes them as secondary particles.
  };

  /// Electrons with less kinetic energy than `below` are taken. One of 1 keV goes some 30 um far in argon,
  /// which is below the pitch of the holes.
  ElectronModel(const G4String& name, G4Region* envelope, SensitiveDetector& drift, G4double below = 1. * keV,
                Worth worth = Worth::Energy)
      : G4VFastSimulationModel(name, envelope), drift_(&drift), below_(below), worth_(worth) {}

  G4bool IsApplicable(const G4ParticleDefinition& particle) override {
    return &particle == G4Electron::Definition();
  }

  G4bool ModelTrigger(const G4FastTrack& track) override {
    return track.GetPrimaryTrack()->GetKineticEnergy() < below_;
  }

  void DoIt(const G4FastTrack& track, G4FastStep& step) override {
    const auto* electron = track.GetPrimaryTrack();
    const G4double energy = electron->GetKineticEnergy();
    const auto local = track.GetPrimaryTrackLocalPosition();
    if (worth_ == Worth::OneElectron) {
      drift_->AddElectron(local, electron->GetGlobalTime());
    } else {
      drift_->AddDeposit(local, electron->GetGlobalTime(), energy);
    }
    // Geant4 does not call the sensitive detector for such a step, so nothing is counted twice.
    step.KillPrimaryTrack();
    step.ProposePrimaryTrackPathLength(0.);
    step.ProposeTotalEnergyDeposited(energy);
  }

 private:
  SensitiveDetector* drift_;
  G4double below_;
  Worth worth_;
};

}  // namespace townsend::geant4

#endif
