//! A sample of one number, sorted and binned once. Distances take a weight (a whole number) for each value,
//! so that halves and bootstrap samples need not be sorted again.

/// Equal bins with a flow bin at each end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Binning {
    /// Lower edge of the first bin.
    pub low: f64,
    /// Upper edge of the last bin.
    pub high: f64,
    /// Number of bins, flow bins not counted.
    pub bins: usize,
}

impl Binning {
    /// Number of bins that [`Binning::of`] makes. Chosen, not fitted: 5,000 avalanches leave some 100 in a
    /// bin, whose fraction is then known to 10%.
    pub const BINS: usize = 50;

    /// 50 bins from the smaller of the two 0.1% quantiles to the larger of the two 99.9% quantiles, so that
    /// outliers do not make the bins wide. If all values are whole numbers and these ends are fewer than 50
    /// apart, each whole number has a bin. Values outside fall into the flow bins.
    pub fn of(a: &[f64], b: &[f64]) -> Self {
        let low = quantile(a, 0.001).min(quantile(b, 0.001));
        let high = quantile(a, 0.999).max(quantile(b, 0.999));
        if high - low < Self::BINS as f64 && whole(a) && whole(b) {
            return Self { low: low - 0.5, high: high + 0.5, bins: (high - low) as usize + 1 };
        }
        let (low, high) = if high > low { (low, high) } else { (low - 0.5, low + 0.5) };
        Self { low, high, bins: Self::BINS }
    }

    /// Bins for a figure of one sample: about `2 n^⅓` for `n` values (Rice's rule), at least 5 and at most
    /// 50, over the range of [`Binning::of`]. Bins of whole numbers hold equally many of these, because a
    /// smooth distribution would look like a comb otherwise.
    pub fn for_figure(values: &[f64]) -> Self {
        let bins = (2.0 * (values.len() as f64).cbrt()).round().clamp(5.0, Self::BINS as f64);
        let Self { low, high, .. } = Self::of(values, values);
        if !whole(values) {
            return Self { low, high, bins: bins as usize };
        }
        // Edges lie half way between whole numbers; few of these have such edges already.
        let (low, high) = if low.fract() == 0.0 { (low - 0.5, high + 0.5) } else { (low, high) };
        let width = ((high - low) / bins).ceil().max(1.0);
        let bins = ((high - low) / width).ceil().max(1.0);
        Self { low, high: low + bins * width, bins: bins as usize }
    }

    /// The bin of a value: 0 below the range, `bins + 1` above it. The upper end belongs to the last bin, so
    /// that a maximum that many avalanches reach (such as a fraction of 1) does not fall into the flow bin.
    pub fn bin(&self, value: f64) -> usize {
        if value < self.low {
            0
        } else if value > self.high {
            self.bins + 1
        } else {
            1 + ((self.bins as f64 * (value - self.low) / (self.high - self.low)) as usize).min(self.bins - 1)
        }
    }

    /// Width of a bin.
    pub fn width(&self) -> f64 {
        (self.high - self.low) / self.bins as f64
    }
}

fn whole(values: &[f64]) -> bool {
    values.iter().all(|value| value.fract() == 0.0)
}

/// The value below which a fraction `p` of a sample lies, without interpolation; 0 if there are no values.
fn quantile(values: &[f64], p: f64) -> f64 {
    let mut values = values.to_vec();
    if values.is_empty() {
        return 0.0;
    }
    let rank = (p * (values.len() - 1) as f64).round() as usize;
    *values.select_nth_unstable_by(rank, f64::total_cmp).1
}

/// The values of a sample in ascending order, and the bin of each.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    values: Vec<f64>,
    bins: Vec<u32>,
    binning: Binning,
}

/// The three distances of two weighted samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct SampleDistances {
    pub(crate) wasserstein: f64,
    pub(crate) kolmogorov_smirnov: f64,
    pub(crate) separation_power: f64,
}

