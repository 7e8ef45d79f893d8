//! From hits in the drift gap of a triple GEM to digits: charges and times as a chip gives them.
//!
//! Hits (entry and exit of a particle, or steps) free electrons, which drift to the foils along the radius of
//! a cylinder or across a plane and multiply there ([`townsend_sim`]); those that leave the last foil induce
//! charge on the strips of two views while they fall; the chip shapes the currents and gives words. The
//! `[digitisation]` table of a detector describes it ([`Digitisation`]). `docs/readout.md` has every step
//! with its source.
//!
//! ```
//! use townsend_readout::{Digitiser, Hit, Ionise};
//! use townsend_sim::Detector;
//!
//! let detector = Detector::from_toml(Detector::shipped("cgem_it").unwrap())?;
//! let digitiser = Digitiser::new(&detector, Ionise::Clusters)?;
//! let hit = Hit::between([79.0, 0.0, 10.0], [84.14, 0.0, 10.0]);
//! let digitised = digitiser.event(1, 0, &[hit]);
//! assert!(digitised.digits.iter().all(|digit| digit.layer == 0 && digit.charge_fc < 50.1));
//! # Ok::<(), townsend_sim::SimError>(())
//! ```

#![allow(
    clippy::inline_always,
    reason = "loops over cells must become part of the function that enables vector instructions"
)]

mod arrival;
mod by_electrons;
mod by_families;
mod cells;
mod channels;
mod chips;
mod clusters;
mod currents;
mod description;
mod digit;
mod digitiser;
mod draws;
mod electronics;
mod geometry;
mod induction;
mod kernel;
mod noise;
mod pads;
mod primaries;
mod reading;
mod shaping;
mod share;
mod tables;

pub use channels::{ChannelRow, Channels};
pub use chips::{Chip, ELECTRON_FC, Method, Response};
pub use clusters::{Cluster, MicroTpc, clusters};
pub use description::{Anode, Digitisation, Electronics, Insulator, Layer, Pads, Sheet, Strips};
pub use digit::{Digit, Digitised, Told, Waveform};
pub use digitiser::Digitiser;
pub use electronics::{FrontEnd, Reading};
pub use geometry::{Place, StripPlace, View};
pub use induction::{Crossing, Induction, nearness, weighting_potential};
pub use pads::pad_potential;
pub use primaries::{Hit, Ionise};
pub use share::upper_share;
