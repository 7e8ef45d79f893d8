//! The gain of a detector, with a figure of it in a file.

use std::path::{Path, PathBuf};

use townsend_core::OutputFile;

use crate::gain::{GainCurve, Scan};
use crate::{Context, Error, Result, Setting};

/// Where the gain is looked at.
#[derive(Debug, Clone, Default)]
pub struct GainOptions {
    /// Conditions and start; several give a point each, none that of the description.
    pub settings: Vec<Setting>,
    /// Sums of the voltages, each of which gives a point to every setting.
    pub scan: Option<Scan>,
    /// Avalanches of each point.
    pub avalanches: u64,
    /// The figure to write, `.svg` or `.pdf`, or a page with table and figure, `.html`.
    pub out: Option<PathBuf>,
}

/// What is written is a function of the ending.
enum Form {
    Svg,
    Pdf,
    Page,
}

impl Form {
    fn of(out: &Path) -> Result<Self> {
        match out.extension().and_then(|ending| ending.to_str()) {
            Some("svg") => Ok(Self::Svg),
            Some("pdf") => Ok(Self::Pdf),
            Some("html") => Ok(Self::Page),
            _ => Err(Error::Usage(format!(
                "{}: a gain is drawn to a file that ends in .svg, .pdf or .html",
                out.display()
            ))),
        }
    }
}

/// The gain of a detector of the Monte Carlo, or of a trained model, and its figure or page.
///
/// # Errors
/// As [`crate::gain`]; the output exists, or has another ending.
pub fn gain(model: &Path, options: &GainOptions, context: &Context<'_>) -> Result<GainCurve> {
    let form = options.out.as_deref().map(|out| Form::of(out).map(|form| (out, form))).transpose()?;
    if let Some((out, _)) = &form {
        OutputFile::refuse_existing(out, context.force)?;
    }
    let opened = context.families.open(model)?;
    let mut settings = options.settings.clone();
    if settings.is_empty() {
        settings.push(Setting::default());
    }
    if let Some(scan) = &options.scan {
        settings = settings.iter().flat_map(|setting| scan.settings(setting)).collect();
    }
    let curve = crate::gain(&*opened, &settings, options.avalanches, context)?;
    if let Some((out, form)) = form {
        let bytes = match form {
            Form::Svg => curve.figure()?.svg.into_bytes(),
            Form::Pdf => curve.figure()?.pdf,
            Form::Page => curve.page()?.into_bytes(),
        };
        OutputFile::write(out, &bytes, context.force)?;
    }
    Ok(curve)
}
