"""Photoelectrons of an iron-55 source in Geant4, with avalanches and strips of townsend, in Python.

    pip install geant4-pybind townsend
    python iron55.py 50

Geant4 puts electrons of 5.9 keV into a drift gap of argon/isobutane. The sensitive detector of the gap keeps
where and when energy is left; after the run each deposit frees electrons, these drift to the first foil and
make an avalanche each, and the strips of the anode record them. `strip_hits` does that for deposits of any
kind. Charged particles that cross the gap need a physics list with energy loss, such as FTFP_BERT, and Geant4's
data files; this program needs neither: electrons are stopped where they start, as `G4UserLimits` says.
"""

import os
import sys
import tempfile

import numpy as np

import townsend

W_EV, FANO = 26.1, 0.18  # energy for one electron, and Fano factor, of Ar/iC4H10 90/10
VELOCITY_MM_NS = 0.0369  # drift velocity at 1.5 kV/cm, without a magnetic field
LONGITUDINAL_MM, TRANSVERSE_MM = 0.163, 0.384  # diffusion after 1 cm
INCLUDED_MM = 0.12  # how far above the first foil the avalanches of the model start


def freed_electrons(energy_ev, random):
    """Numbers of electrons, from a normal distribution: for deposits of some 10 electrons and more."""
    mean = energy_ev / W_EV
    return np.maximum(0, np.rint(random.normal(mean, np.sqrt(FANO * mean)))).astype(np.int64)


def strip_hits(events, deposits, model, detector, seed=1):
    """The strip hits of deposits with the columns event, x, z, height above the first foil (mm), time (ns) and
    energy (eV), in the order of their events, which are numbered from 0. Returns what `townsend.readout` does,
    and the number of electrons that each event freed."""
    event, x, z, height, time, energy = np.asarray(deposits, float).reshape(-1, 6).T
    random = np.random.default_rng(seed)
    freed = freed_electrons(energy, random)
    event, x, z, height, time = (np.repeat(column, freed) for column in (event, x, z, height, time))
    length = np.maximum(0, height - INCLUDED_MM)
    root_cm = np.sqrt(length / 10)
    x = x + random.normal(size=len(x)) * TRANSVERSE_MM * root_cm
    z = z + random.normal(size=len(z)) * TRANSVERSE_MM * root_cm
    time = time + (length + random.normal(size=len(time)) * LONGITUDINAL_MM * root_cm) / VELOCITY_MM_NS
    # An avalanche of each; those of an event together are one set of electrons.
    avalanches = model.generate(len(x), seed=seed)
    sizes = np.diff(avalanches.offsets)
    primaries = np.bincount(event.astype(int), minlength=events)
    offsets = avalanches.offsets[np.concatenate([[0], np.cumsum(primaries)])]
    together = townsend.Avalanches.from_arrays(
        offsets,
        avalanches.x + np.repeat(x, sizes).astype(np.float32),
        avalanches.z + np.repeat(z, sizes).astype(np.float32),
        avalanches.t + np.repeat(time, sizes).astype(np.float32),
    )
    hits, _ = townsend.readout(together, detector, seed)
    return hits, primaries


def as_placed(detector):
    """A detector whose strips take electrons where they are, instead of placing events on them at random. Its
    table of the readout has to be the last."""
    return townsend.detector(detector) + "\nregion_mm = [0.0, 0.0]\n"


def without_data_files():
    """What Geant4 asks for when it starts, empty: this program needs none of its data."""
    folder = tempfile.mkdtemp()
    open(os.path.join(folder, "ENSDFSTATE.dat"), "w").close()
    names = "LEDATA LEVELGAMMADATA NEUTRONHPDATA RADIOACTIVEDATA SAIDXSDATA PARTICLEXSDATA ABLADATA INCLDATA"
    for name in (names + " PIIDATA ENSDFSTATEDATA REALSURFACEDATA CHANNELINGDATA").split():
        os.environ["G4" + name] = folder
    os.environ["GEANT4_DATA_DIR"] = folder


