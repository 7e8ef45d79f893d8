use rand_distr::{Binomial, Distribution, Gamma};
use townsend_core::{Purpose, stream};

use super::*;

const TEST: Purpose = Purpose::new("test of the gain");

fn close(ours: f64, closed: f64) {
    assert!((ours - closed).abs() < 1e-12 * closed.abs().max(1.0), "{ours} instead of {closed}");
}

#[test]
fn small_sets_by_hand() {
    // Mean 2, variance 2, s/√2 = 1.
    let gain = Gain::of(&[1, 3]).unwrap();
    assert_eq!(gain.effective, Measured { value: 2.0, error: 1.0 });
    close(gain.relative_variance.unwrap().value, 0.5);
    // Relative deviations ∓1/2: μ₂ = 1/4, μ₃ = 0, μ₄ = 1/16, so the variance of f is 4/64/2.
    close(gain.relative_variance.unwrap().error, (1.0f64 / 32.0).sqrt());
    close(gain.theta.unwrap().value, 1.0);
    close(gain.theta.unwrap().error, 4.0 * (1.0f64 / 32.0).sqrt());
    assert_eq!(gain.empty.value, 0.0);
    close(gain.empty.error, (3.0f64 / 80.0).sqrt());
    // Empty avalanches belong to the gain, not to θ.
    let with_empty = Gain::of(&[1, 0, 3, 0]).unwrap();
    assert_eq!(with_empty.effective.value, 1.0);
    assert_eq!(with_empty.theta, gain.theta);
    assert_eq!(with_empty.empty.value, 0.5);
}

#[test]
fn what_cannot_be_told_is_not_told() {
    assert_eq!((Gain::of(&[]), Gain::of(&[7])), (None, None));
    let empty = Gain::of(&[0; 9]).unwrap();
    assert_eq!((empty.relative_variance, empty.theta), (None, None));
    assert_eq!(empty.effective, Measured { value: 0.0, error: 0.0 });
    assert_eq!(empty.empty.value, 1.0);
    // Equal avalanches have no θ, and a single one that is not empty has none either.
    let equal = Gain::of(&[5, 5, 5]).unwrap();
    assert_eq!(equal.relative_variance, Some(Measured { value: 0.0, error: 0.0 }));
    assert_eq!((equal.theta, Gain::of(&[0, 5]).unwrap().theta), (None, None));
    let largest = Gain::of(&[u64::MAX, u64::MAX - 9, 0]).unwrap();
    assert!(largest.relative_variance.unwrap().error.is_finite());
}

/// Numbers of electrons of avalanches of a Polya distribution, some of them lost whole.
fn polya(events: usize, [mean, theta, empty]: [f64; 3], index: u64) -> Vec<u64> {
    let mut random = stream(1, TEST, index);
    let gamma = Gamma::new(1.0 + theta, mean / (1.0 + theta)).unwrap();
    let lost = Binomial::new(1, empty).unwrap();
    let one = |_| if lost.sample(&mut random) == 1 { 0 } else { gamma.sample(&mut random).round() as u64 };
    (0..events).map(one).collect()
}

/// Over many samples the deviations from the true values, divided by the errors, are of mean 0 and width 1.
#[test]
fn a_polya_is_found_with_errors_that_hold() {
    let [mean, theta, empty] = [2000.0, 0.6, 0.2];
    let f = 1.0 / (1.0 + theta);
    let samples = 400;
    let mut pulls = [[0.0; 2]; 4];
    for index in 0..samples {
        let gain = Gain::of(&polya(2000, [mean, theta, empty], index)).unwrap();
        let found = [
            (gain.effective, (1.0 - empty) * mean),
            // Of all, the second moment is (1 − p)(1 + f) mean².
            (gain.relative_variance.unwrap(), (1.0 + f) / (1.0 - empty) - 1.0),
            (gain.theta.unwrap(), theta),
            (gain.empty, empty),
        ];
        for (sums, (Measured { value, error }, truth)) in pulls.iter_mut().zip(found) {
            let pull = (value - truth) / error;
            *sums = [sums[0] + pull, sums[1] + pull * pull];
        }
    }
    for (name, [sum, squares]) in ["effective", "f", "theta", "empty"].into_iter().zip(pulls) {
        let n = samples as f64;
        let (mean, width) = (sum / n, (squares / n).sqrt());
        // Three standard errors of the mean, and of the width 1/√(2n), and a bias of f of order 1/√N.
        assert!(mean.abs() < 3.0 / n.sqrt() + 0.05, "{name}: pulls of mean {mean}");
        assert!((width - 1.0).abs() < 3.0 / (2.0 * n).sqrt() + 0.03, "{name}: pulls of width {width}");
    }
}

#[test]
fn an_error_says_how_many_digits_are_known() {
    let shown = |value, error| Measured { value, error }.to_string();
    assert_eq!(shown(6.666_666, 0.558), "6.67 ± 0.56");
    assert_eq!(shown(1934.62, 21.04), "1935 ± 21");
    assert_eq!(shown(1934.62, 210.4), "1935 ± 210");
    assert_eq!(shown(0.012_341, 0.000_099_9), "0.01234 ± 0.00010");
    assert_eq!(shown(5.0, 0.0), "5.0000 ± 0");
}
