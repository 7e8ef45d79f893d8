//! The comparison of two sets of avalanches, in memory.

use townsend_check::{Check, CheckOptions};
use townsend_core::{Dataset, InputFile};

use crate::{Context, Result};

/// Compares generated avalanches with real ones: distances of all observables, classifiers, verdict. The
/// result holds the report and what a page of it shows.
pub fn check(
    real: &Dataset,
    generated: &Dataset,
    options: &CheckOptions<'_>,
    context: &Context<'_>,
) -> Result<Check> {
    let in_memory = |name: &str| InputFile { file: name.into(), sha256: String::new() };
    let (of_real, of_generated) = (in_memory("real"), in_memory("generated"));
    Ok(context.on_its_threads(|| {
        townsend_check::check(real, generated, of_real, of_generated, options, context.progress)
    })?)
}

/// The page of a finished check: one HTML document that needs no other file.
pub fn page(check: &Check) -> Result<String> {
    Ok(townsend_page::report_html(check)?)
}
