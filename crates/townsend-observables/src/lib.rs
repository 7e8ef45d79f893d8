//! Observables: numbers that describe avalanches, and distances between two samples of such a number.
//!
//! [`Observables::of`] computes one [`Column`] for each [`Observable`] (size, means, widths, correlations,
//! shape) from electrons or from counts. [`Resampling::distances`] compares two samples of one number by the
//! Wasserstein-1 and Kolmogorov-Smirnov distances and the separation power, each with its floor (what
//! statistics alone give) and its interval. [`Gain::of`] gives the gain and its fluctuation from the numbers
//! of electrons.
//!
//! Metrics of several observables at once, classifiers, reports and plots are in other crates.
//!
//! ```
//! use townsend_core::{Dataset, ElectronSet, Silent};
//! use townsend_observables::{Observable, ObservableOptions, Observables, wasserstein};
//!
//! let mut electrons = ElectronSet::default();
//! electrons.push(&[0.1, 0.3], &[0.0, 0.0], &[170.0, 172.0]);
//! electrons.push(&[-0.2, 0.2, 0.6], &[0.1, 0.0, -0.1], &[168.0, 171.0, 174.0]);
//! let observables = Observables::of(&Dataset::from(electrons), &ObservableOptions::default(), &Silent)?;
//! let sizes = &observables.column(Observable::Electrons).expect("every set has it").values;
//! assert_eq!(*sizes, [2.0, 3.0]);
//! assert_eq!(wasserstein(sizes, &[3.0, 4.0]), 1.0);
//! # Ok::<(), townsend_core::GridError>(())
//! ```

#![cfg_attr(test, allow(clippy::float_cmp, reason = "tests mean exactly what they say"))]

mod distance;
mod gain;
mod observables;
mod quantity;
pub mod random;
pub mod statistics;
pub mod text;

pub use distance::{
    Binning, Distance, Distances, Resampling, Sample, kolmogorov_smirnov, kolmogorov_smirnov_p_value,
    resampling_interval, separation_power, wasserstein,
};
pub use gain::{Gain, Measured};
pub use observables::{Column, Observable, ObservableOptions, Observables, lumpiness_by_scale};
pub use quantity::Quantity;
