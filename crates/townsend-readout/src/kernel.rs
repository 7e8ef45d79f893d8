//! How what comes from one place and time spreads over cells around, across the strips and in time.

/// Moments of a displacement across the strips and in time, in units of cells, and the late parts of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Moments {
    /// Variance across the strips.
    pub(crate) place: f64,
    /// Variance of the time.
    pub(crate) time: f64,
    /// Covariance of both.
    pub(crate) covariance: f64,
    /// Parts that are late in addition, each by an exponential delay of this mean.
    pub(crate) late: [[f64; 2]; 2],
}

impl Moments {
    /// Those of a normally distributed place (x, z, mm) and time (ns) with this covariance.
    pub(crate) fn of(covariance: &[[f64; 3]; 3], across: [f64; 2], place_mm: f64, bin_ns: f64) -> Self {
        let by = [across[0] / place_mm, across[1] / place_mm, 0.0];
        let product = |a: [f64; 3], b: [f64; 3]| -> f64 {
            (0..3).map(|k| (0..3).map(|l| a[k] * covariance[k][l] * b[l]).sum::<f64>()).sum()
        };
        let time = [0.0, 0.0, 1.0 / bin_ns];
        Self {
            place: product(by, by),
            time: product(time, time),
            covariance: product(by, time),
            late: [[0.0; 2]; 2],
        }
    }

    /// With parts that are late, ns.
    pub(crate) fn with_late(mut self, late: [[f64; 2]; 2], bin_ns: f64) -> Self {
        self.late = late.map(|[part, delay]| [part, delay / bin_ns]);
        self
    }

    /// Takes off what [`shared`] adds between cells on average, a sixth of a cell's square; across the strips
    /// only half as much, so that the sums of cells are those of what falls into each of them (Sheppard's
    /// correction), because strips end where cells do.
    pub(crate) fn behind_cells(mut self) -> Self {
        self.place -= 1.0 / 12.0;
        self.time -= 1.0 / 6.0;
        self
    }
}

/// The two cells that a place above 0.5 lies between the middles of, by the number of the first, and the part
/// that the second one has of it: so that means are kept.
#[inline]
pub(crate) fn shared(at: f64) -> (usize, f32) {
    let first = (at - 0.5) as usize;
    (first, (at - 0.5 - first as f64) as f32)
}

/// The parts that come to cells so many places and time bins away.
#[derive(Debug, Clone)]
pub(crate) struct Kernel {
    /// Places from `-places` to `places`.
    pub(crate) places: usize,
    /// Time bins from `-bins_before`, as many as `bins`.
    pub(crate) bins_before: usize,
    pub(crate) bins: usize,
    /// `[place][bin]`.
    pub(crate) weights: Vec<f32>,
    /// For each place, the bins outside of which its weights are 0.
    within: Vec<[usize; 2]>,
}

/// Kernels end where this many standard deviations do, beyond which are 7·10⁻⁶.
const REACH: f64 = 4.5;
/// Parts below this are left out: about 10⁻⁴ of all, at the corners.
const LEAST: f64 = 3e-6;

impl Kernel {
    /// The kernel between cells that has these moments; a variance below 0 is none.
    pub(crate) fn new(moments: &Moments) -> Self {
        let [place, time] = [moments.place, moments.time].map(|variance| variance.max(0.0));
        let reach = |variance: f64| (REACH * variance.sqrt()).ceil() as usize + 1;
        let places = reach(place);
        let across = |width: f64| row(0.0, width, places);
        let across = across(width_of(place, |width| variance(&across(width))));
        let slope = if place > 1e-6 { moments.covariance / place } else { 0.0 };
        let bins_before = reach(time);
        let rows = |width: f64| -> Vec<Vec<f64>> {
            let of = |(k, part): (usize, &f64)| {
                let mean = slope * (k as f64 - places as f64);
                row(mean, width, bins_before).iter().map(|weight| part * weight).collect()
            };
            across.iter().enumerate().map(of).collect()
        };
        let spread = |rows: &[Vec<f64>]| {
            variance(
                &(0..=2 * bins_before).map(|k| rows.iter().map(|row| row[k]).sum()).collect::<Vec<f64>>(),
            )
        };
        let mut rows = rows(width_of(time, |width| spread(&rows(width))));
        for [part, delay] in moments.late {
            if part > 0.0 && delay > 0.0 {
                for row in &mut rows {
                    *row = delayed(row, part, delay);
                }
            }
        }
        let bins = rows[0].len();
        rows.iter_mut().flatten().filter(|weight| **weight < LEAST).for_each(|weight| *weight = 0.0);
        let sum: f64 = rows.iter().flatten().sum();
        let within = rows.iter().map(|row| {
            let first = row.iter().position(|weight| *weight > 0.0).unwrap_or(0);
            [first, row.iter().rposition(|weight| *weight > 0.0).map_or(first, |last| last + 1)]
        });
        let within = within.collect();
        let weights = rows.into_iter().flatten().map(|weight| (weight / sum) as f32).collect();
        Self { places, bins_before, bins, weights, within }
    }

