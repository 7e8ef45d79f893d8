// A stand-in for the part of Geant4 that contrib/geant4 uses, so that the tests need no Geant4. Names and
// types are those of its public interface. What it simulates is made up: a gun's particle goes straight down
// through the boxes of the world in steps of at most 0.5 mm and leaves 270 eV/mm in each, plus in each box
// that is the root of a region one electron of 400 eV, which is offered to the region's fast simulation
// models. Events are shared out among as many threads as G4FORCENUMBEROFTHREADS says, each with its own
// sensitive detectors. The tests let every header of Geant4 that is included be this one.
#pragma once

#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

// Units and vectors.
using G4double = double;
using G4int = int;
using G4bool = bool;
using G4String = std::string;

constexpr double mm = 1., cm = 10., cm3 = 1000., ns = 1., MeV = 1., eV = 1e-6, keV = 1e-3, GeV = 1e3, kelvin = 1.;
constexpr double mg = 6.241509074e15;

#define G4cout std::cout
#define G4cerr std::cerr
#define G4endl std::endl

class G4ThreeVector {
 public:
  G4ThreeVector(double x = 0., double y = 0., double z = 0.) : v_{x, y, z} {}
  double x() const { return v_[0]; }
  double y() const { return v_[1]; }
  double z() const { return v_[2]; }

 private:
  double v_[3];
};

inline G4ThreeVector operator+(const G4ThreeVector& a, const G4ThreeVector& b) {
  return {a.x() + b.x(), a.y() + b.y(), a.z() + b.z()};
}
inline G4ThreeVector operator*(double f, const G4ThreeVector& a) { return {f * a.x(), f * a.y(), f * a.z()}; }

enum G4ExceptionSeverity { FatalException };
inline void G4Exception(const char* origin, const char* code, G4ExceptionSeverity, const char* what) {
  throw std::runtime_error(std::string(origin) + " " + code + ": " + what);
}

// Particles, materials, volumes.
class G4ParticleDefinition {
 public:
  G4ParticleDefinition(double charge) : charge_(charge) {}
  double GetPDGCharge() const { return charge_; }

 private:
  double charge_;
};

struct G4Electron {
  static G4ParticleDefinition* Definition() {
    static G4ParticleDefinition electron(-1.);
    return &electron;
  }
};

class G4ParticleTable {
 public:
  static G4ParticleTable* GetParticleTable() {
    static G4ParticleTable table;
    return &table;
  }
  G4ParticleDefinition* FindParticle(const G4String& name) {
    static G4ParticleDefinition pion(-1.), gamma(0.);
    return name == "gamma" ? &gamma : name == "e-" ? G4Electron::Definition() : &pion;
  }
};

enum G4State { kStateGas };
class G4Element {};
class G4Material {
 public:
  G4Material(const G4String&, double, int, G4State, double) {}
  void AddElement(G4Element*, int) {}
  void AddMaterial(G4Material*, double) {}
};

class G4NistManager {
 public:
  static G4NistManager* Instance() {
    static G4NistManager nist;
    return &nist;
  }
  G4Material* FindOrBuildMaterial(const G4String&) { return &material_; }
  G4Element* FindOrBuildElement(const G4String&) { return &element_; }

 private:
  G4Material material_{"", 0., 0, kStateGas, 0.};
  G4Element element_;
};

class G4Box {
 public:
  G4Box(const G4String&, double, double, double z) : half_z(z) {}
  double half_z;
};

class G4UserLimits {
 public:
  G4UserLimits(double) {}
};

class G4VSensitiveDetector;
class G4Region;
class G4RotationMatrix;
class G4LogicalVolume;
class G4VPhysicalVolume {
 public:
  G4LogicalVolume* logical = nullptr;
  G4ThreeVector place;
};

class G4LogicalVolume {
 public:
  G4LogicalVolume(G4Box* solid, G4Material*, const G4String&) : box(solid) {}
  void SetUserLimits(G4UserLimits*) {}
  G4Box* box;
  G4Region* region = nullptr;
  std::vector<G4VPhysicalVolume*> daughters;
};

class G4PVPlacement : public G4VPhysicalVolume {
 public:
  G4PVPlacement(G4RotationMatrix*, const G4ThreeVector& at, G4LogicalVolume* of, const G4String&,
                G4LogicalVolume* mother, bool, int) {
    logical = of;
    place = at;
    if (mother != nullptr) mother->daughters.push_back(this);
  }
};

