//! Minimisation of a function of a few variables.

/// The minimum of `f` and the point where it is, by the simplex method of Nelder and Mead (Comput. J. 7, 308
/// (1965)). The simplex starts as `start` and the points at a distance of `steps` from it along each
/// coordinate. The search ends when the values at its corners agree within `tolerance`·(1 + |value|); `None`
/// if they do not after 5,000 steps. A NaN counts as infinite.
pub fn minimise(
    f: impl Fn(&[f64]) -> f64,
    start: &[f64],
    steps: &[f64],
    tolerance: f64,
) -> Option<(Vec<f64>, f64)> {
    let n = start.len();
    let vertex = |point: Vec<f64>| {
        let value = f(&point);
        (point, if value.is_nan() { f64::INFINITY } else { value })
    };
    let mut simplex = vec![vertex(start.to_vec())];
    simplex.extend((0..n).map(|k| {
        let mut point = start.to_vec();
        point[k] += steps[k];
        vertex(point)
    }));
    for _ in 0..5000 {
        simplex.sort_by(|a, b| a.1.total_cmp(&b.1));
        let (best, second, worst) = (simplex[0].clone(), simplex[n - 1].1, simplex[n].clone());
        if best.1.is_finite() && worst.1 - best.1 <= tolerance * (1.0 + best.1.abs()) {
            return Some(best);
        }
        let centre: Vec<f64> =
            (0..n).map(|k| simplex[..n].iter().map(|(p, _)| p[k]).sum::<f64>() / n as f64).collect();
        // The points of the line from the worst point through the centre of the others, which is at 0; the
        // worst is at −1.
        let along = |step: f64| vertex((0..n).map(|k| centre[k] + step * (centre[k] - worst.0[k])).collect());
        let reflected = along(1.0);
        let below = reflected.1;
        let new = if below < best.1 {
            let expanded = along(2.0);
            if expanded.1 < below { expanded } else { reflected }
        } else if below < second {
            reflected
        } else {
            along(if below < worst.1 { 0.5 } else { -0.5 })
        };
        if below < second || new.1 < worst.1.min(below) {
            simplex[n] = new;
        } else {
            for (point, value) in &mut simplex[1..] {
                (*point, *value) = vertex(point.iter().zip(&best.0).map(|(p, b)| 0.5 * (p + b)).collect());
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curved_valley_has_a_lowest_point() {
        let valley = |p: &[f64]| 100.0 * (p[1] - p[0] * p[0]).powi(2) + (1.0 - p[0]).powi(2);
        let (point, value) = minimise(valley, &[-1.2, 1.0], &[0.1, 0.1], 1e-14).unwrap();
        assert!(value < 1e-10 && point.iter().all(|p| (p - 1.0).abs() < 1e-4), "{point:?} {value}");
    }

    #[test]
    fn what_has_no_lowest_point_has_no_end() {
        assert!(minimise(|p| p[0], &[0.0], &[1.0], 1e-12).is_none());
        assert!(minimise(|_| f64::NAN, &[0.0], &[1.0], 1e-12).is_none());
    }
}
