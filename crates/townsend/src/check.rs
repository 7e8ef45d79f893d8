//! Comparing generated avalanches with real ones.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use townsend_check::{Excess, Report};
use townsend_core::{Dataset, OutputFile, Part};
use townsend_io::ReadOptions;
use townsend_train::Run;

use crate::cascade::{CascadeRun, CascadeSummary};
use crate::context::input_file;
use crate::{Context, Error, Result};

/// How to compare.
#[derive(Debug, Clone, Default)]
pub struct CheckOptions {
    /// A run: of the real avalanches, only those of its test part are taken, which it was not trained on.
    pub held_back: Option<PathBuf>,
}

/// A limit that a distance may not be above: `ks.rms_x=0.05`.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    metric: String,
    limit: f64,
}

impl FromStr for Gate {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let parts = text
            .split_once('=')
            .and_then(|(metric, limit)| Some((metric.trim(), limit.trim().parse().ok()?)));
        match parts {
            Some((metric, _)) if !Report::is_metric(metric) => Err(format!(
                "there is no metric `{metric}`; there are w1_over_sigma, ks and separation_power, of all observables or of one (ks.rms_x), and empty, c2st.auc, fpd, kpd"
            )),
            Some((metric, limit)) if f64::is_finite(limit) => Ok(Self { metric: metric.into(), limit }),
            _ => Err(format!("`{text}` is not a limit; write metric=value, such as ks.rms_x=0.05")),
        }
    }
}

impl Gate {
    /// The metrics of the report that are above the limit.
    pub fn apply(&self, report: &Report) -> Result<Vec<Excess>> {
        Ok(report.exceeds(&self.metric, self.limit)?)
    }
}

/// Compares the avalanches of two files and writes `report.json`, `report.html` and `overview.svg` to the folder `out`.
pub fn check(
    real: &Path,
    generated: &Path,
    out: &Path,
    options: &CheckOptions,
    context: &Context<'_>,
) -> Result<Report> {
    if let Some(file) = out.ancestors().find(|path| path.is_file()) {
        return Err(Error::Usage(format!(
            "{}: the report needs a folder, and {} is a file",
            out.display(),
            file.display()
        )));
    }
    let outputs = ["report.json", "report.html", "overview.svg"].map(|name| out.join(name));
    for path in &outputs {
        OutputFile::refuse_existing(path, context.force)?;
    }
    let mut real_set = context.read(real, &ReadOptions::default())?;
    let generated_set = context.read(generated, &ReadOptions::default())?;
    if let Some(run) = &options.held_back {
        real_set.data = held_back(run, real, &real_set.data)?;
    }
    let mut check = townsend_check::check(
        &real_set.data,
        &generated_set.data,
        input_file(real)?,
        input_file(generated)?,
        &townsend_check::CheckOptions { seed: context.seed, ..townsend_check::CheckOptions::default() },
        context.progress,
    )?;
    check.report.real.warnings = real_set.warnings;
    check.report.generated.warnings = generated_set.warnings;
    context.go_on()?;
    let texts = [check.report.to_json()?, check.write_html()?, check.overview_svg()?];
    std::fs::create_dir_all(out).map_err(|source| Error::Io { path: out.into(), source })?;
    let filled = outputs.iter().zip(texts);
    let written: std::result::Result<Vec<_>, _> =
        filled.map(|(path, text)| OutputFile::filled(path, text.as_bytes(), context.force)).collect();
    written?.into_iter().try_for_each(OutputFile::commit)?;
    Ok(check.report)
}

/// The test part of the data that a run was made from.
fn held_back(run: &Path, file: &Path, data: &Dataset) -> Result<Dataset> {
    let (digest, indices) = match CascadeRun::open(run)?.map(|run| run.summary) {
        Some(CascadeSummary::Stages(_)) => {
            return Err(Error::Usage(format!(
                "{}: was fitted to responses of single foils, not to avalanches, so nothing was held back\n  hint: leave out --held-back",
                run.display()
            )));
        }
        None => {
            let run = Run::open(run)?;
            (run.data().digest.clone(), run.indices(data, Part::Test))
        }
    };
    if digest != data.digest() {
        return Err(Error::Usage(format!(
            "{}: is not the data that {} was trained on, so nothing of it was held back\n  hint: leave out --held-back to compare with all of them",
            file.display(),
            run.display()
        )));
    }
    if indices.is_empty() {
        return Err(Error::Usage(format!(
            "{}: its run {} holds no avalanches back; set data.test in its configuration and train again",
            file.display(),
            run.display()
        )));
    }
    Ok(data.select(&indices))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_is_written_as_metric_equals_value() {
        assert_eq!("ks = 0.1".parse(), Ok(Gate { metric: "ks".into(), limit: 0.1 }));
        for right in ["ks.rms_x=0", "empty=1", "c2st.auc=0.6", "separation_power.pair_distance=1e-3"] {
            assert!(right.parse::<Gate>().is_ok(), "{right}");
        }
        for wrong in ["ks", "=1", "ks=", "ks=high", "ks=nan", "kz=1", "ks.rms_y=1", "c2st=1", "recall=1"] {
            assert!(wrong.parse::<Gate>().is_err(), "{wrong}");
        }
    }
}
