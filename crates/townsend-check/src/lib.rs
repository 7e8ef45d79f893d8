//! townsend-check
mod distance;
mod error;
mod observables;
pub use distance::{
    Binning, Distance, Distances, Resampling, Sample, kolmogorov_smirnov, kolmogorov_smirnov_p_value,
    separation_power, wasserstein,
};
pub use error::CheckError;
pub use observables::{Column, Observable, ObservableOptions, Observables};
/// The least number of avalanches with electrons that a comparison needs in each set.
pub const MINIMUM_AVALANCHES: usize = 10;
