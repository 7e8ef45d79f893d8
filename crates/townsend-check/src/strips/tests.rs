use townsend_core::{Grid, Silent};

use super::*;

fn named<'a>(found: &'a [Quantity], name: &str) -> &'a [f64] {
    &found.iter().find(|quantity| quantity.name == name).unwrap().values
}

/// With all electrons at one point each view has one hit, whose charge is that of its electrons and whose
/// centre is at most half a pitch away.
#[test]
fn a_point_hits_one_strip_of_each_view() {
    let mut set = ElectronSet::default();
    (0..400).for_each(|_| set.push(&[0.4; 500], &[0.2; 500], &[170.0; 500]));
    let found = strips(&set.into(), 1, &Silent).unwrap();
    for view in ["x", "v"] {
        assert_eq!(named(&found, &format!("{view}_cluster_size")), [1.0; 400]);
        assert_eq!(named(&found, &format!("{view}_earliest_time")), [170.0; 400]);
        // Positions are uniform over the strips, so the residual is uniform over a pitch: its spread is 650
        // µm/√12.
        let residual = named(&found, &format!("{view}_residual"));
        assert!(residual.iter().all(|r| r.abs() <= 0.325 + 1e-4));
        let spread = (residual.iter().map(|r| r * r).sum::<f64>() / 400.0).sqrt();
        assert!((spread - 0.65 / 12f64.sqrt()).abs() < 0.02, "{spread}");
    }
    // The charge of an electron, fC.
    let one = 1.602_176_634e-4;
    for (x, v) in named(&found, "x_charge").iter().zip(named(&found, "v_charge")) {
        assert!((x + v - 500.0 * one).abs() < 1e-3 * 500.0 * one, "every electron is seen by one view");
    }
    // The centroid is where the avalanche started, 0.4 mm in x, to within half a pitch.
    let mean = named(&found, "x_centroid").iter().sum::<f64>() / 400.0;
    assert!((mean - 0.4).abs() < 4.0 * 0.188 / 20.0, "{mean}");
}

#[test]
fn the_stereo_view_measures_its_own_direction() {
    let mut set = ElectronSet::default();
    (0..400).for_each(|_| set.push(&[0.0; 300], &[1.0; 300], &[170.0; 300]));
    let found = strips(&set.into(), 1, &Silent).unwrap();
    let mean = |name: &str| named(&found, name).iter().sum::<f64>() / 400.0;
    let angle = Strips::new().unwrap().of.stereo_deg.to_radians();
    assert!(mean("x_centroid").abs() < 4.0 * 0.188 / 20.0);
    assert!((mean("v_centroid") - angle.sin()).abs() < 4.0 * 0.188 / 20.0);
}

#[test]
fn what_strips_cannot_read_is_said() {
    let mut set = ElectronSet::default();
    set.push(&[], &[], &[]);
    set.push(&[0.0], &[0.0], &[170.0]);
    let found = strips(&set.clone().into(), 1, &Silent).unwrap();
    // A single electron is collected in one view only, and the empty avalanche has no hits.
    let seen: usize = ["x_charge", "v_charge"].iter().map(|name| named(&found, name).len()).sum();
    assert_eq!(seen, 1);
    let counts = set.to_counts(&Grid::standard(3).unwrap());
    assert!(strips(&counts.into(), 1, &Silent).unwrap_err().contains("not of counts"));
    set.meta.units[0] = "cm".into();
    assert!(strips(&set.into(), 1, &Silent).unwrap_err().contains("not cm, mm, ns"));
}