def deposits_of_geant4(events):
    """Photoelectrons evenly over the heights of a drift gap and 10 mm of x; a row each, as `strip_hits` takes
    them."""
    without_data_files()
    import geant4_pybind as g4

    rows = []
    half = 2.5 * g4.mm

    class Drift(g4.G4VSensitiveDetector):
        def ProcessHits(self, step, history):
            energy = step.GetTotalEnergyDeposit() - step.GetNonIonizingEnergyDeposit()
            if energy <= 0:
                return False
            after = step.GetPostStepPoint()
            to_local = step.GetPreStepPoint().GetTouchable().GetHistory().GetTopTransform()
            place = to_local.TransformPoint(after.GetPosition())
            number = g4.G4EventManager.GetEventManager().GetConstCurrentEvent().GetEventID()
            height = (place.z + half) / g4.mm
            rows.append((number, place.x / g4.mm, place.y / g4.mm, height, after.GetGlobalTime() / g4.ns, energy / g4.eV))
            return True

    class Chamber(g4.G4VUserDetectorConstruction):
        def Construct(self):
            argon = g4.G4NistManager.Instance().FindOrBuildMaterial("G4_Ar")
            world = g4.G4LogicalVolume(g4.G4Box("world", 6 * g4.cm, 6 * g4.cm, 3 * g4.cm), argon, "world")
            self.gap = g4.G4LogicalVolume(g4.G4Box("drift", 5 * g4.cm, 5 * g4.cm, half), argon, "drift")
            # Particles of less than 100 keV end where they are, and leave their energy there.
            self.limits = g4.G4UserLimits(1 * g4.mm, 1 * g4.m, 1 * g4.ms, 100 * g4.keV)
            self.gap.SetUserLimits(self.limits)
            self.placed = g4.G4PVPlacement(None, g4.G4ThreeVector(0, 0, 1 * g4.cm), self.gap, "drift", world, False, 0)
            return g4.G4PVPlacement(None, g4.G4ThreeVector(), world, "world", None, False, 0)

        def ConstructSDandField(self):
            self.drift = Drift("drift")
            g4.G4SDManager.GetSDMpointer().AddNewDetector(self.drift)
            self.SetSensitiveDetector(self.gap, self.drift)

    class Source(g4.G4VUserPrimaryGeneratorAction):
        def __init__(self):
            super().__init__()
            self.gun = g4.G4ParticleGun(1)
            self.gun.SetParticleDefinition(g4.G4ParticleTable.GetParticleTable().FindParticle("e-"))
            self.gun.SetParticleEnergy(5.9 * g4.keV)
            self.gun.SetParticleMomentumDirection(g4.G4ThreeVector(0, 0, -1))

        def GeneratePrimaries(self, event):
            x, z = ((g4.G4UniformRand() - 0.5) * width for width in (10 * g4.mm, 2 * half))
            self.gun.SetParticlePosition(g4.G4ThreeVector(x, 0, 1 * g4.cm + z))
            self.gun.GeneratePrimaryVertex(event)

    class Actions(g4.G4VUserActionInitialization):
        def Build(self):
            self.source = Source()
            self.SetUserAction(self.source)

    manager = g4.G4RunManagerFactory.CreateRunManager(g4.G4RunManagerType.Serial)
    manager.SetUserInitialization(Chamber())
    physics = g4.G4VModularPhysicsList()
    physics.RegisterPhysics(g4.G4DecayPhysics())
    physics.RegisterPhysics(g4.G4StepLimiterPhysics())
    manager.SetUserInitialization(physics)
    manager.SetUserInitialization(Actions())
    manager.Initialize()
    manager.BeamOn(events)
    return rows


if __name__ == "__main__":
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    rows = deposits_of_geant4(events)
    hits, primaries = strip_hits(events, rows, townsend.load("planar_triple_gem"), as_placed("cgem"))
    charges = np.bincount(hits["event"].astype(int), hits["charge_fC"], minlength=events)
    print(f"{events} photoelectrons: {primaries.mean():.1f} electrons, {charges.mean():.0f} fC on the strips each")
