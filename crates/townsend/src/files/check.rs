//! Comparing generated avalanches with real ones.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::folder::{figure_files, refuse_outputs, write_outputs};
use super::input::{Input, Read};
use crate::held_back::held_back;
use crate::{Context, Error, History, Result};
use townsend_check::{Check, Condition, Curve, Excess, Ranking, Report, Thresholds};
use townsend_core::Dataset;
use townsend_io::{ReadOptions, Source, read_condition};
use townsend_observables::text::thousands;

/// How to compare.
#[derive(Debug, Clone, Default)]
pub struct CheckOptions {
    /// A run: of the real avalanches, only those of its test part are taken, which it was not trained on;
    /// with those that it was trained on one sees whether it learnt avalanches by heart, and the page shows
    /// how training went.
    pub held_back: Option<PathBuf>,
    /// Avalanches that the generator was trained on, if no run knows them.
    pub training: Option<PathBuf>,
    /// Names of arrays of an npz or branches of a tree, in both files, of one value an avalanche (or
    /// several): conditions, in bins of which the observables are compared too.
    pub by: Vec<String>,
    /// A TOML file with the limits of the traffic lights; those of `configs/check/default.toml` if none.
    pub thresholds: Option<PathBuf>,
    /// Trains no classifiers, which take most of the time.
    pub without_classifiers: bool,
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
                "there is no metric `{metric}`; there are w1_over_sigma, ks and separation_power, of all observables or of one (ks.rms_x); shortfall (of precision, recall, density, coverage), correlations, lumpiness_by_scale, strips and conditional, of all of their kind or of one; and empty, c2st.auc, c2st.auc_network, c2st.auc_low_level, c2st.auc_cells_trees, fpd, kpd, duplicates, memorisation, pair_correlation"
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

/// The files of a report, beside the folder of figures.
const OUTPUTS: [&str; 4] = ["report.json", "report.html", "overview.svg", "overview.pdf"];

/// Compares the avalanches of two files and writes `report.json`, `report.html`, `overview.svg` and
/// `overview.pdf` to the folder `out`, and a figure of every number that was compared, as SVG and as PDF, to
/// `out/figures`.
pub fn check(
    real: impl Into<Input>,
    generated: impl Into<Input>,
    out: &Path,
    options: &CheckOptions,
    context: &Context<'_>,
) -> Result<Report> {
    refuse_outputs(out, &OUTPUTS, context)?;
    Ok(Real::read(&real.into(), options, context)?.check(&generated.into(), out, context)?.report)
}

/// Compares several generators with the same real avalanches. Each gets a folder of its own in `out`, named
/// like its file, with the report; `ranking.json` and `index.html` put them side by side. Returns the ranking
/// and the reports in the order of the files.
pub fn check_all(
    real: impl Into<Input>,
    generated: &[Input],
    out: &Path,
    options: &CheckOptions,
    context: &Context<'_>,
) -> Result<(Ranking, Vec<Report>)> {
    refuse_outputs(out, &["ranking.json", "index.html"], context)?;
    let folders = folders(generated);
    for folder in &folders {
        refuse_outputs(&out.join(folder), &OUTPUTS, context)?;
    }
    let real = real.into();
    let real = Real::read(&real, options, context)?;
    let (mut reports, mut histograms) = (Vec::new(), Vec::new());
    for (file, folder) in generated.iter().zip(folders) {
        let check = real.check(file, &out.join(&folder), context)?;
        histograms.push((folder.clone(), check.histograms));
        reports.push((folder, check.report));
    }
    let ranking = Ranking::of(&reports);
    let page = townsend_page::ranking_html(&ranking, &histograms)?;
    let outputs = [("ranking.json", ranking.to_json()?), ("index.html", page)];
    write_outputs(out, &outputs.map(|(name, text)| (name.to_string(), text.into_bytes())), context)?;
    Ok((ranking, reports.into_iter().map(|(_, report)| report).collect()))
}

/// A folder for each file, by its name without its ending; a name that comes again gets a number.
fn folders(files: &[Input]) -> Vec<String> {
    let mut folders: Vec<String> = Vec::new();
    for input in files {
        let file = input.files.first().map_or(Path::new(""), PathBuf::as_path);
        let name = file.file_stem().map_or("generated".into(), |stem| stem.to_string_lossy().into_owned());
        let name = name.replace(['*', '?', '[', ']'], "_");
        let numbered = (2..).map(|k| format!("{name}-{k}"));
        let free = std::iter::once(name.clone()).chain(numbered).find(|name| !folders.contains(name));
        folders.extend(free);
    }
    folders
}

/// The real avalanches, read once, and what is known of the generator.
struct Real<'a> {
    input: &'a Input,
    options: &'a CheckOptions,
    data: Dataset,
    /// Which part of the file's avalanches these are, in words; none if all.
    part: Option<String>,
    warnings: Vec<String>,
    /// Values of each condition, one an avalanche of `data`.
    conditions: Vec<(String, Vec<f64>)>,
    training: Option<Dataset>,
    curves: Vec<Curve>,
    /// What went wrong in the generator's training.
    notes: Vec<String>,
    thresholds: Thresholds,
}

