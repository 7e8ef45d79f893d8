//! A distribution described by its quantile function.

/// Quantiles of ln n at `knots` probabilities, which must be at least 2; `sizes` are above 0.
pub(super) fn ln_quantiles(sizes: &[f64], knots: usize) -> Vec<f64> {
    let mut ln_n: Vec<f64> = sizes.iter().map(|n| n.ln()).collect();
    ln_n.sort_by(f64::total_cmp);
    knot_probabilities(knots).into_iter().map(|probability| interpolate(&ln_n, probability)).collect()
}

/// The quantile of ln n at a `probability` from 0 to 1, by linear interpolation between the knots.
pub(super) fn ln_quantile(ln_n: &[f64], probability: f64) -> f64 {
    let Some(last) = ln_n.len().checked_sub(1).filter(|&last| last > 0) else {
        return ln_n.first().copied().unwrap_or_default();
    };
    // The inverse of `knot_probability(knot, last)`.
    let angle = (1.0 - 2.0 * probability.clamp(0.0, 1.0)).acos();
    let knot = ((angle / std::f64::consts::PI * last as f64) as usize).min(last - 1);
    let (low, high) = (knot_probability(knot, last), knot_probability(knot + 1, last));
    let part = ((probability - low) / (high - low)).clamp(0.0, 1.0);
    ln_n[knot] + part * (ln_n[knot + 1] - ln_n[knot])
}

/// The probabilities that so many knots, at least 2, stand for.
pub(super) fn knot_probabilities(knots: usize) -> Vec<f64> {
    (0..knots).map(|knot| knot_probability(knot, knots - 1)).collect()
}

/// The probability of a knot, (1 − cos(π i / (k − 1))) / 2: knots are dense in the tails, where the quantile
/// function is steep.
fn knot_probability(knot: usize, last: usize) -> f64 {
    (1.0 - (std::f64::consts::PI * knot as f64 / last as f64).cos()) / 2.0
}

/// The quantile of sorted values, by linear interpolation.
fn interpolate(sorted: &[f64], probability: f64) -> f64 {
    let position = probability * (sorted.len() - 1) as f64;
    let below = (position as usize).min(sorted.len() - 1);
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (position - below as f64) * (sorted[above] - sorted[below])
}
