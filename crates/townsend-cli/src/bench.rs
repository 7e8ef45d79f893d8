//! The verb that measures.

use std::process::ExitCode;

use anyhow::Result;
use townsend::{Context, significant};
use townsend_bench::{BenchOptions, BenchPart, Benchmark, Spread};

use crate::arguments::Bench;
use crate::verbs::{print, print_json};

pub(crate) fn bench(arguments: Bench, context: &Context<'_>, json: bool) -> Result<ExitCode> {
    let Bench { mut parts, rounds } = arguments;
    if parts.is_empty() {
        parts = BenchPart::ALL.into();
    }
    let measured = townsend_bench::bench(&BenchOptions { parts, rounds }, context)?;
    if json {
        print_json(&measured)?;
    } else {
        print(&table(&measured))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn table(of: &Benchmark) -> String {
    let Benchmark { producer, processor, threads, instructions, rounds, .. } = of;
    let line = |part: &str, what: &str, [rate, unit]: [&str; 2], each: &str, share: &str| {
        format!("{part:<11}{what:<23}{rate:>18} {unit:<12}{each:>7}{share:>6}").trim_end().to_owned()
    };
    let shown = |of: &Spread| {
        let [median, least, most] = [of.median, of.least, of.most].map(|value| significant(value, 3));
        format!("{median} ({least}–{most})")
    };
    let mut lines = vec![
        format!("{processor}, {instructions}"),
        format!("{producer}, {threads} threads; median (least–most) of {rounds} rounds"),
        line("", "", ["a second", ""], "ms each", "share"),
        line("machine", "product by `gemm`", [&shown(&of.matrix_product_gflops), "GFLOP"], "", ""),
        line("", "product by kernels", [&shown(&of.kernels_product_gflops), "GFLOP"], "", ""),
    ];
    let mut last = None;
    for measurement in &of.measurements {
        let part = if last.replace(measurement.part) == Some(measurement.part) {
            ""
        } else {
            measurement.part.name()
        };
        let rate = &measurement.per_second;
        let (rate, each) = match measurement.unit {
            "electrons" => {
                let millions = |value: f64| value * 1e-6;
                let [median, least, most] = [rate.median, rate.least, rate.most].map(millions);
                ([shown(&Spread { median, least, most }), "M electrons".into()], String::new())
            }
            unit => ([shown(rate), unit.to_string()], significant(1e3 / rate.median, 3)),
        };
        let share = measurement.share.as_ref().map_or(String::new(), |of| significant(of.median, 2));
        let [rate, unit] = rate.each_ref().map(String::as_str);
        lines.push(line(part, &measurement.what, [rate, unit], &each, &share));
    }
    lines.join("\n")
}