class G4VFastSimulationModel;
class G4Region {
 public:
  explicit G4Region(const G4String& name) { All()[name] = this; }
  void AddRootLogicalVolume(G4LogicalVolume* volume) { volume->region = this; }
  std::vector<G4VFastSimulationModel*>& Models() {  // of this thread
    thread_local std::map<G4Region*, std::vector<G4VFastSimulationModel*>> models;
    return models[this];
  }
  static std::map<std::string, G4Region*>& All() {
    static std::map<std::string, G4Region*> all;
    return all;
  }
};

struct G4RegionStore {
  static G4RegionStore* GetInstance() {
    static G4RegionStore store;
    return &store;
  }
  G4Region* GetRegion(const G4String& name) { return G4Region::All().at(name); }
};

// Tracks and steps. The local coordinates of a volume are shifted and turned about z.
class G4AffineTransform {
 public:
  G4AffineTransform(const G4ThreeVector& place = {}, double turned = 0.) : place_(place), turned_(turned) {}
  G4ThreeVector TransformPoint(const G4ThreeVector& world) const {
    const auto from = world + (-1.) * place_;
    const double c = std::cos(turned_), s = std::sin(turned_);
    return {c * from.x() + s * from.y(), -s * from.x() + c * from.y(), from.z()};
  }

 private:
  G4ThreeVector place_;
  double turned_;
};

struct G4NavigationHistory {
  G4AffineTransform top;
  const G4AffineTransform& GetTopTransform() const { return top; }
};
class G4TouchableHistory;
struct G4VTouchable {
  G4NavigationHistory history;
  const G4NavigationHistory* GetHistory() const { return &history; }
};
using G4TouchableHandle = std::shared_ptr<G4VTouchable>;

struct G4StepPoint {
  G4ThreeVector place;
  double time = 0.;
  G4TouchableHandle touchable;
  const G4ThreeVector& GetPosition() const { return place; }
  double GetGlobalTime() const { return time; }
  const G4TouchableHandle& GetTouchableHandle() const { return touchable; }
};

struct G4Track {
  G4ParticleDefinition* particle = nullptr;
  G4ThreeVector place;
  double time = 0., energy = 0.;
  G4ParticleDefinition* GetDefinition() const { return particle; }
  double GetKineticEnergy() const { return energy; }
  double GetGlobalTime() const { return time; }
};

struct G4Step {
  G4StepPoint before, after;
  G4Track* track = nullptr;
  double deposit = 0., without_ionisation = 0.;
  const G4StepPoint* GetPreStepPoint() const { return &before; }
  const G4StepPoint* GetPostStepPoint() const { return &after; }
  const G4Track* GetTrack() const { return track; }
  double GetTotalEnergyDeposit() const { return deposit; }
  double GetNonIonizingEnergyDeposit() const { return without_ionisation; }
};

// Hits and sensitive detectors.
class G4VHit {
 public:
  virtual ~G4VHit() = default;
  virtual void Print() {}
};

class G4VHitsCollection {
 public:
  virtual ~G4VHitsCollection() = default;
  std::string name;
};

template <class T>
class G4THitsCollection : public G4VHitsCollection {
 public:
  G4THitsCollection(const G4String& detector, const G4String& collection) { name = detector + "/" + collection; }
  std::size_t insert(T* hit) {
    hits_.emplace_back(hit);
    return hits_.size();
  }
  std::size_t entries() const { return hits_.size(); }
  T* operator[](std::size_t i) const { return hits_[i].get(); }
  void PrintAllHits() {
    for (auto& hit : hits_) hit->Print();
  }

 private:
  std::vector<std::unique_ptr<T>> hits_;
};

class G4HCofThisEvent {
 public:
  void AddHitsCollection(G4int id, G4VHitsCollection* hits) { hits_[id].reset(hits); }
  G4VHitsCollection* GetHC(G4int id) { return hits_.at(id).get(); }

 private:
  std::map<G4int, std::unique_ptr<G4VHitsCollection>> hits_;
};

struct G4CollectionNameVector : std::vector<G4String> {
  void insert(const G4String& name) { push_back(name); }
};

class G4VSensitiveDetector {
 public:
  explicit G4VSensitiveDetector(const G4String& name) : SensitiveDetectorName(name) {}
  virtual ~G4VSensitiveDetector() = default;
  virtual void Initialize(G4HCofThisEvent*) {}
  virtual void EndOfEvent(G4HCofThisEvent*) {}
  G4bool Hit(G4Step* step) { return ProcessHits(step, nullptr); }
  G4String GetName() const { return SensitiveDetectorName; }
  const G4CollectionNameVector& Collections() const { return collectionName; }

 protected:
  virtual G4bool ProcessHits(G4Step*, G4TouchableHistory*) = 0;
  G4CollectionNameVector collectionName;
  G4String SensitiveDetectorName;
};

