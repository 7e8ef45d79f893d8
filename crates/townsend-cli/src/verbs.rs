//! What each verb calls and prints.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::CommandFactory;
use serde::Serialize;
use townsend::files::{
    self, CheckOptions, DigitiseFileOptions, Exported, FileInspection, GainOptions, Generated, HitOptions,
    Input, InspectOptions, ReadoutOptions, SampleOptions, Written,
};
use townsend::{
    Context, Error, Format, Light, Report, ResolutionOptions, Setting, Start, Values, significant, wrap,
};

use crate::arguments::{
    Arguments, Check, Common, Convert, Demo, Digitise, Export, Gain, Generate, Inspect, Merge, Readout,
    Required, Resolution, STANDARD_OUTPUT, Simulate, Train, Verb,
};
use crate::bench::bench;
use crate::progress::{Bars, WIDTH, say, wrap_behind};
use crate::shipped::Shipped;

pub(crate) fn run(verb: Verb, common: &Common, context: &Context<'_>, bars: &Bars) -> Result<ExitCode> {
    let json = common.json;
    match verb {
        Verb::Demo(mut arguments) => {
            set_seed(&mut arguments.set, common.seed);
            demo(&arguments, context, bars, json)
        }
        Verb::Simulate(arguments) => simulate(arguments, context, bars, json),
        Verb::Gain(arguments) => gain(arguments, context, json),
        Verb::Readout(arguments) => readout(arguments, context, bars, json),
        Verb::Digitise(arguments) => digitise(arguments, context, bars, json),
        Verb::Resolution(arguments) => resolution(arguments, context, json),
        Verb::Inspect(arguments) => inspect(&arguments, context, bars, json),
        Verb::Convert(arguments) => convert(arguments, context, bars, json),
        Verb::Train(mut arguments) => {
            set_seed(&mut arguments.set, common.seed);
            train(arguments, context, bars, json)
        }
        Verb::Generate(arguments) => generate(&arguments, context, bars, json),
        Verb::Merge(Merge { shards, out }) => {
            let merged = files::merge(&Input { files: shards, ..Input::default() }, &out, context)?;
            if json {
                print_json(&merged)?;
            } else {
                let files::Merged { shards, avalanches, electrons } = merged;
                bars.note(&format!(
                    "{shards} shards, {avalanches} avalanches, {electrons} electrons to {}",
                    out.display()
                ));
            }
            Ok(ExitCode::SUCCESS)
        }
        Verb::Export(Export { run, out }) => {
            let exported = files::export(&run, &out, context)?;
            if json {
                return print_json(&exported).map(|()| ExitCode::SUCCESS);
            }
            let what = match exported {
                Exported::Model { family, bytes } => format!("model of the family {family}, {bytes} bytes"),
                Exported::Weights { tensors, weights, epochs } => {
                    format!("{tensors} tensors, {weights} numbers, after {epochs} epochs")
                }
                Exported::Onnx { family, inputs, bytes, notes } => {
                    for note in &notes {
                        bars.note(&wrap(note, WIDTH, 2));
                    }
                    format!(
                        "network of the family {family}, {inputs} normal numbers an avalanche, {bytes} bytes"
                    )
                }
            };
            bars.note(&wrap(&format!("{what}, to {}", out.display()), WIDTH, 2));
            Ok(ExitCode::SUCCESS)
        }
        Verb::Check(arguments) => check(&arguments, context, bars, json),
        Verb::Bench(arguments) => bench(arguments, context, json),
        Verb::Configs(named) => Shipped::configurations().show(&named, json),
        Verb::Detectors(named) => Shipped::detectors().show(&named, json),
        Verb::Runs { folder } => {
            let found = files::runs(&folder, context)?;
            if json {
                print_json(&found)?;
            } else {
                print(&files::table_of_runs(&found))?;
                for run in &found {
                    warn(run.error.as_slice(), &run.run.display().to_string());
                }
            }
            Ok(ExitCode::SUCCESS)
        }
        Verb::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "townsend", &mut script);
            print(&String::from_utf8_lossy(&script))?;
            Ok(ExitCode::SUCCESS)
        }
        Verb::Man { out } => {
            std::fs::create_dir_all(&out).with_context(|| format!("{}: cannot be made", out.display()))?;
            clap_mangen::generate_to(Arguments::command(), &out)
                .with_context(|| format!("{}: cannot be written to", out.display()))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// What to do with an output of this name. On standard output nothing is replaced, but it must hold nothing
/// else, and be written from the beginning to the end, which a ROOT file is not: its head says what is
/// behind.
fn for_output<'a>(
    out: &Path,
    format: Option<Format>,
    json: bool,
    context: &Context<'a>,
) -> Result<Context<'a>> {
    if out != Path::new(STANDARD_OUTPUT) {
        return Ok(Context { ..*context });
    }
    let refused = match format {
        None => "say in which format: --format npz",
        Some(Format::Root | Format::RNTuple) => {
            "a ROOT file is not written from its beginning to its end; write to a file, or --format npz"
        }
        Some(_) if json => "it cannot hold the file and the summary: leave out --json",
        Some(_) => return Ok(Context { force: true, ..*context }),
    };
    Err(Error::Usage(format!("standard output: {refused}")).into())
}

