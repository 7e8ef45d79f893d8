// A flat triple GEM in Geant4: particles cross the drift gap, and every event prints its strip hits.
//
//   cmake -S contrib/geant4 -B build && cmake --build build      # after Geant4's geant4.sh
//   build/triple_gem contrib/geant4/triple_gem.mac               # model and detector: arguments 2 and 3
#include <FTFP_BERT.hh>
#include <G4Box.hh>
#include <G4FastSimulationPhysics.hh>
#include <G4LogicalVolume.hh>
#include <G4Material.hh>
#include <G4NistManager.hh>
#include <G4PVPlacement.hh>
#include <G4ParticleGun.hh>
#include <G4ParticleTable.hh>
#include <G4RegionStore.hh>
#include <G4RunManagerFactory.hh>
#include <G4StepLimiterPhysics.hh>
#include <G4UImanager.hh>
#include <G4UserEventAction.hh>
#include <G4UserLimits.hh>
#include <G4VUserActionInitialization.hh>
#include <G4VUserDetectorConstruction.hh>
#include <G4VUserPrimaryGeneratorAction.hh>
#include <exception>
#include <string>

#include "townsend_geant4.hh"

namespace {

/// Layers along z, from the window at the top: a drift gap of 5 mm, three foils, gaps of 2 mm, the anode.
class TripleGem : public G4VUserDetectorConstruction {
 public:
  TripleGem(const std::string& model, const std::string& detector) : model_(model), readout_(detector) {}

  G4VPhysicalVolume* Construct() override {
    auto* nist = G4NistManager::Instance();
    auto* kapton = nist->FindOrBuildMaterial("G4_KAPTON");
    // Ar/iC4H10 90/10 by volume at 293.15 K and 760 Torr: 0.9 x 1.6617 + 0.1 x 2.4162 mg/cm3 of ideal gases.
    auto* isobutane = new G4Material("iC4H10", 2.4162 * mg / cm3, 2, kStateGas, 293.15 * kelvin);
    isobutane->AddElement(nist->FindOrBuildElement("C"), 4);
    isobutane->AddElement(nist->FindOrBuildElement("H"), 10);
    auto* gas = new G4Material("gas", 1.7372 * mg / cm3, 2, kStateGas, 293.15 * kelvin);
    gas->AddMaterial(nist->FindOrBuildMaterial("G4_Ar"), 0.8609);
    gas->AddMaterial(isobutane, 0.1391);

    auto* world = new G4LogicalVolume(new G4Box("world", 6. * cm, 6. * cm, 3. * cm),
                                      nist->FindOrBuildMaterial("G4_AIR"), "world");
    G4double top = 1. * cm;
    const auto layer = [&](const char* name, G4Material* material, G4double thickness) {
      auto* logical = new G4LogicalVolume(new G4Box(name, 5. * cm, 5. * cm, thickness / 2.), material, name);
      new G4PVPlacement(nullptr, G4ThreeVector(0., 0., top - thickness / 2.), logical, name, world, false, 0);
      top -= thickness;
      return logical;
    };
    layer("window", kapton, 0.1 * mm);
    drift_ = layer("drift", gas, kDrift);
    for (int foil = 0; foil < 3; ++foil) {
      layer("foil", kapton, 0.06 * mm);
      layer("gap", gas, 2. * mm);
    }
    layer("anode", kapton, 0.3 * mm);
    // Short steps, so that deposits lie where they were made along the track.
    drift_->SetUserLimits(new G4UserLimits(0.3 * mm));
    auto* region = new G4Region("drift");
    region->AddRootLogicalVolume(drift_);
    return new G4PVPlacement(nullptr, G4ThreeVector(), world, "world", nullptr, false, 0);
  }

  void ConstructSDandField() override {
    // In the coordinates of the drift gap's box the first foil is below its middle; electrons drift down.
    const auto gap = townsend::DriftGap::Flat({0., 0., -kDrift / 2. / mm}, {0., 0., 1.}, {1., 0., 0.}, {0., 1., 0.});
    auto* gem = new townsend::geant4::SensitiveDetector("gem", model_, readout_, gap, townsend::DriftGas{}, 1);
    G4SDManager::GetSDMpointer()->AddNewDetector(gem);
    SetSensitiveDetector(drift_, gem);
    auto* region = G4RegionStore::GetInstance()->GetRegion("drift");
    new townsend::geant4::ElectronModel("slow electrons", region, *gem);
  }

 private:
  static constexpr G4double kDrift = 5. * mm;

  townsend::Model model_;      // for all threads
  townsend::Readout readout_;  // likewise
  G4LogicalVolume* drift_ = nullptr;
};

/// Pions of 1 GeV, straight down.
class Gun : public G4VUserPrimaryGeneratorAction {
 public:
  Gun() {
    gun_.SetParticleDefinition(G4ParticleTable::GetParticleTable()->FindParticle("pi-"));
    gun_.SetParticleEnergy(1. * GeV);
    gun_.SetParticlePosition({0., 0., 2. * cm});
    gun_.SetParticleMomentumDirection({0., 0., -1.});
  }
  void GeneratePrimaries(G4Event* event) override { gun_.GeneratePrimaryVertex(event); }

 private:
  G4ParticleGun gun_{1};
};

/// Prints the strip hits of every event.
class PrintHits : public G4UserEventAction {
 public:
  void EndOfEventAction(const G4Event* event) override {
    const auto id = G4SDManager::GetSDMpointer()->GetCollectionID("gem/strips");
    auto* hits = static_cast<townsend::geant4::StripHits*>(event->GetHCofThisEvent()->GetHC(id));
    G4cout << "event " << event->GetEventID() << " has " << hits->entries() << " hits" << G4endl;
    hits->PrintAllHits();
  }
};

class Actions : public G4VUserActionInitialization {
 public:
  void Build() const override {
    SetUserAction(new Gun);
    SetUserAction(new PrintHits);
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    G4cerr << "usage: triple_gem MACRO [MODEL [DETECTOR]]" << G4endl;
    return 2;
  }
  try {
    auto* detector = new TripleGem(argc > 2 ? argv[2] : "planar_triple_gem", argc > 3 ? argv[3] : "cgem");
    auto* manager = G4RunManagerFactory::CreateRunManager();
    manager->SetUserInitialization(detector);
    auto* physics = new FTFP_BERT(0);
    physics->RegisterPhysics(new G4StepLimiterPhysics);
    auto* fast = new G4FastSimulationPhysics;
    fast->ActivateFastSimulation("e-");
    physics->RegisterPhysics(fast);
    manager->SetUserInitialization(physics);
    manager->SetUserInitialization(new Actions);
    const auto wrong = G4UImanager::GetUIpointer()->ApplyCommand(std::string("/control/execute ") + argv[1]);
    delete manager;
    return wrong == 0 ? 0 : 1;
  } catch (const std::exception& error) {
    G4cerr << "error: " << error.what() << G4endl;
    return 1;
  }
}
