//! Numbers from the probabilities that a classifier gives to rows which it was not trained on: ROC curve,
//! calibration, divergence, density ratio. Positives are generated rows.

use townsend_core::Purpose;

use crate::multivariate::Draws;
use townsend_observables::random::below;

/// Bootstrap samples for the error of an AUC.
const RESAMPLES: u64 = 100;
/// Intervals of a ROC curve.
const STEPS: usize = 100;
/// Bins of the calibration.
const BINS: usize = 10;

const BOOTSTRAP: Purpose = Purpose::new("classifier bootstrap");

/// Area under the ROC curve: the probability that a positive scores above a negative, where ties count one
/// half.
pub fn auc(positives: &[f64], negatives: &[f64]) -> f64 {
    weighted_auc(&sorted(positives, negatives), &[])
}

/// Scores in ascending order, each with whether it is that of a positive and with the number of its row.
fn sorted(positives: &[f64], negatives: &[f64]) -> Vec<(f64, bool, usize)> {
    let labelled = positives.iter().map(|&s| (s, true)).chain(negatives.iter().map(|&s| (s, false)));
    let mut all: Vec<(f64, bool, usize)> =
        labelled.enumerate().map(|(k, (s, label))| (s, label, k)).collect();
    all.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.2.cmp(&b.2)));
    all
}

/// The AUC when row k counts `weights[k]` times; without weights every row counts once.
fn weighted_auc(sorted: &[(f64, bool, usize)], weights: &[u32]) -> f64 {
    let weight = |row: usize| weights.get(row).map_or(1.0, |&w| f64::from(w));
    let (mut below, mut above, mut area) = (0.0, 0.0, 0.0);
    // The scores are sorted, so that "not below" means equal; 0 and −0 are equal as well.
    for tied in sorted.chunk_by(|a, b| a.0 >= b.0) {
        let of = |label: bool| tied.iter().filter(|s| s.1 == label).map(|s| weight(s.2)).sum::<f64>();
        let (positive, negative) = (of(true), of(false));
        area += positive * (below + 0.5 * negative);
        below += negative;
        above += positive;
    }
    area / (above * below)
}

/// Standard deviation of the mean AUC of folds when the positives and the negatives of each fold are
/// resampled, with the classifiers fixed.
pub(super) fn bootstrap_error(folds: &[[Vec<f64>; 2]], seed: u64) -> f64 {
    let folds: Vec<_> = folds.iter().map(|[p, n]| (p.len(), n.len(), sorted(p, n))).collect();
    let draws = Draws::new(seed, BOOTSTRAP);
    let values: Vec<f64> = (0..RESAMPLES)
        .map(|k| {
            let mut random = draws.stream(k);
            let of_fold = |(n, m, sorted): &(usize, usize, Vec<(f64, bool, usize)>)| {
                let mut weights = vec![0; n + m];
                (0..*n).for_each(|_| weights[below(*n as u64, &mut random) as usize] += 1);
                (0..*m).for_each(|_| weights[n + below(*m as u64, &mut random) as usize] += 1);
                weighted_auc(sorted, &weights)
            };
            folds.iter().map(of_fold).sum::<f64>() / folds.len() as f64
        })
        .collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64).sqrt()
}

/// The ROC curve at 100 evenly spaced ranks of all scores.
pub(super) fn roc(positives: &[f64], negatives: &[f64]) -> Vec<[f64; 2]> {
    let sorted = sorted(positives, negatives);
    let (n, m) = (positives.len() as f64, negatives.len() as f64);
    let mut curve = vec![[0.0, 0.0]];
    let (mut taken, mut right, mut wrong) = (0, 0.0, 0.0);
    for tied in sorted.chunk_by(|a, b| a.0 >= b.0).rev() {
        right += tied.iter().filter(|s| s.1).count() as f64;
        wrong += tied.iter().filter(|s| !s.1).count() as f64;
        let step = STEPS * taken / sorted.len();
        taken += tied.len();
        if STEPS * taken / sorted.len() > step {
            curve.push([wrong / m, right / n]);
        }
    }
    curve
}

