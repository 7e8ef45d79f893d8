//! The same seed gives the same avalanches in every release.
//!
//! In rare cases a result depends on the last bit of the system's mathematical functions, so the digests hold
//! for Linux on x86-64.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use townsend_core::{Coordinate, Dataset, ElectronSet};
use townsend_sim::{Detector, Simulation, Start};

/// Detector, start, number of avalanches, electrons, and the first digits of the digest.
const KNOWN: [(&str, Start, u64, usize, &str); 18] = [
    ("cgem", Start::Cell, 40, 45_276, "d32b4df1db5d8516"),
    ("cgem", Start::Drift, 40, 30_576, "35d35268b3ecfce9"),
    ("cgem", AT, 40, 36_056, "becc5bb1570f0c16"),
    ("cgem", Start::Track, 2, 118_247, "b4327f62945b7487"),
    ("microscopic_275", Start::Cell, 40, 66_659, "95fd90769aa0a0b7"),
    ("microscopic_275", Start::Drift, 40, 35_894, "5f248f99a8045713"),
    ("microscopic_275", AT, 40, 49_336, "4290f821b7a6528e"),
    ("planar_triple_gem", Start::Cell, 40, 66_450, "b3386c9da76748ae"),
    ("planar_triple_gem", Start::Drift, 40, 35_716, "363af6cdcbdfc37c"),
    ("planar_triple_gem", AT, 40, 48_787, "c9c1f66a8db6f7ec"),
    ("planar_triple_gem", Start::Track, 2, 144_279, "f82790d9e230f3ba"),
    ("reference2021", Start::Cell, 40, 218_337, "7ecf75909e6e4140"),
    ("reference2021", Start::Drift, 40, 148_333, "fec060fc46eb8870"),
    ("reference2021", AT, 40, 185_016, "1ee4429a4e38b3b1"),
    ("triple_gem_1t", Start::Cell, 40, 44_681, "e7acdf700eb57ab5"),
    ("triple_gem_1t", Start::Drift, 40, 32_200, "69f96eda54e2aced"),
    ("triple_gem_ar_co2", Start::Cell, 40, 55_423, "5ab0c92e09402e68"),
    ("triple_gem_ar_co2", Start::Drift, 40, 33_330, "c9f38d1dc63bae93"),
];
const AT: Start = Start::At { x_um: 30.0, z_um: -20.0 };

#[test]
fn avalanches_are_those_of_earlier_releases() {
    for (name, start, avalanches, electrons, digest) in KNOWN {
        let detector = Detector::from_toml(Detector::shipped(name).unwrap()).unwrap();
        let simulation = Simulation::new(&detector).unwrap();
        let mut set = ElectronSet::default();
        simulation.blocks(7, 3..3 + avalanches, start).for_each(|block| set.append(&block));
        assert_eq!((set.len() as u64, set.column(Coordinate::X).len()), (avalanches, electrons));
        assert_eq!(Dataset::from(set).digest()[..16], *digest, "{name} {start:?}");
    }
}