impl<'a> Real<'a> {
    fn read(input: &'a Input, options: &'a CheckOptions, context: &Context<'_>) -> Result<Self> {
        let thresholds = thresholds(options.thresholds.as_deref())?;
        let Read { mut data, warnings, .. } = input.read(context)?;
        let mut conditions = conditions(input, &options.by)?;
        let (mut training, mut curves, mut notes, mut part) = (None, Vec::new(), Vec::new(), None);
        if let Some(run) = &options.held_back {
            let model = context.families.open(run)?;
            let parts = held_back(&*model, &data).map_err(|error| Error::HeldBack {
                real: input.path(),
                model: run.clone(),
                source: error.into(),
            })?;
            training = Some(data.select(&parts.training));
            let run = run.file_name().map_or("the run".into(), |name| name.to_string_lossy());
            part = Some(format!(
                "the test part (of {}), held back from the training of {run}",
                thousands(data.len() as u64)
            ));
            data = data.select(&parts.test);
            for (_, values) in &mut conditions {
                *values = parts.test.iter().filter_map(|&index| values.get(index).copied()).collect();
            }
            History { curves, notes } = model.history()?;
        }
        if let Some(file) = &options.training {
            training =
                Some(as_its_own(&Input { files: vec![file.clone()], ..input.clone() })?.read(context)?.data);
        }
        Ok(Self { input, options, data, part, warnings, conditions, training, curves, notes, thresholds })
    }

    fn check(&self, generated: &Input, out: &Path, context: &Context<'_>) -> Result<Check> {
        let generated = as_its_own(generated)?;
        let set = generated.read(context)?;
        let of_generated = conditions(&generated, &self.options.by)?;
        let conditions: Vec<Condition> = self
            .conditions
            .iter()
            .zip(of_generated)
            .map(|((name, real), (_, generated))| Condition {
                name: name.clone(),
                real: real.clone(),
                generated,
            })
            .collect();
        let options = townsend_check::CheckOptions {
            seed: context.seed,
            classifiers: !self.options.without_classifiers,
            training: self.training.as_ref(),
            conditions: &conditions,
            thresholds: self.thresholds.clone(),
            ..townsend_check::CheckOptions::default()
        };
        let (real_file, generated_file) = (self.input.file()?, generated.file()?);
        let mut check = townsend_check::check(
            &self.data,
            &set.data,
            real_file,
            generated_file,
            &options,
            context.work(),
        )?;
        check.report.real.part.clone_from(&self.part);
        check.report.real.warnings.clone_from(&self.warnings);
        check.report.generated.warnings = [self.notes.clone(), set.warnings].concat();
        check.curves.clone_from(&self.curves);
        write_check(&check, out, context)?;
        Ok(check)
    }
}