/// The seed of a training stands in its configuration; one that is given on the command line goes there.
fn set_seed(set: &mut Vec<String>, seed: Option<u64>) {
    set.extend(seed.map(|seed| format!("training.seed={seed}")));
}

/// A result on standard output. A reader that has gone away (`| head`) is no failure.
pub(crate) fn print(text: &str) -> Result<()> {
    match writeln!(std::io::stdout(), "{}", text.trim_end()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => anyhow::bail!("standard output: cannot be written: {error}"),
        Ok(()) => Ok(()),
    }
}

pub(crate) fn print_json(value: &impl Serialize) -> Result<()> {
    print(&serde_json::to_string_pretty(value)?)
}

/// Tells warnings of a file, or of several by a name for all of them.
fn warn(warnings: &[String], file: &str) {
    for warning in warnings {
        say(&format!("warning: {file}: {warning}"));
    }
}

fn warn_of_sets(report: &Report) {
    for set in [&report.real, &report.generated] {
        warn(&set.warnings, &set.file);
    }
}

fn demo(arguments: &Demo, context: &Context<'_>, bars: &Bars, json: bool) -> Result<ExitCode> {
    let demo = crate::demo::demo(&arguments.out, &arguments.set, context, bars)?;
    if json {
        print_json(&demo.report)?;
    } else {
        // Training read the file that the report calls real.
        warn_of_sets(&demo.report);
        print(&demo.report.table())?;
        print(&demo.report.lights())?;
        print(&format!("\nreport: {}", demo.page.display()))?;
    }
    bars.note(&wrap(&demo.training.sentence, WIDTH, 2));
    Ok(ExitCode::SUCCESS)
}

