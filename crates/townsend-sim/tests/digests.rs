//! The same seed gives the same avalanches in every release.
//!
//! In rare cases a result depends on the last bit of the system's mathematical functions, so the digests hold
//! for Linux on x86-64.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use townsend_core::{Coordinate, Dataset, ElectronSet};
use townsend_sim::{Detector, Simulation, Start};

/// Detector, start, number of avalanches, electrons, and the first digits of the digest.
const KNOWN: [(&str, Start, u64, usize, &str); 22] = [
    ("cgem", Start::Cell, 40, 427_023, "0e0007178a856569"),
    ("cgem", Start::Drift, 40, 269_205, "68dd7adb45cb9e83"),
    ("cgem", AT, 40, 308_063, "72d4935888333a91"),
    ("cgem", Start::Track, 2, 1_335_459, "bc8c5b12add8d353"),
    ("microscopic_275", Start::Cell, 40, 66_659, "d4bbc4404c429144"),
    ("microscopic_275", Start::Drift, 40, 35_894, "183f9e85abb3e1bc"),
    ("microscopic_275", AT, 40, 49_336, "2544445cdb2fa25e"),
    ("planar_triple_gem", Start::Cell, 40, 475_028, "bfd2919edaff2a5d"),
    ("planar_triple_gem", Start::Drift, 40, 267_252, "68bc423a9ed703b0"),
    ("planar_triple_gem", AT, 40, 333_791, "2dfdb8e1ce7785c8"),
    ("planar_triple_gem", Start::Track, 2, 967_916, "b027ba1106803929"),
    ("reference2021", Start::Cell, 40, 218_337, "7ecf75909e6e4140"),
    ("reference2021", Start::Drift, 40, 148_333, "fec060fc46eb8870"),
    ("reference2021", AT, 40, 185_016, "1ee4429a4e38b3b1"),
    ("micromegas", Start::Cell, 4, 38_125, "75a36bf66bf30161"),
    ("single_gem", Start::Drift, 40, 299, "f4e69898f57c9dc6"),
    ("quadruple_gem", Start::Cell, 4, 94_021, "ceb5295c27646e09"),
    ("micromegas", Start::Drift, 4, 44_341, "944182c77ad61e55"),
    ("triple_gem_1t", Start::Cell, 40, 44_681, "87a39245d313596b"),
    ("triple_gem_1t", Start::Drift, 40, 32_200, "6b65e3b6e488968e"),
    ("triple_gem_ar_co2", Start::Cell, 40, 55_423, "5038400228e72564"),
    ("triple_gem_ar_co2", Start::Drift, 40, 33_330, "e27dc7b879a9e18d"),
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