/// Calibration in ten bins of equal numbers of rows: mean probability, fraction of positives, number of rows.
pub(super) fn calibration(positives: &[f64], negatives: &[f64]) -> Vec<[f64; 3]> {
    let sorted = sorted(positives, negatives);
    let bins = BINS.min(sorted.len());
    (0..bins)
        .map(|bin| {
            let part = &sorted[sorted.len() * bin / bins..sorted.len() * (bin + 1) / bins];
            let n = part.len() as f64;
            let mean = part.iter().map(|s| s.0).sum::<f64>() / n;
            [mean, part.iter().filter(|s| s.1).count() as f64 / n, n]
        })
        .collect()
}

/// Isotonic regression of labels in the order of their scores, by pooling adjacent violators: the
/// non-decreasing values with the least squared distance from the labels.
pub fn isotonic(labels: &[f64]) -> Vec<f64> {
    let mut pools: Vec<(f64, usize)> = Vec::new();
    for &label in labels {
        let (mut sum, mut n) = (label, 1);
        while let Some(&(before, m)) = pools.last() {
            if before * (n as f64) < sum * m as f64 {
                break;
            }
            pools.pop();
            sum += before;
            n += m;
        }
        pools.push((sum, n));
    }
    pools.into_iter().flat_map(|(sum, n)| std::iter::repeat_n(sum / n as f64, n)).collect()
}

/// Adds one label of each kind to every pool (Laplace's rule of succession): that a few rows at an end all
/// have one label does not prove that the other cannot occur.
fn sober(pooled: &[f64]) -> Vec<f64> {
    // Pools rise strictly, so equal neighbours belong to one pool.
    let pools = pooled.chunk_by(|a, b| a >= b);
    let of_pool = |pool: &[f64]| {
        let n = pool.len();
        std::iter::repeat_n((pool[0] * n as f64 + 1.0) / (n as f64 + 2.0), n)
    };
    pools.flat_map(of_pool).collect()
}

/// Calibrated probabilities of positives and negatives. Every other score, in ascending order, is calibrated
/// by isotonic regression on the scores between: a calibration on its own labels would find differences in
/// noise. Both sets have the total weight one half.
fn calibrated(positives: &[f64], negatives: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let sorted = sorted(positives, negatives);
    let share = negatives.len() as f64 / positives.len() as f64;
    let mut found = [Vec::new(), Vec::new()];
    for half in 0..2 {
        let taught: Vec<&(f64, bool, usize)> = sorted.iter().skip(half).step_by(2).collect();
        let labels: Vec<f64> = taught.iter().map(|s| f64::from(u8::from(s.1))).collect();
        let values = sober(&isotonic(&labels));
        for &(score, positive, _) in sorted.iter().skip(1 - half).step_by(2) {
            let place = taught.partition_point(|s| s.0 < score).min(values.len().saturating_sub(1));
            let p = values.get(place).copied().unwrap_or(0.5);
            // Rescales the odds to equal numbers of both.
            let odds = p / (1.0 - p) * share;
            found[usize::from(positive)].push(odds / (1.0 + odds));
        }
    }
    let [negatives, positives] = found;
    (positives, negatives)
}

/// Jensen-Shannon divergence over ln 2, from the cross entropy of the calibrated probabilities; at least 0.
pub fn divergence(positives: &[f64], negatives: &[f64]) -> f64 {
    let (p, q) = calibrated(positives, negatives);
    let right = -p.iter().map(|p| p.ln()).sum::<f64>() / p.len().max(1) as f64;
    let left = -q.iter().map(|q| (1.0 - q).ln()).sum::<f64>() / q.len().max(1) as f64;
    let ln_2 = std::f64::consts::LN_2;
    ((ln_2 - 0.5 * (right + left)) / ln_2).max(0.0)
}

/// Standard deviation over the positives of the ratio w = `(1 − p)/p`, normalised to mean 1, and `(Σw)²/(n
/// Σw²)`.
pub(super) fn ratio(positives: &[f64], negatives: &[f64]) -> (f64, f64) {
    let weights: Vec<f64> = calibrated(positives, negatives).0.iter().map(|p| (1.0 - p) / p).collect();
    let n = weights.len().max(1) as f64;
    let mean = weights.iter().sum::<f64>() / n;
    let square = weights.iter().map(|w| w * w).sum::<f64>() / n;
    let effective = mean * mean / square;
    ((1.0 / effective - 1.0).max(0.0).sqrt(), effective)
}
