//! townsend-check
mod check;
mod distance;
mod error;
mod legacy;
mod maps;
mod multivariate;
mod observables;
mod page;
mod plot;
mod report;
mod text;
pub use check::{Check, CheckOptions, check};
pub use distance::{
    Binning, Distance, Distances, Resampling, Sample, kolmogorov_smirnov, kolmogorov_smirnov_p_value,
    separation_power, wasserstein,
};
pub use error::CheckError;
pub use legacy::{InRange, Legacy, ReferenceResult};
pub use multivariate::{
    Neighbours, Rows, auc, classifier_auc, frechet_distance, kernel_distance, neighbours,
};
pub use observables::{Column, Observable, ObservableOptions, Observables};
pub use report::{ClassifierTest, Compared, Comparison, EmptyDifference, Excess, Form, Report, SampleSummary, Score, SetSummary};
/// The least number of avalanches with electrons that a comparison needs in each set.
pub const MINIMUM_AVALANCHES: usize = 10;
