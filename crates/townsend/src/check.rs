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
    // There is no file; the hash tells that both are the same set.
    let in_memory = |name: &str, data: &Dataset| InputFile { file: name.into(), sha256: data.digest() };
    let (of_real, of_generated) = (in_memory("real", real), in_memory("generated", generated));
    Ok(context.on_its_threads(|| {
        townsend_check::check(real, generated, of_real, of_generated, options, context.work())
    })?)
}

/// The page of a finished check: one HTML document that needs no other file.
pub fn page(check: &Check) -> Result<String> {
    Ok(townsend_page::report_html(check)?)
}
