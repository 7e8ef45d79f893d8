use super::*;

fn set(avalanches: &[&[(u32, u32, u32)]]) -> CountSet {
    let grid = Grid::standard(2).unwrap();
    let mut set = CountSet::new(grid.clone());
    for avalanche in avalanches {
        set.push(avalanche.iter().map(|&(x, z, n)| (grid.join([x, z, 0]), n)));
    }
    set
}

fn of_counts(set: &CountSet) -> Vec<Vec<f64>> {
    values(Source::Counts(set), set.grid())
}

#[test]
fn the_definitions_by_hand() {
    // x: 3 electrons in bin 31 (w = 1.5), 1 in bin 46 (w = 2); z: all four in bin 1 (w = 0.5).
    let values = of_counts(&set(&[&[(31, 1, 3), (46, 1, 1)], &[]]));
    let value = |name| {
        let k = DEFINITIONS.iter().position(|d| d.name == name).unwrap();
        assert!(values[k].len() == 1, "an empty avalanche has none");
        values[k][0]
    };
    assert_eq!(value("sum"), 4.0);
    assert_eq!(value("z_mean"), (4.5 + 2.0) / 4.0);
    let mean = 1.625f64;
    let squares = (4.5 - mean).powi(2) + (2.0 - mean).powi(2) + 88.0 * mean * mean;
    assert!((value("z_std") - squares.sqrt() / 4.0).abs() < 1e-14);
    assert_eq!(value("t_mean"), 0.5);
}

/// About the centre (w = 2) the width behaves as 2√Σp² = 2√(h / 2√π σ), which is 0.330 for σ = 0.345 mm and
/// bins of h = 1/30 mm (0.326 was published for about this σ).
#[test]
fn the_width_of_a_gaussian_is_an_inverse_participation_ratio() {
    let density = |i: u32| (-0.5 * ((f64::from(i) - 45.5) / 30.0 / 0.345).powi(2)).exp();
    let cells: Vec<(u32, u32, u32)> = (1..=90).map(|i| (i, 1, (1e6 * density(i)) as u32 + 1)).collect();
    let values = of_counts(&set(&[&cells]));
    let expected = 2.0 * (1.0 / 30.0 / (2.0 * std::f64::consts::PI.sqrt() * 0.345)).sqrt();
    assert!((values[2][0] - expected).abs() < 0.01 * expected, "{}", values[2][0]);
}

#[test]
fn every_definition_has_a_published_best() {
    for definition in &DEFINITIONS {
        assert!(best_published(definition.name).is_some(), "{}", definition.name);
    }
    let best = best_published("sum").unwrap();
    assert_eq!((best.run.as_str(), best.w1_over_sigma), ("vae_adversary_best", 0.596));
    assert_eq!(best.produced_in_range, Some(2_881));
}

/// Each published histogram contains the 4,301 avalanches but a few outside the figure, and its distance from
/// itself is 0.
#[test]
fn the_published_histograms_are_whole() {
    for published in Published::all() {
        assert_eq!(published.avalanches.len(), published.binning.bins, "{}", published.name);
        assert!((4_298..=4_301).contains(&published.avalanches.iter().sum::<u32>()), "{}", published.name);
        let centre = |bin: usize| published.binning.low + (bin as f64 + 0.5) * published.binning.width();
        let same: Vec<f64> = (0..published.binning.bins)
            .flat_map(|bin| std::iter::repeat_n(centre(bin), published.avalanches[bin] as usize))
            .collect();
        assert!(published.kolmogorov_smirnov(&same) < 1e-12);
        let shifted: Vec<f64> = same.iter().map(|_| published.binning.high + 1.0).collect();
        assert!((published.kolmogorov_smirnov(&shifted) - 1.0).abs() < 1e-12);
    }
}

#[test]
fn other_bins_have_no_legacy() {
    let grid = Grid::new(vec![Axis::uniform(30, -1.5, 1.5).unwrap()]).unwrap();
    let other = CountSet::new(grid);
    let (grid, other) = (other.grid().clone(), Dataset::from(other));
    assert!(legacy(&other, &other, &grid, &Resampling::new(1)).unwrap_err().contains("need 90 bins"));
}

#[test]
fn what_falls_outside_is_counted() {
    let avalanche: &[(u32, u32, u32)] = &[(45, 45, 50_000)];
    let small: &[(u32, u32, u32)] = &[(45, 45, 100)];
    let real = set(&[small; 12]);
    let generated = set(&[avalanche; 12]);
    let grid = real.grid().clone();
    let legacy = legacy(&real.into(), &generated.into(), &grid, &Resampling::new(1)).unwrap();
    assert_eq!(legacy["sum"].generated, InRange { in_range: 0, of: 12 });
    assert_eq!(legacy["sum"].ks, None);
    assert_eq!(legacy["z_mean"].ks.unwrap().value, 0.0);
    assert!(!legacy.contains_key("x_mean"));
}
