//! The same seed gives the same avalanches in every release.
//!
//! In rare cases a result depends on the last bit of the system's mathematical functions, so the digests hold
//! for Linux on x86-64.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use townsend_core::{Coordinate, Dataset, ElectronSet};
use townsend_sim::{Detector, Simulation, Start};

/// Detector, start, number of avalanches, electrons, and the first digits of the digest.
const KNOWN: [(&str, Start, u64, usize, &str); 22] = [
    ("cgem", Start::Cell, 40, 427_023, "7c31471695e70853"),
    ("cgem", Start::Drift, 40, 269_184, "ec4db3424e2b3b88"),
    ("cgem", AT, 40, 308_353, "d4678f7c4c6bee0d"),
    ("cgem", Start::Track, 2, 1_335_490, "f6cf22632729985b"),
    ("microscopic_275", Start::Cell, 40, 66_659, "95fd90769aa0a0b7"),
    ("microscopic_275", Start::Drift, 40, 35_894, "5f248f99a8045713"),
    ("microscopic_275", AT, 40, 49_336, "4290f821b7a6528e"),
    ("planar_triple_gem", Start::Cell, 40, 475_028, "a14e699613a1d0dd"),
    ("planar_triple_gem", Start::Drift, 40, 267_252, "670cd68906ddf5a8"),
    ("planar_triple_gem", AT, 40, 333_791, "d6559dd05953cbf0"),
    ("planar_triple_gem", Start::Track, 2, 967_916, "cf7755082723d6e3"),
    ("reference2021", Start::Cell, 40, 218_337, "7ecf75909e6e4140"),
    ("reference2021", Start::Drift, 40, 148_333, "fec060fc46eb8870"),
    ("reference2021", AT, 40, 185_016, "1ee4429a4e38b3b1"),
    ("micromegas", Start::Cell, 4, 38_125, "75a36bf66bf30161"),
    ("single_gem", Start::Drift, 40, 299, "181f2ebb656ad341"),
    ("quadruple_gem", Start::Cell, 4, 94_021, "f86e009459f8b6b0"),
    ("micromegas", Start::Drift, 4, 44_341, "944182c77ad61e55"),
    ("triple_gem_1t", Start::Cell, 40, 44_681, "e7acdf700eb57ab5"),
    ("triple_gem_1t", Start::Drift, 40, 32_200, "69f96eda54e2aced"),
    ("triple_gem_ar_co2", Start::Cell, 40, 55_423, "5ab0c92e09402e68"),
    ("triple_gem_ar_co2", Start::Drift, 40, 33_330, "c9f38d1dc63bae93"),
];
const AT: Start = Start::At { x_um: 30.0, z_um: -20.0 };

#[test]
fn avalanches_are_those_of_earlier_releases() {
    let found = KNOWN.map(|(name, start, avalanches, ..)| {
        let detector = Detector::from_toml(Detector::shipped(name).unwrap()).unwrap();
        let simulation = Simulation::new(&detector).unwrap();
        let mut set = ElectronSet::default();
        simulation.blocks(7, 3..3 + avalanches, start).for_each(|block| set.append(&block));
        let (avalanches, electrons) = (set.len() as u64, set.column(Coordinate::X).len());
        (name, start, avalanches, electrons, Dataset::from(set).digest()[..16].to_string())
    });
    let known = KNOWN.map(|(name, start, avalanches, electrons, digest)| {
        (name, start, avalanches, electrons, digest.to_string())
    });
    assert!(found == known, "found {found:?}");
}
