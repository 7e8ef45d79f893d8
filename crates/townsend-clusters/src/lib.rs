//! Avalanches as clusters of clusters: a hierarchical Neyman–Scott cluster process (Neyman and Scott, J. R.
//! Stat. Soc. B 20, 1 (1958)), learned from electrons alone and sampled.
//!
//! An avalanche has a number N of electrons and a root. Around the root lie centres, around each of these
//! further centres, and so on for a few levels; the electrons lie around the centres of the last level. Every
//! displacement is normal. Training maximises the likelihood, with all ancestors of the electrons drawn from
//! their posterior; `docs/clusters.md` derives it.
//!
//! ```
//! use townsend_clusters::{ClusterTraining, Sampler, Trainer, Workspace};
//! use townsend_core::{Dataset, ElectronSet, Work};
//!
//! // Ten avalanches of two families each.
//! let mut electrons = ElectronSet::default();
//! for k in 0..10 {
//!     let about = |centre: f32, i: i32| centre + 0.1 * ((7 * i + k) as f32).sin();
//!     let near = |centre: f32| (0..20).map(|i| about(centre, i)).collect::<Vec<_>>();
//!     let column = [near(-0.5), near(0.5)].concat();
//!     let time: Vec<f32> = column.iter().enumerate().map(|(i, x)| 170.0 + x + (i as f32).cos()).collect();
//!     electrons.push(&column, &column.iter().map(|x| 0.1 - x * x).collect::<Vec<_>>(), &time);
//! }
//! let training = ClusterTraining { levels: 1, sweeps: 20, ..ClusterTraining::default() };
//! let data = Dataset::from(electrons);
//! let mut trainer = Trainer::new(&data, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], training, Work::default())?;
//! while trainer.step()?.is_some() {}
//! let sampler = Sampler::new(trainer.model())?;
//! assert!(sampler.avalanche(1, 0, &mut Workspace::default()).len() > 10);
//! # Ok::<(), townsend_clusters::ClusterError>(())
//! ```

#![cfg_attr(
    test,
    allow(clippy::float_cmp, reason = "where a test compares floats, it means these very bits")
)]

mod bound;
mod config;
mod error;
mod gibbs;
mod leaves;
mod model;
mod sample;
mod samples;
mod start;
mod train;

pub use config::{ClusterConfig, ModelTable, TrainingTable};
pub use error::ClusterError;
pub use model::{ClusterModel, Covariance, Level, NormalSpread, Root};
pub use sample::{Sampler, Workspace};
pub use train::{ClusterTraining, SweepMetrics, Trainer};