fn inspect(arguments: &Inspect, context: &Context<'_>, bars: &Bars, json: bool) -> Result<ExitCode> {
    let mut input = arguments.reading.of(&arguments.files);
    input.options.dims = arguments.dims.map(usize::from);
    input.options.format = arguments.format;
    let options = InspectOptions { html: arguments.html.clone(), plots: arguments.plots.clone() };
    let inspection = files::inspect(input, &options, context)?;
    if json {
        print_json(&inspection)?;
    } else {
        print(&describe(&inspection))?;
        warn(&inspection.inspection.warnings, &inspection.file);
        if let Some(page) = &arguments.html {
            bars.note(&format!("page: {}", page.display()));
        }
        if let Some(folder) = &arguments.plots {
            bars.note(&format!("figures: {}", folder.display()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn describe(of: &FileInspection) -> String {
    let mut facts = of.facts().into_iter();
    let layout = facts.next().map_or(String::new(), |(_, layout)| layout);
    let mut lines = vec![format!("{}: {layout}", of.file)];
    lines.extend(facts.map(|(name, value)| wrap_behind(&format!("{name:<12}"), &value)));
    lines.push(String::new());
    lines.push(format!(
        "{:<16}{:>14}{:>14}  {:<6}{:>12}",
        "observable", "mean", "spread", "unit", "avalanches"
    ));
    for o in &of.inspection.observables {
        let (mean, std) = (significant(o.mean, 5), significant(o.std, 5));
        lines.push(format!("{:<16}{mean:>14}{std:>14}  {:<6}{:>12}", o.name, o.unit, o.avalanches));
    }
    lines.join("\n")
}

/// The kind of file that arguments ask for.
fn written(arguments: &crate::arguments::Written) -> Written {
    Written { dims: arguments.dims(), grid: arguments.grid.clone(), format: arguments.format }
}

fn convert(arguments: Convert, context: &Context<'_>, bars: &Bars, json: bool) -> Result<ExitCode> {
    let Convert { inputs, output, written: kind, reading } = arguments;
    let input = reading.of(&inputs);
    let name = input.name();
    let context = &for_output(&output, kind.format, json, context)?;
    let converted = files::convert(input, &output, &written(&kind), context)?;
    if json {
        print_json(&converted)?;
    } else {
        warn(&converted.warnings, &name);
        bars.note(&format!("{} avalanches to {}", converted.avalanches, output.display()));
    }
    Ok(ExitCode::SUCCESS)
}

fn train(arguments: Train, context: &Context<'_>, bars: &Bars, json: bool) -> Result<ExitCode> {
    let Train { config, data, run, resume, set, reading } = arguments;
    let data = reading.of(&data);
    let name = data.name();
    let trained = match config {
        Some(config) if !resume => files::train(&config, data, &run, &set, context)?,
        config => {
            let data = (!data.files.is_empty()).then_some(data);
            files::resume(config.as_deref(), data, &run, &set, context)?
        }
    };
    if json {
        print_json(&trained)?;
    } else {
        warn(&trained.warnings, &name);
        bars.note(&wrap(&trained.sentence, WIDTH, 2));
    }
    if trained.stopped {
        say(&format!("stopped and saved; go on with: townsend train --run {} --resume", run.display()));
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn generate(arguments: &Generate, context: &Context<'_>, bars: &Bars, json: bool) -> Result<ExitCode> {
    let context = &for_output(&arguments.out, arguments.written.format, json, context)?;
    if !arguments.reconstruct.is_empty() {
        let real = arguments.reading.of(&arguments.reconstruct);
        let made_again =
            files::reconstruct(&arguments.run, real, &arguments.out, arguments.written.format, context)?;
        return made(&made_again, &arguments.out, bars, json);
    }
    let options = SampleOptions {
        // Without --reconstruct it is required.
        events: arguments.events.unwrap_or_default(),
        shard: arguments.shard.unwrap_or_default(),
        setting: Setting { start: arguments.start, conditions: arguments.condition.clone() },
        written: written(&arguments.written),
        reduce: arguments.reduce.reduce,
        strips: arguments.reduce.strips.clone(),
    };
    let generated = files::generate(&arguments.run, &arguments.out, &options, context)?;
    made(&generated, &arguments.out, bars, json)
}

fn simulate(arguments: Simulate, context: &Context<'_>, bars: &Bars, json: bool) -> Result<ExitCode> {
    let options = SampleOptions {
        events: arguments.events,
        shard: arguments.shard.unwrap_or_default(),
        setting: Setting {
            start: if arguments.track { Start::Track } else { arguments.start },
            conditions: arguments.condition,
        },
        written: written(&arguments.written),
        reduce: arguments.reduce.reduce,
        strips: arguments.reduce.strips,
    };
    let context = &for_output(&arguments.out, arguments.written.format, json, context)?;
    let simulated = files::simulate(arguments.detector.as_deref(), &arguments.out, &options, context)?;
    made(&simulated, &arguments.out, bars, json)
}

fn made(what: &Generated, out: &Path, bars: &Bars, json: bool) -> Result<ExitCode> {
    warn(&what.warnings, &out.display().to_string());
    if json {
        print_json(what)?;
    } else {
        // A part of a whole may hold none, in no time.
        let rate = what.avalanches as f64 / what.seconds.max(1e-9);
        let hits = what.strips.as_ref().map_or(String::new(), |strips| format!(", {} hits", strips.hits));
        bars.note(&format!(
            "{} avalanches, {} electrons{hits} in {:.1} s ({rate:.0} avalanches/s) to {}",
            what.avalanches,
            what.electrons,
            what.seconds,
            out.display()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn gain(arguments: Gain, context: &Context<'_>, json: bool) -> Result<ExitCode> {
    let Gain { detector, voltage, scan, condition, events, out } = arguments;
    let over = |conditions| Setting { conditions, ..Setting::default() };
    let settings = if voltage.is_empty() {
        vec![over(condition)]
    } else {
        let at = |voltage| over(condition.iter().cloned().chain([voltage]).collect());
        voltage.into_iter().map(at).collect()
    };
    let options = GainOptions { settings, scan, avalanches: events, out };
    let curve = files::gain(&detector, &options, context)?;
    warn(&curve.warnings, &detector.display().to_string());
    if json {
        print_json(&curve)?;
    } else {
        print(&curve.table())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn resolution(arguments: Resolution, context: &Context<'_>, json: bool) -> Result<ExitCode> {
    let values = |of: Option<Values>| of.map_or_else(Vec::new, |values| values.0);
    let options = ResolutionOptions {
        angles_deg: arguments.angle.0,
        fields_t: values(arguments.field),
        gains: values(arguments.gain),
        conditions: arguments.voltage,
        thresholds_fc: values(arguments.threshold),
        view: u8::from(arguments.view == "v"),
        tracks: arguments.tracks,
    };
    let found = files::resolution(&arguments.detector, &options, &arguments.out, context)?;
    if json {
        print_json(&found)?;
    } else {
        print(&found.table())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn readout(arguments: Readout, context: &Context<'_>, bars: &Bars, json: bool) -> Result<ExitCode> {
    let context = &for_output(&arguments.out, arguments.format, json, context)?;
    let options = ReadoutOptions { detector: arguments.detector, format: arguments.format };
    let input = arguments.reading.of(&arguments.files);
    let name = input.name();
    let read = files::readout(input, &arguments.out, &options, context)?;
    if json {
        print_json(&read)?;
        return Ok(ExitCode::SUCCESS);
    }
    warn(&read.warnings, &name);
    let summary = read.summary;
    if summary.electrons_beside > 0 {
        let (beside, all) = (summary.electrons_beside, summary.electrons);
        say(&format!("warning: {beside} of {all} electrons came down beside the strips"));
    }
    bars.note(&format!(
        "{} hits in {} of {} events to {}",
        summary.hits,
        summary.events_with_hits,
        summary.events,
        arguments.out.display()
    ));
    for (name, view) in [("X", &summary.x), ("V", &summary.v)] {
        bars.note(&format!(
            "{name}: {} strips an event, {} fC and {} ns a strip, {} fC an event",
            significant(view.strips_per_event, 4),
            significant(view.mean_charge_fc, 4),
            significant(view.mean_time_ns, 4),
            significant(view.mean_event_charge_fc, 4)
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn digitise(arguments: Digitise, context: &Context<'_>, bars: &Bars, json: bool) -> Result<ExitCode> {
    let Digitise { hits, layout, columns, tree, units, out, .. } = arguments;
    let options = DigitiseFileOptions {
        detector: arguments.detector,
        hits: HitOptions { layout, columns, tree, units },
        repeat: arguments.repeat,
        ionise: arguments.ionisation,
        waveforms: arguments.waveforms,
        positions: arguments.positions,
        names: arguments.names,
        format: arguments.format,
    };
    let context = &for_output(&out, options.format, json, context)?;
    let made = files::digitise(&hits, &out, &options, context)?;
    if json {
        print_json(&made)?;
        return Ok(ExitCode::SUCCESS);
    }
    let name = hits.display().to_string();
    warn(&made.warnings, &name);
    let summary = made.summary;
    for (count, of, what) in [
        (summary.hits_outside, summary.hits, "hits are in no drift gap"),
        (summary.hits_without_length, summary.hits, "hits have no length, and free no clusters along it"),
        (
            summary.primaries_outside,
            summary.primaries + summary.primaries_outside,
            "electrons are freed outside the drift gap of their layer",
        ),
        (summary.electrons_beside as u64, summary.electrons as u64, "electrons came down beside the strips"),
        (summary.electrons_late as u64, summary.electrons as u64, "electrons came after the window"),
    ] {
        if count > 0 {
            say(&format!("warning: {name}: {count} of {of} {what}"));
        }
    }
    bars.note(&format!(
        "{} digits of {} hits in {} events, {} times each, to {}",
        summary.digits,
        summary.hits,
        summary.events,
        summary.repeat,
        out.display()
    ));
    for (k, view) in summary.views.iter().enumerate() {
        let name = match (k, summary.views.len()) {
            (0, 2) => "X".into(),
            (1, 2) => "V".into(),
            _ => format!("view {k}"),
        };
        bars.note(&format!(
            "{name}: {} strips a layer, {} fC and {} ns a strip",
            significant(view.strips, 4),
            significant(view.mean_charge_fc, 4),
            significant(view.mean_time_ns, 4)
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn check(arguments: &Check, context: &Context<'_>, bars: &Bars, json: bool) -> Result<ExitCode> {
    let options = CheckOptions {
        held_back: arguments.held_back.clone(),
        training: arguments.training.clone(),
        by: arguments.by.clone(),
        thresholds: arguments.thresholds.clone(),
        without_classifiers: arguments.no_classifiers,
    };
    let Check { out, reading, .. } = arguments;
    let real = reading.of(&arguments.real);
    let generated: Vec<Input> =
        arguments.generated.iter().map(|file| reading.of(std::slice::from_ref(file))).collect();
    if let [generated] = generated.as_slice() {
        let report = files::check(real, generated.clone(), out, &options, context)?;
        if json {
            print_json(&report)?;
        } else {
            warn_of_sets(&report);
            print(&report.table())?;
            print(&report.lights())?;
            bars.note(&format!("report: {}", out.join("report.html").display()));
        }
        return gates(arguments, &[report]);
    }
    let (ranking, reports) = files::check_all(real, &generated, out, &options, context)?;
    if json {
        print_json(&ranking)?;
    } else {
        reports.iter().for_each(warn_of_sets);
        print(&ranking.table())?;
        bars.note(&format!("reports: {}", out.join("index.html").display()));
    }
    gates(arguments, &reports)
}

/// Exit code 1 if any distance of a report is above its limit, or a light worse than required.
fn gates(arguments: &Check, reports: &[Report]) -> Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    let worst = arguments.require.map(|required| match required {
        Required::Green => Light::Green,
        Required::Amber => Light::Amber,
    });
    for report in reports {
        // Which of several generators.
        let of = if reports.len() > 1 { format!("{}: ", report.generated.file) } else { String::new() };
        for gate in &arguments.fail_above {
            for excess in gate.apply(report)? {
                say(&format!("{of}above its limit: {excess}"));
                code = ExitCode::FAILURE;
            }
        }
        let lights = report.verdict.iter().flat_map(|verdict| &verdict.judgements);
        for judgement in lights.filter(|judgement| worst.is_some_and(|worst| judgement.light > worst)) {
            say(&format!("{of}{}: {} ({})", judgement.light.name(), judgement.question, judgement.metric));
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}
