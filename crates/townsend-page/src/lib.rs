//! Pages and figures for the results of `townsend-check`: the report as one HTML file that needs no other,
//! the page of one set of avalanches, the table of a ranking, and figures as SVG and PDF.
//!
//! No results are computed here: all numbers come from [`townsend_check::Check`] and
//! [`townsend_observables::Observables`]. Every text from outside is escaped.
//!
//! ```
//! use townsend_check::{CheckOptions, check};
//! use townsend_core::{Dataset, ElectronSet, InputFile, Work};
//!
//! let avalanches = |width: f32| {
//!     let mut set = ElectronSet::default();
//!     for k in 0..40u16 {
//!         let along = |n: u16| width * f32::from((k * 7 + n * 13) % 31) / 31.0;
//!         let x: Vec<f32> = (0..20).map(along).collect();
//!         set.push(&x, &x, &[170.0; 20]);
//!     }
//!     Dataset::from(set)
//! };
//! let file = |name: &str| InputFile { file: name.into(), sha256: String::new() };
//! let options = CheckOptions { resamples: 50, ..CheckOptions::default() };
//! let (real, generated) = (avalanches(1.0), avalanches(1.2));
//! let check = check(&real, &generated, file("real.npz"), file("generated.npz"), &options, Work::default())?;
//! let page = townsend_page::report_html(&check)?;
//! assert!(page.starts_with("<!DOCTYPE html>") && page.contains("rms_x"));
//! assert!(townsend_page::overview_svg(&check)?.starts_with("<svg"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![cfg_attr(test, allow(clippy::float_cmp, reason = "tests mean exactly what they say"))]

mod error;
mod html;
mod plot;

pub use error::PageError;
pub use html::{figure_page, inspection_page, ranking_html, report_html};
pub use plot::{Distribution, Figure, Panel, Trace, figures, observable_figures, overview_pdf, overview_svg};