class G4SDManager {
 public:
  static G4SDManager* GetSDMpointer() {
    thread_local G4SDManager manager;
    return &manager;
  }
  void AddNewDetector(G4VSensitiveDetector* detector) {
    detectors.emplace_back(detector);
    for (const auto& name : detector->Collections()) names_.push_back(detector->GetName() + "/" + name);
  }
  G4int GetCollectionID(const G4VHitsCollection* hits) { return GetCollectionID(hits->name); }
  G4int GetCollectionID(const G4String& name) {
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (names_[i] == name) return static_cast<G4int>(i);
    }
    return -1;
  }
  std::vector<std::unique_ptr<G4VSensitiveDetector>> detectors;
  std::map<const G4LogicalVolume*, G4VSensitiveDetector*> of_volume;

 private:
  std::vector<std::string> names_;
};

// Fast simulation.
class G4FastTrack {
 public:
  G4FastTrack(const G4Track& track, const G4ThreeVector& local) : track_(track), local_(local) {}
  const G4Track* GetPrimaryTrack() const { return &track_; }
  G4ThreeVector GetPrimaryTrackLocalPosition() const { return local_; }

 private:
  const G4Track& track_;
  G4ThreeVector local_;
};

class G4FastStep {
 public:
  void KillPrimaryTrack() { killed = true; }
  void ProposePrimaryTrackPathLength(double) {}
  void ProposeTotalEnergyDeposited(double energy) { deposited = energy; }
  bool killed = false;
  double deposited = 0.;
};

class G4VFastSimulationModel {
 public:
  G4VFastSimulationModel(const G4String&, G4Region* envelope) { envelope->Models().push_back(this); }
  virtual ~G4VFastSimulationModel() = default;
  virtual G4bool IsApplicable(const G4ParticleDefinition&) = 0;
  virtual G4bool ModelTrigger(const G4FastTrack&) = 0;
  virtual void DoIt(const G4FastTrack&, G4FastStep&) = 0;
};

// Events, runs and what a user's program adds.
class G4Event {
 public:
  explicit G4Event(G4int id) : id_(id) {}
  G4int GetEventID() const { return id_; }
  G4HCofThisEvent* GetHCofThisEvent() const { return &hits; }
  mutable G4HCofThisEvent hits;
  G4ParticleDefinition* particle = nullptr;
  G4ThreeVector place;

 private:
  G4int id_;
};

class G4Run {
 public:
  G4int GetRunID() const { return id; }
  G4int id = 0;
};

class G4EventManager {
 public:
  static G4EventManager* GetEventManager() {
    thread_local G4EventManager manager;
    return &manager;
  }
  const G4Event* GetConstCurrentEvent() { return current; }
  const G4Event* current = nullptr;
};

class G4ParticleGun {
 public:
  explicit G4ParticleGun(int) {}
  void SetParticleDefinition(G4ParticleDefinition* particle) { particle_ = particle; }
  void SetParticleEnergy(double) {}
  void SetParticlePosition(const G4ThreeVector& place) { place_ = place; }
  void SetParticleMomentumDirection(const G4ThreeVector&) {}
  void GeneratePrimaryVertex(G4Event* event) {
    event->particle = particle_;
    event->place = place_;
  }

 private:
  G4ParticleDefinition* particle_ = nullptr;
  G4ThreeVector place_;
};

class G4VUserPrimaryGeneratorAction {
 public:
  virtual ~G4VUserPrimaryGeneratorAction() = default;
  virtual void GeneratePrimaries(G4Event*) = 0;
};

class G4UserEventAction {
 public:
  virtual ~G4UserEventAction() = default;
  virtual void EndOfEventAction(const G4Event*) {}
};

struct ActionsOfThread {
  std::unique_ptr<G4VUserPrimaryGeneratorAction> gun;
  std::unique_ptr<G4UserEventAction> event;
  static ActionsOfThread& Get() {
    thread_local ActionsOfThread actions;
    return actions;
  }
};

class G4VUserActionInitialization {
 public:
  virtual ~G4VUserActionInitialization() = default;
  virtual void Build() const = 0;

 protected:
  void SetUserAction(G4VUserPrimaryGeneratorAction* gun) const { ActionsOfThread::Get().gun.reset(gun); }
  void SetUserAction(G4UserEventAction* event) const { ActionsOfThread::Get().event.reset(event); }
};

class G4VUserDetectorConstruction {
 public:
  virtual ~G4VUserDetectorConstruction() = default;
  virtual G4VPhysicalVolume* Construct() = 0;
  virtual void ConstructSDandField() {}

 protected:
  void SetSensitiveDetector(G4LogicalVolume* volume, G4VSensitiveDetector* detector) {
    G4SDManager::GetSDMpointer()->of_volume[volume] = detector;
  }
};