    /// The weights of so many places from one of them on, in the bins where any is not 0, and the first of
    /// these; nothing after the last place.
    #[inline]
    pub(crate) fn weights_from<const N: usize>(&self, place: usize) -> Option<([&[f32]; N], usize)> {
        let within = self.within.get(place..place + N)?;
        let [first, last] = within.iter().fold([self.bins, 0], |a, b| [a[0].min(b[0]), a[1].max(b[1])]);
        let row = |k: usize| self.weights.get((place + k) * self.bins..)?.get(first..last.max(first));
        let mut rows = [&[][..]; N];
        for (k, to) in rows.iter_mut().enumerate() {
            *to = row(k)?;
        }
        Some((rows, first))
    }
}

/// Weights of the cells from `-reach` to `reach`: a normal distribution, each part of which is given to the
/// two cells that it lies between the middles of.
fn row(mean: f64, width: f64, reach: usize) -> Vec<f64> {
    // The integral of its distribution function.
    let twice = |x: f64| {
        if width < 1e-9 {
            return x.max(0.0);
        }
        let y = x / width;
        x * normal(y) + width * (-0.5 * y * y).exp() / (2.0 * std::f64::consts::PI).sqrt()
    };
    let at = |k: usize| k as f64 - reach as f64 - mean;
    (0..=2 * reach).map(|k| (twice(at(k) + 1.0) - 2.0 * twice(at(k)) + twice(at(k) - 1.0)).max(0.0)).collect()
}

/// Variance of the number of a cell.
fn variance(weights: &[f64]) -> f64 {
    let moment = |power: i32| -> f64 {
        weights.iter().enumerate().map(|(k, weight)| weight * (k as f64).powi(power)).sum()
    };
    let [sum, mean, square] = [0, 1, 2].map(moment);
    square / sum - (mean / sum).powi(2)
}

/// The width of the normal distribution with which cells have this variance.
fn width_of(expected: f64, variance: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (0.0, expected.sqrt() + 1.0);
    for _ in 0..40 {
        let middle = 0.5 * (low + high);
        if variance(middle) > expected { high = middle } else { low = middle }
    }
    low
}

/// Time bins of which a part is late by an exponential delay.
fn delayed(row: &[f64], part: f64, delay: f64) -> Vec<f64> {
    let after = (7.0 * delay).ceil() as usize;
    let mut late = vec![0.0; row.len() + after];
    for (bin, mass) in row.iter().enumerate() {
        late[bin] += (1.0 - part) * mass;
        for by in 0..=after {
            let edge = |at: f64| if at <= 0.0 { 0.0 } else { 1.0 - (-at / delay).exp() };
            late[bin + by] += part * mass * (edge(by as f64 + 0.5) - edge(by as f64 - 0.5));
        }
    }
    late
}

/// The distribution function of the normal distribution to 10⁻⁷, by the error function of Abramowitz and
/// Stegun, 7.1.26.
fn normal(x: f64) -> f64 {
    let y = x.abs() * std::f64::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * y);
    let series = t
        * (0.254_829_592
            + t * (-0.284_496_736 + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
    let beyond = 0.5 * series * (-y * y).exp();
    if x < 0.0 { beyond } else { 1.0 - beyond }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Variances and the covariance of the cells are those asked for, narrower than a cell or wider.
    #[test]
    fn moments_are_kept() {
        for (place, time, covariance) in
            [(4.0, 0.5, 0.8), (0.6, 0.1, 0.1), (1.0, 2.0, -0.9), (0.05, 0.0, 0.0)]
        {
            let kernel = Kernel::new(&Moments { place, time, covariance, late: [[0.0; 2]; 2] });
            let sum = |of: &dyn Fn(f64, f64) -> f64| -> f64 {
                let at = |k: usize| {
                    let bin = (k % kernel.bins) as f64 - kernel.bins_before as f64;
                    of((k / kernel.bins) as f64 - kernel.places as f64, bin)
                };
                kernel.weights.iter().enumerate().map(|(k, &weight)| f64::from(weight) * at(k)).sum()
            };
            assert!(sum(&|u, _| u).abs() < 1e-3 && sum(&|_, t| t).abs() < 1e-3);
            let found = [sum(&|u, _| u * u), sum(&|_, t| t * t), sum(&|u, t| u * t)];
            for (found, expected) in found.into_iter().zip([place, time, covariance]) {
                assert!((found - expected).abs() < 0.004 * expected.abs().max(0.1), "{found} {expected}");
            }
        }
    }

    #[test]
    fn a_late_part_comes_later() {
        let none = Moments { place: 2.0, time: 0.2, covariance: 0.0, late: [[0.0; 2]; 2] };
        let kernel = Kernel::new(&none.with_late([[0.3, 20.0], [0.1, 10.0]], 5.0));
        let at = |k: usize| (k % kernel.bins) as f64 - kernel.bins_before as f64;
        let mean: f64 = kernel.weights.iter().enumerate().map(|(k, &w)| f64::from(w) * at(k) * 5.0).sum();
        assert!((mean - 7.0).abs() < 0.1, "{mean}");
    }

    #[test]
    fn sharing_keeps_the_mean() {
        for at in [0.5, 0.9, 3.4, 7.5] {
            let (first, part) = shared(at);
            let mean = (first as f64 + 0.5) * f64::from(1.0 - part) + (first as f64 + 1.5) * f64::from(part);
            assert!((mean - at).abs() < 1e-6, "{at}: {mean}");
        }
    }

    #[test]
    fn the_normal_distribution() {
        for (x, value) in [(0.0, 0.5), (1.0, 0.841_344_7), (-1.96, 0.024_997_9), (4.0, 0.999_968_3)] {
            assert!((normal(x) - value).abs() < 2e-7);
        }
    }
}
