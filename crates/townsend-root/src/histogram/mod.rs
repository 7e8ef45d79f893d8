//! Histograms: `TH1`, `TH2` and `TH3` of every cell type.

mod contents;
mod decode;
mod encode;

pub use contents::{CellType, Cells, Contents, SparseContents};
pub(crate) use decode::{HistogramClass, decode};

/// A histogram of one, two or three dimensions with the properties that ROOT stores.
///
/// Cells are numbered as in ROOT: along each axis 0 is the underflow, 1 to `bins` are the bins and `bins + 1`
/// is the overflow; x runs fastest. A 90 × 90 × 90 histogram has 92³ cells.
///
/// `C` says how the cells are held: [`Contents`] holds all, [`SparseContents`] those that are not zero.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram<C = Contents> {
    /// The name, which is also the name of the key.
    pub name: String,
    /// The title.
    pub title: String,
    /// One to three axes: x, y, z.
    pub axes: Vec<HistogramAxis>,
    /// Number of fills, which ROOT stores as a float.
    pub entries: f64,
    /// Sums over all fills within the axes, in the order of `TH1::GetStats`: Σw, Σw², Σwx, Σwx² and then Σwy,
    /// Σwy², Σwxy for two and also Σwz, Σwz², Σwxz, Σwyz for three dimensions: 4, 7 or 11 numbers.
    ///
    /// All zero with `entries > 0` makes ROOT compute them from the bins when it needs them.
    pub statistics: Vec<f64>,
    /// The sum of squared weights of each cell, or empty if `TH1::Sumw2` was never called.
    pub sumw2: Vec<f64>,
    /// The contents of the cells.
    pub contents: C,
}

/// A histogram that holds only the cells that are not zero.
pub type SparseHistogram = Histogram<SparseContents>;

impl Histogram<SparseContents> {
    /// Whether fills had weights other than 1: the squared weights of a cell are not its contents. Without
    /// [`sumw2`](Self::sumw2) nothing tells.
    #[allow(clippy::float_cmp, reason = "sums of ones are exact")]
    pub fn is_weighted(&self) -> bool {
        let mut contents = self.contents.nonzero().peekable();
        self.sumw2.iter().enumerate().any(|(cell, &squares)| {
            let filled = contents.next_if(|&(index, _)| index == cell);
            squares != filled.map_or(0.0, |(_, value)| value)
        })
    }
}

/// The bins of one axis.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HistogramAxis {
    /// The title, which by convention names the unit: `x [mm]`.
    pub title: String,
    /// Number of bins, not counting underflow and overflow.
    pub bins: usize,
    /// Lower edge of the first bin.
    pub low: f64,
    /// Upper edge of the last bin.
    pub high: f64,
    /// The `bins + 1` edges, if the bins are not all of the same width.
    pub edges: Option<Vec<f64>>,
}

impl HistogramAxis {
    /// An axis with bins of equal width.
    ///
    /// ```
    /// let x = townsend_root::HistogramAxis::new("x [mm]", 90, -4.5, 4.5);
    /// assert_eq!(x.cells(), 92);
    /// ```
    pub fn new(title: impl Into<String>, bins: usize, low: f64, high: f64) -> Self {
        Self { title: title.into(), bins, low, high, edges: None }
    }

    /// An axis with bins between `edges`: at least two, in growing order.
    pub fn with_edges(title: impl Into<String>, edges: Vec<f64>) -> Self {
        let (low, high) = (edges.first().copied().unwrap_or(0.0), edges.last().copied().unwrap_or(0.0));
        Self { title: title.into(), bins: edges.len().saturating_sub(1), low, high, edges: Some(edges) }
    }

    /// Number of cells along this axis: the bins, underflow and overflow.
    pub fn cells(&self) -> usize {
        self.bins.saturating_add(2)
    }
}

impl<C> Histogram<C> {
    /// A histogram without entries and statistics.
    pub fn new(
        name: impl Into<String>,
        title: impl Into<String>,
        axes: Vec<HistogramAxis>,
        contents: C,
    ) -> Self {
        let statistics = vec![0.0; statistics_length(axes.len())];
        let (name, title) = (name.into(), title.into());
        Self { name, title, axes, entries: 0.0, statistics, sumw2: Vec::new(), contents }
    }

    /// Number of cells that the axes ask for, or `None` if it exceeds a `usize`.
    pub fn cells(&self) -> Option<usize> {
        self.axes.iter().try_fold(1_usize, |cells, axis| cells.checked_mul(axis.cells()))
    }
}

/// Number of sums that `TH1::GetStats` gives for a histogram of this dimension.
fn statistics_length(dimensions: usize) -> usize {
    match dimensions {
        0 | 1 => 4,
        2 => 7,
        _ => 11,
    }
}
