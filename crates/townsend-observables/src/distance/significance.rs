//! The significance of a Kolmogorov-Smirnov distance.

/// Probability (p-value) that two samples of `n` and `m` values of one continuous distribution differ by at
/// least `distance`: the asymptotic `2 Σ (−1)^(k−1) exp(−2k²λ²)` with Stephens' `λ = (√e + 0.12 + 0.11/√e)
/// D`, `e = nm/(n + m)` (Stephens, J. R. Stat. Soc. B 32, 1970, p. 115). For whole numbers such as `n_cells`
/// the probability is too large: a difference is then called significant too rarely, never too often.
pub fn kolmogorov_smirnov_p_value(distance: f64, n: usize, m: usize) -> f64 {
    let effective = (n as f64 * m as f64 / (n + m) as f64).sqrt();
    let lambda = (effective + 0.12 + 0.11 / effective) * distance;
    if lambda < 0.2 {
        // The alternating series converges slowly here, and its value is 1 to 12 digits.
        return 1.0;
    }
    let term = |k: i32| {
        let sign = if k % 2 == 1 { 2.0 } else { -2.0 };
        sign * (-2.0 * f64::from(k * k) * lambda * lambda).exp()
    };
    (1..=100).map(term).sum::<f64>().clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// λ by hand and Kolmogorov's distribution as SciPy has it (`kstwobign.sf`).
    #[test]
    fn probabilities_are_those_of_kolmogorovs_distribution() {
        for (distance, n, m, p) in [
            (0.25, 50, 80, 0.035_106_597_427_799_69),
            (0.15, 30, 20, 0.930_264_376_989_798_5),
            (0.3, 7, 9, 0.795_220_006_403_474_7),
            (0.08, 50, 80, 0.985_793_726_227_647_4),
            (0.2, 3, 5, 0.999_970_787_342_641_4),
        ] {
            let found = kolmogorov_smirnov_p_value(distance, n, m);
            assert!((found - p).abs() < 1e-12, "{distance}, {n}, {m}: {found}");
        }
        assert_eq!(kolmogorov_smirnov_p_value(0.0, 50, 80), 1.0);
        assert_eq!(kolmogorov_smirnov_p_value(1.0, 5000, 5000), 0.0);
    }
}