struct G4StepLimiterPhysics {};
struct G4FastSimulationPhysics {
  void ActivateFastSimulation(const G4String&) {}
};
struct FTFP_BERT {
  explicit FTFP_BERT(int) {}
  template <class P>
  void RegisterPhysics(P* physics) {
    delete physics;
  }
};

class G4RunManager {
 public:
  static G4RunManager* GetRunManager() { return Instance(); }
  G4RunManager() { Instance() = this; }
  const G4Run* GetCurrentRun() const { return &run_; }
  void SetUserInitialization(G4VUserDetectorConstruction* detector) { detector_.reset(detector); }
  void SetUserInitialization(FTFP_BERT* physics) { physics_.reset(physics); }
  void SetUserInitialization(G4VUserActionInitialization* actions) { actions_.reset(actions); }
  void Initialize() { world_ = detector_->Construct(); }

  void BeamOn(int events) {
    const char* wanted = std::getenv("G4FORCENUMBEROFTHREADS");
    std::atomic<int> next{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < (wanted != nullptr ? std::atoi(wanted) : 1); ++i) {
      threads.emplace_back([&] {
        detector_->ConstructSDandField();
        actions_->Build();
        for (int event = next++; event < events; event = next++) OneEvent(event);
      });
    }
    for (auto& thread : threads) thread.join();
    ++run_.id;
  }

 private:
  G4Run run_;
  std::unique_ptr<G4VUserDetectorConstruction> detector_;
  std::unique_ptr<FTFP_BERT> physics_;
  std::unique_ptr<G4VUserActionInitialization> actions_;
  G4VPhysicalVolume* world_ = nullptr;

  static G4RunManager*& Instance() {
    static G4RunManager* instance = nullptr;
    return instance;
  }

  void OneEvent(int number) {
    G4Event event(number);
    G4EventManager::GetEventManager()->current = &event;
    auto& manager = *G4SDManager::GetSDMpointer();
    auto& actions = ActionsOfThread::Get();
    for (auto& detector : manager.detectors) detector->Initialize(&event.hits);
    actions.gun->GeneratePrimaries(&event);
    for (const auto* volume : world_->logical->daughters) Cross(event, *volume, manager);
    for (auto& detector : manager.detectors) detector->EndOfEvent(&event.hits);
    static std::mutex printing;
    const std::lock_guard lock(printing);
    actions.event->EndOfEventAction(&event);
  }

  static void Cross(const G4Event& event, const G4VPhysicalVolume& volume, G4SDManager& manager) {
    const double half = volume.logical->box->half_z, top = volume.place.z() + half;
    const auto touchable = std::make_shared<G4VTouchable>();
    touchable->history.top = G4AffineTransform(volume.place);
    G4Track track{event.particle, {}, 0., 1. * GeV};
    const int steps = static_cast<int>(std::ceil(2. * half / 0.5));
    for (int i = 0; i < steps; ++i) {
      G4Step step;
      const auto point = [&](int k) {
        const G4ThreeVector at(event.place.x(), event.place.y(), top - 2. * half * k / steps);
        return G4StepPoint{at, (event.place.z() - at.z()) / 299.792458, touchable};
      };
      step.before = point(i);
      step.after = point(i + 1);
      step.track = &track;
      step.deposit = 270. * eV * 2. * half / steps;
      const auto detector = manager.of_volume.find(volume.logical);
      if (detector != manager.of_volume.end()) detector->second->Hit(&step);
    }
    if (volume.logical->region == nullptr) return;
    const G4Track electron{G4Electron::Definition(), volume.place, 0., 400. * eV};
    const G4FastTrack fast(electron, touchable->history.top.TransformPoint(volume.place));
    for (auto* model : volume.logical->region->Models()) {
      G4FastStep step;
      if (model->IsApplicable(*electron.particle) && model->ModelTrigger(fast)) model->DoIt(fast, step);
    }
  }
};

struct G4RunManagerFactory {
  static G4RunManager* CreateRunManager() { return new G4RunManager; }
};

// The commands of a macro; those of physics are nothing to this.
class G4UImanager {
 public:
  static G4UImanager* GetUIpointer() {
    static G4UImanager manager;
    return &manager;
  }
  G4int ApplyCommand(const G4String& line) {
    std::istringstream words(line);
    std::string command, argument;
    words >> command >> argument;
    if (command == "/run/initialize") G4RunManager::GetRunManager()->Initialize();
    if (command == "/run/beamOn") G4RunManager::GetRunManager()->BeamOn(std::stoi(argument));
    if (command != "/control/execute") return 0;
    std::ifstream macro(argument);
    if (!macro) return 100;
    for (std::string next; std::getline(macro, next);) ApplyCommand(next);
    return 0;
  }
};