impl Sample {
    /// Sorts and bins the values, of which none may be NaN.
    pub fn new(values: &[f64], binning: &Binning) -> Self {
        let mut values = values.to_vec();
        values.sort_unstable_by(f64::total_cmp);
        let bins = values.iter().map(|&value| binning.bin(value) as u32).collect();
        Self { values, bins, binning: *binning }
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Number of values in every bin, with the flow bins first and last.
    pub fn histogram(&self) -> Vec<u64> {
        let mut entries = vec![0; self.binning.bins + 2];
        for &bin in &self.bins {
            entries[bin as usize] += 1;
        }
        entries
    }

    /// Standard deviation when value k counts `weights[k]` times.
    pub(crate) fn std(&self, weights: &[u32]) -> f64 {
        let total: f64 = weights.iter().map(|&w| f64::from(w)).sum();
        let weighted = || self.values.iter().zip(weights);
        let mean = weighted().map(|(v, &w)| f64::from(w) * v).sum::<f64>() / total;
        (weighted().map(|(v, &w)| f64::from(w) * (v - mean).powi(2)).sum::<f64>() / total).sqrt()
    }

    /// The distances of this sample from another in the same bins, every value counted once.
    pub(crate) fn against(&self, other: &Self) -> SampleDistances {
        self.weighted_against(&vec![1; self.len()], other, &vec![1; other.len()])
    }

    /// The distances between two samples whose value k counts as often as its weight says.
    pub(crate) fn weighted_against(
        &self,
        weights: &[u32],
        other: &Self,
        other_weights: &[u32],
    ) -> SampleDistances {
        let (wasserstein, kolmogorov_smirnov) = walk((&self.values, weights), (&other.values, other_weights));
        let separation_power = separation(&self.shares(weights), &other.shares(other_weights));
        SampleDistances { wasserstein, kolmogorov_smirnov, separation_power }
    }

    /// Fraction of the weight in every bin.
    fn shares(&self, weights: &[u32]) -> Vec<f64> {
        let mut sums = vec![0u64; self.binning.bins + 2];
        for (&bin, &weight) in self.bins.iter().zip(weights) {
            sums[bin as usize] += u64::from(weight);
        }
        let total: u64 = sums.iter().sum();
        sums.into_iter().map(|sum| sum as f64 / total as f64).collect()
    }
}

/// Area between the two empirical distribution functions (Wasserstein) and their largest difference
/// (Kolmogorov-Smirnov), in one pass over both sorted samples.
fn walk((a, a_weights): (&[f64], &[u32]), (b, b_weights): (&[f64], &[u32])) -> (f64, f64) {
    let total = |weights: &[u32]| weights.iter().map(|&w| u64::from(w)).sum::<u64>() as f64;
    let (a_total, b_total) = (total(a_weights), total(b_weights));
    let (mut i, mut j, mut a_below, mut b_below) = (0, 0, 0u64, 0u64);
    let (mut area, mut largest) = (0.0, 0.0f64);
    let mut here = f64::NAN;
    while i < a.len() || j < b.len() {
        let next = match (a.get(i), b.get(j)) {
            (Some(&x), Some(&y)) => x.min(y),
            (Some(&x), None) | (None, Some(&x)) => x,
            (None, None) => break,
        };
        let difference = (a_below as f64 / a_total - b_below as f64 / b_total).abs();
        if !here.is_nan() {
            area += difference * (next - here);
        }
        largest = largest.max(difference);
        while i < a.len() && a[i] <= next {
            a_below += u64::from(a_weights[i]);
            i += 1;
        }
        while j < b.len() && b[j] <= next {
            b_below += u64::from(b_weights[j]);
            j += 1;
        }
        here = next;
    }
    (area, largest)
}

/// `½ Σ (a − b)² / (a + b)` of the fractions in each bin; bins that are empty in both samples add nothing.
fn separation(a: &[f64], b: &[f64]) -> f64 {
    let filled = a.iter().zip(b).filter(|(a, b)| *a + *b > 0.0);
    0.5 * filled.map(|(a, b)| (a - b).powi(2) / (a + b)).sum::<f64>()
}