/// Writes a finished check to the folder `out`: the files that [`check`] writes.
///
/// # Errors
/// One of the files is there already, or cannot be written.
pub fn write_check(check: &Check, out: &Path, context: &Context<'_>) -> Result<()> {
    refuse_outputs(out, &OUTPUTS, context)?;
    context.go_on()?;
    let figures =
        townsend_page::figures(check)?.into_iter().flat_map(|figure| figure_files("figures/", figure));
    let [json, html, svg] =
        [check.report.to_json()?, townsend_page::report_html(check)?, townsend_page::overview_svg(check)?];
    let contents =
        [json.into_bytes(), html.into_bytes(), svg.into_bytes(), townsend_page::overview_pdf(check)?];
    let files: Vec<_> = OUTPUTS.map(String::from).into_iter().zip(contents).chain(figures).collect();
    write_outputs(out, &files, context)
}

fn thresholds(file: Option<&Path>) -> Result<Thresholds> {
    let Some(path) = file else { return Ok(Thresholds::default()) };
    let text = std::fs::read_to_string(path).map_err(|source| Error::Io { path: path.into(), source })?;
    Thresholds::from_toml(&text)
        .map_err(|error| Error::In { path: path.into(), source: Box::new(error.into()) })
}

/// The same files, read by their own names and units if townsend wrote them: names that were stated are for
/// those of other programs.
fn as_its_own(input: &Input) -> Result<Input> {
    let own = |source: &Source| Ok(townsend_io::label(&source.path)?.is_some());
    let own = input.sources()?.iter().map(own).collect::<Result<Vec<bool>>>()?;
    let options = ReadOptions { dims: input.options.dims, ..ReadOptions::default() };
    Ok(if own.iter().all(|own| *own) { Input { options, ..input.clone() } } else { input.clone() })
}

/// The columns or arrays of these names: one condition a column, of `start_um` of two columns `start_um[0]`
/// and `start_um[1]`.
fn conditions(input: &Input, names: &[String]) -> Result<Vec<(String, Vec<f64>)>> {
    let mut found = Vec::new();
    for name in names {
        let mut columns: Option<Vec<Vec<f64>>> = None;
        for source in input.sources()? {
            let path = source.path.clone();
            let of_file = columns_of(&path, name, read_condition(source, name, &input.options)?)?;
            match &mut columns {
                None => columns = Some(of_file),
                Some(all) if all.len() == of_file.len() => {
                    all.iter_mut().zip(of_file).for_each(|(all, more)| all.extend(more));
                }
                Some(all) => {
                    let what = format!(
                        "`{name}` has {} values an avalanche, {} in other files",
                        of_file.len(),
                        all.len()
                    );
                    return Err(Error::Content { path, what });
                }
            }
        }
        let columns = columns.unwrap_or_default();
        let single = columns.len() == 1;
        let label = |column| if single { name.clone() } else { format!("{name}[{column}]") };
        found.extend(columns.into_iter().enumerate().map(|(column, values)| (label(column), values)));
    }
    Ok(found)
}

/// Divides the values of a condition, row by row, into its columns.
fn columns_of(path: &Path, name: &str, (shape, values): (Vec<usize>, Vec<f64>)) -> Result<Vec<Vec<f64>>> {
    let columns = match shape[..] {
        [_] => 1,
        [_, columns] if columns > 0 => columns,
        _ => {
            let what = format!(
                "`{name}` has the shape {shape:?}; a condition needs one value an avalanche, or one row"
            );
            return Err(Error::Content { path: path.into(), what });
        }
    };
    Ok((0..columns).map(|column| values.iter().skip(column).step_by(columns).copied().collect()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_is_written_as_metric_equals_value() {
        assert_eq!("ks = 0.1".parse(), Ok(Gate { metric: "ks".into(), limit: 0.1 }));
        for right in [
            "ks.rms_x=0",
            "empty=1",
            "c2st.auc=0.6",
            "separation_power.pair_distance=1e-3",
            "shortfall.coverage=0.1",
            "strips=1",
        ] {
            assert!(right.parse::<Gate>().is_ok(), "{right}");
        }
        for wrong in ["ks", "=1", "ks=", "ks=high", "ks=nan", "kz=1", "ks.rms_y=1", "c2st=1", "recall=1"] {
            assert!(wrong.parse::<Gate>().is_err(), "{wrong}");
        }
    }
}
