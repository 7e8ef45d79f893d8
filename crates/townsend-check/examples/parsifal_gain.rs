//! The gain of the detector `cgem` by its voltage beside that of PARSIFAL (`data/parsifal_gain.csv`).
//!
//! ```text
//! cargo run --release -p townsend-check --example parsifal_gain -- AVALANCHES CALIBRATED_AT_V [SLOPE]
//! ```
//!
//! PARSIFAL counts electrons for each primary electron that was collected; ours are divided by the part that
//! is. The gain is calibrated at one of its voltages, and goes with the slopes of the detector, or with one
//! for ln(gain) by volt and foil.

use townsend_observables::Gain;
use townsend_observables::text::align;
use townsend_sim::{Detector, EffectiveGain, Simulation, Start};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let avalanches: u64 = arguments.next().ok_or("give the number of avalanches of each voltage")?.parse()?;
    let calibrated: f64 = arguments.next().ok_or("give the voltage to calibrate at, such as 825")?.parse()?;
    let slope: Option<f64> = arguments.next().map(|text| text.parse()).transpose()?;

    let text = include_str!("../../../data/parsifal_gain.csv");
    let rows = text.lines().skip(1).map(|line| line.split(',').map(str::parse).collect());
    let rows: Vec<Vec<f64>> = rows.collect::<Result<_, _>>()?;
    let at = rows.iter().find(|row| row[0].to_bits() == calibrated.to_bits());
    let at = at.ok_or("PARSIFAL has no such voltage")?;

    let mut detector = Detector::from_toml(Detector::shipped("cgem").unwrap_or_default())?;
    detector.gain = None;
    for condition in detector.foils.iter_mut().flat_map(|foil| foil.conditions.values_mut()) {
        condition.ln_gain = slope.unwrap_or(condition.ln_gain);
    }
    detector.set_condition("voltage_sum_v", &[calibrated])?;
    let collected = detector.collected();
    detector.gain = Some(EffectiveGain {
        effective: Some(at[3] * collected),
        measured: Vec::new(),
        pressure_torr: None,
        temperature_k: None,
    });
    let head =
        ["sum, V", "gain", "PARSIFAL", "off by", "relative variance", "PARSIFAL", "empty, %", "PARSIFAL"];
    let mut table = vec![head.map(String::from).to_vec()];
    for row in &rows {
        detector.set_condition("voltage_sum_v", &[row[0]])?;
        let simulation = Simulation::new(&detector)?;
        let sizes: Vec<u64> = simulation
            .blocks(1, 0..avalanches, Start::Cell)
            .flat_map(|set| set.iter().map(|avalanche| avalanche.len() as u64).collect::<Vec<_>>())
            .collect();
        let gain = Gain::of(&sizes).ok_or("give at least two avalanches")?;
        let f = gain.relative_variance.ok_or("no avalanche has electrons")?;
        // The part of the primary electrons that is not collected adds to the variance and to the empty ones.
        let said = detector.effective_gain()? / collected;
        table.push(vec![
            format!("{}", row[0]),
            format!("{said:.0}"),
            format!("{:.0}", row[3]),
            format!("{:+.1}%", 100.0 * (said / row[3] - 1.0)),
            format!("{:.3} ± {:.3}", collected * (1.0 + f.value) - 1.0, collected * f.error),
            format!("{:.3}", row[4]),
            format!(
                "{:.1} ± {:.1}",
                100.0 * (1.0 - (1.0 - gain.empty.value) / collected),
                100.0 * gain.empty.error / collected
            ),
            format!("{:.1}", 100.0 * row[5]),
        ]);
    }
    println!("{}", align(&table));
    Ok(())
}
