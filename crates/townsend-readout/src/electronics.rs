//! Front-end chips: what they make of the current of a strip.

use std::f64::consts::E;

use townsend_core::{Stream, fill_normal};
use townsend_kernels::vectorised;
use townsend_sim::SimError;

use crate::cells::{TOGETHER, pad};
use crate::description::Electronics;
use crate::shaping::{ChargeTable, Shaping};

/// Charge of an electron, fC.
pub const ELECTRON_FC: f64 = 1.602_176_634e-4;

/// The output of an amplifier for a charge that arrives at time 0, as a function of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Response {
    /// e·(t/τ)·exp(−t/τ), one integration and one differentiation with the same constant, ns.
    CrRc(f64),
    /// The time branch of TIGER, mV/fC, fitted to the chip's simulation (PARSIFAL).
    TigerTime,
    /// Its charge branch, mV/fC (PARSIFAL).
    TigerCharge,
    /// 55 x⁴ exp(−4x), x = t/τ (ALICE O2's TPC), τ in ns.
    Sampa(f64),
    /// Three poles, with this peaking time in ns (Athena's Micromegas digitisation).
    Vmm(f64),
    /// The integral of the current.
    Step,
}

impl Response {
    /// The output at `t_ns`; 0 before 0.
    pub fn at(self, t_ns: f64) -> f64 {
        if t_ns <= 0.0 {
            return 0.0;
        }
        match self {
            Self::CrRc(tau) => E * t_ns / tau * (-t_ns / tau).exp(),
            Self::TigerTime => {
                let u = t_ns - 10.0;
                if u <= 0.0 {
                    return 0.0;
                }
                let part = |height: f64, tau: f64| height * (-u / tau).exp();
                2000.0 * (part(0.001_819_28, 3.0) + part(-0.014_705_9, 20.0) + part(0.012_886_6, 100.0))
            }
            Self::TigerCharge => {
                let u = t_ns - 5.0;
                if u <= 0.0 {
                    return 0.0;
                }
                let (fast, slow) = ((-0.038_564_7 * u).exp(), (-0.011_435_3 * u).exp());
                6.273_57e-4 * (1358.7 * u * (fast + slow) + 100_164.0 * (fast - slow))
            }
            Self::Sampa(tau) => {
                let x = t_ns / tau;
                55.0 * x.powi(4) * (-4.0 * x).exp()
            }
            Self::Vmm(peaking) => {
                let a = peaking / 1.5;
                let p0 = 1.263 / a;
                let (real, imaginary) = (1.149 / a, -0.786 / a);
                let (k0, k1, phase) = (1.584, 0.792f64.hypot(0.115), (-0.115f64).atan2(-0.792));
                k0 * (-p0 * t_ns).exp() + 2.0 * k1 * (-real * t_ns).exp() * (phase - imaginary * t_ns).cos()
            }
            Self::Step => 1.0,
        }
    }

    /// How long it lasts, ns: what comes later is below a thousandth of the peak.
    pub fn length_ns(self) -> f64 {
        match self {
            Self::CrRc(tau) => 10.0 * tau,
            Self::TigerTime => 700.0,
            Self::TigerCharge => 900.0,
            Self::Sampa(tau) => 4.0 * tau,
            Self::Vmm(peaking) => 8.0 * peaking,
            Self::Step => 1.0,
        }
    }

    /// The largest output and when it comes, ns.
    pub fn peak(self) -> [f64; 2] {
        let steps = (self.length_ns() * 10.0) as u32;
        let at = |k: u32| f64::from(k) * 0.1;
        (0..=steps).map(|k| [self.at(at(k)), at(k)]).fold([0.0; 2], |a, b| if b[0] > a[0] { b } else { a })
    }
}

/// How charge and time are taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Method {
    /// The charge branch is held this long after the time branch crosses the threshold, ns.
    Hold(f64),
    /// The largest output after the crossing of the threshold.
    Peak,
    /// The largest of samples at this distance, ns, and this many; the time is where a straight line between
    /// samples reaches half of it.
    Samples(f64, usize),
    /// All of the charge; the time is where its sum crosses the threshold.
    Sum,
}

/// The constants of a chip.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chip {
    /// Its name in a description.
    pub name: &'static str,
    /// The amplifier whose output is compared with the threshold.
    pub time: Response,
    /// The amplifier whose output is the charge.
    pub charge: Response,
    /// How charge and time are taken.
    pub method: Method,
    /// Equivalent noise charge: electrons, and electrons for each pF.
    pub noise_e: [f64; 2],
    /// Threshold: the charge, arriving at once, whose output just reaches it, fC; 0 for five times the noise.
    pub threshold_fc: f64,
    /// The largest charge, fC.
    pub saturation_fc: f64,
    /// Charge of one unit of the ADC, fC.
    pub adc_fc: f64,
    /// Time of one unit of the TDC, ns.
    pub tdc_ns: f64,
}

/// TIGER, read as in the CGEM-IT: threshold 10 mV, charge held 162.5 ns after it, linear to 50 fC (PARSIFAL;
/// arXiv:1903.05694). The noise, 1,500 electrons at 100 pF, is taken as proportional to the capacitance; it,
/// the 10 bits of its ADC over 50 fC and 1/128 of its clock of 6.25 ns as unit of time were not verified.
const TIGER: Chip = Chip {
    name: "tiger",
    time: Response::TigerTime,
    charge: Response::TigerCharge,
    method: Method::Hold(162.5),
    noise_e: [0.0, 15.0],
    threshold_fc: 0.752,
    saturation_fc: 50.0,
    adc_fc: 50.0 / 1023.0,
    tdc_ns: 6.25 / 128.0,
};

/// APV25: 27 samples every 25 ns, 30 units/fC, saturation 1,970 units (PARSIFAL). Its noise in peak mode was
/// not verified.
const APV25: Chip = Chip {
    name: "apv25",
    time: Response::CrRc(50.0),
    charge: Response::CrRc(50.0),
    method: Method::Samples(25.0, 27),
    noise_e: [246.0, 36.0],
    threshold_fc: 0.0,
    saturation_fc: 1970.0 / 30.0,
    adc_fc: 1.0 / 30.0,
    tdc_ns: 25.0 / 64.0,
};

/// VMM3: threshold 15,000 electrons, 9 times its noise (Athena). The range of 10 bits over 1 V at 9 mV/fC and
/// the nanosecond of its TDC were not verified.
const VMM3: Chip = Chip {
    name: "vmm3",
    time: Response::Vmm(50.0),
    charge: Response::Vmm(50.0),
    method: Method::Peak,
    noise_e: [15_000.0 / 9.0, 0.0],
    threshold_fc: 15_000.0 * ELECTRON_FC,
    saturation_fc: 1000.0 / 9.0,
    adc_fc: 1000.0 / 9.0 / 1023.0,
    tdc_ns: 1.0,
};

/// SAMPA: 20 mV/fC, 10 bits over 2.2 V, a sample every 200 ns, noise 670 electrons, threshold 2,700 electrons
/// (ALICE O2's TPC, sPHENIX).
const SAMPA: Chip = Chip {
    name: "sampa",
    time: Response::Sampa(160.0),
    charge: Response::Sampa(160.0),
    method: Method::Samples(200.0, 16),
    noise_e: [670.0, 0.0],
    threshold_fc: 2_700.0 * ELECTRON_FC,
    saturation_fc: 110.0,
    adc_fc: 110.0 / 1023.0,
    tdc_ns: 200.0 / 64.0,
};

/// No chip: the charge itself, without noise.
const IDEAL: Chip = Chip {
    name: "ideal",
    time: Response::Step,
    charge: Response::Step,
    method: Method::Sum,
    noise_e: [0.0; 2],
    threshold_fc: 1.0,
    saturation_fc: 1e6,
    adc_fc: 0.001,
    tdc_ns: 0.001,
};

impl Chip {
    /// All that are known.
    pub const ALL: [Self; 5] = [TIGER, APV25, VMM3, SAMPA, IDEAL];
}

/// What a chip says of a strip.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// Charge by the word of the ADC, fC.
    pub charge_fc: f64,
    /// Time by the word of the TDC, ns.
    pub time_ns: f64,
    /// The word of the ADC.
    pub adc: u32,
    /// The word of the TDC, from time 0; 0 for times before.
    pub tdc: u32,
}

/// A chip made ready for currents in time bins.
#[derive(Debug, Clone)]
pub struct FrontEnd {
    chip: Chip,
    bin_ns: f64,
    /// Output of the time branch at the end of the k-th bin after that of the charge, over its peak, with
    /// zeros on both sides.
    time: Vec<f32>,
    charge: ChargeTable,
    threshold_fc: f64,
    /// Spread of the noise charge of one bin, fC.
    noise_fc: f64,
    /// Bins of noise before the first charge.
    before: usize,
}

impl FrontEnd {
    /// Prepares the chip of a description.
    ///
    /// # Errors
    /// There is no such chip, or it has no choice of peaking times.
    pub fn new(electronics: &Electronics, bin_ns: f64) -> Result<Self, SimError> {
        let known = Chip::ALL.iter().find(|chip| chip.name == electronics.chip);
        let mut chip = *known.ok_or_else(|| SimError::Range {
            key: "digitisation.electronics.chip".into(),
            value: format!("`{}`", electronics.chip),
            allowed: format!("one of {}", Chip::ALL.map(|chip| chip.name).join(", ")),
        })?;
        if let Some(peaking) = electronics.peaking_ns {
            let key = "digitisation.electronics.peaking_ns";
            if !matches!(chip.time, Response::Vmm(_)) {
                let allowed = format!("left out: {} has one peaking time", chip.name);
                return Err(SimError::Range { key: key.into(), value: peaking.to_string(), allowed });
            }
            townsend_sim::within(key, peaking, 25.0, 200.0)?;
            (chip.time, chip.charge) = (Response::Vmm(peaking), Response::Vmm(peaking));
        }
        let bins = (chip.time.length_ns() / bin_ns).ceil() as usize;
        let peak = chip.time.peak()[0];
        // Charge arrives in the middle of a bin.
        let time: Vec<f64> = (0..bins).map(|k| chip.time.at((k as f64 + 0.5) * bin_ns) / peak).collect();
        let noise_e =
            electronics.noise_e.unwrap_or(chip.noise_e[0] + chip.noise_e[1] * electronics.capacitance_pf);
        let noise_fc = noise_e * ELECTRON_FC;
        let own = if chip.threshold_fc > 0.0 { chip.threshold_fc } else { (5.0 * noise_fc).max(1e-3) };
        Ok(Self {
            chip,
            bin_ns,
            charge: ChargeTable::new(chip.charge, bin_ns),
            threshold_fc: electronics.threshold_fc.unwrap_or(own),
            noise_fc: noise_fc / time.iter().map(|h| h * h).sum::<f64>().sqrt(),
            // A third of the response holds nine tenths of its noise.
            before: if noise_fc > 0.0 { bins / 3 } else { 1 },
            time: {
                let response: Vec<f32> = time.into_iter().map(|value| value as f32).collect();
                let mut padded = Vec::new();
                pad(&response, TOGETHER, &mut padded);
                padded
            },
        })
    }

    /// The charge, arriving at once, that just reaches the threshold, fC.
    pub fn threshold_fc(&self) -> f64 {
        self.threshold_fc
    }

    /// Bins without charge that a current should begin with, so that noise is there before the charge.
    pub fn bins_before(&self) -> usize {
        self.before
    }

    /// Bins that a current should last after its last charge.
    pub fn bins_after(&self) -> usize {
        let slow = match self.chip.method {
            Method::Hold(delay) => delay + 60.0,
            Method::Peak | Method::Samples(..) => 2.0 * self.chip.charge.peak()[1],
            Method::Sum => self.bin_ns,
        };
        (slow / self.bin_ns).ceil() as usize + 1
    }

    /// Adds noise to a current (fC in each bin): white, so that the output of the time branch has the chip's
    /// equivalent noise charge.
    pub fn add_noise(&self, current: &mut [f32], scratch: &mut Vec<f32>, random: &mut Stream) {
        if self.noise_fc <= 0.0 {
            return;
        }
        scratch.resize(current.len(), 0.0);
        fill_normal(random, scratch);
        let noise = self.noise_fc as f32;
        current.iter_mut().zip(scratch).for_each(|(charge, normal)| *charge += noise * *normal);
    }

    /// The output of the time branch at the end of every bin, fC of a charge that arrives at once.
    pub fn waveform(&self, current: &[f32]) -> Vec<f32> {
        let mut output = vec![0.0; current.len()];
        if self.chip.method == Method::Sum {
            let mut sum = 0.0;
            for (output, charge) in output.iter_mut().zip(current) {
                sum += charge;
                *output = sum;
            }
        } else {
            output.resize(current.len().next_multiple_of(TOGETHER), 0.0);
            vectorised(Shaping { current, response: &self.time, output: &mut output });
            output.truncate(current.len());
        }
        output
    }

    /// What the chip says of a current that begins at `start_ns`; none if it stays below the threshold.
    pub fn read(&self, current: &[f32], start_ns: f64) -> Option<Reading> {
        let (charge, time) = match self.chip.method {
            Method::Samples(every, most) => self.sampled(current, start_ns, every, most)?,
            Method::Hold(delay) => {
                let crossing = self.crossing(&self.waveform(current))?;
                (self.charge.at(current, crossing + delay), crossing)
            }
            Method::Peak => {
                let output = self.waveform(current);
                let crossing = self.crossing(&output)?;
                let first = (crossing / self.bin_ns) as usize;
                let last = first + (1.5 * self.chip.charge.peak()[1] / self.bin_ns) as usize + 20;
                let after = output[first..].iter().take(last - first + 1);
                (after.copied().fold(0.0, f32::max).into(), crossing)
            }
            Method::Sum => {
                let output = self.waveform(current);
                (output.last().copied().unwrap_or(0.0).into(), self.crossing(&output)?)
            }
        };
        let adc = (charge.clamp(0.0, self.chip.saturation_fc) / self.chip.adc_fc).round();
        let tdc = ((start_ns + time) / self.chip.tdc_ns).floor();
        Some(Reading {
            charge_fc: adc * self.chip.adc_fc,
            time_ns: (tdc + 0.5) * self.chip.tdc_ns,
            adc: adc as u32,
            tdc: tdc as u32,
        })
    }

    /// When the output of the time branch first crosses the threshold, ns after the beginning.
    fn crossing(&self, output: &[f32]) -> Option<f64> {
        let above = |at: f32| f64::from(at) >= self.threshold_fc;
        let bin = (0..output.len()).find(|&bin| {
            above(output[bin]) && !bin.checked_sub(1).is_some_and(|before| above(output[before]))
        })?;
        let before = bin.checked_sub(1).map_or(0.0, |before| f64::from(output[before]));
        let part = (self.threshold_fc - before) / (f64::from(output[bin]) - before);
        Some((bin as f64 + part) * self.bin_ns)
    }

    /// Largest sample and when half of it is reached, ns after the beginning.
    fn sampled(&self, current: &[f32], start_ns: f64, every: f64, most: usize) -> Option<(f64, f64)> {
        // The clock runs on through all events: samples are at multiples of its period.
        let first = (start_ns / every).ceil() * every - start_ns;
        let samples: Vec<f64> =
            (0..most).map(|k| self.charge.at(current, first + k as f64 * every)).collect();
        let (at, &largest) = samples.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
        if largest < self.threshold_fc {
            return None;
        }
        let half = 0.5 * largest;
        let above = samples[..=at].iter().rposition(|&sample| sample < half).map_or(0, |below| below + 1);
        let before = if above == 0 { 0.0 } else { samples[above - 1] };
        let part = (half - before) / (samples[above] - before);
        Some((largest, first + (above as f64 - 1.0 + part) * every))
    }
}

#[cfg(test)]
mod tests {
    use townsend_core::{Purpose, stream};

    use super::*;

    fn front_end(chip: &str, noise_e: f64, bin_ns: f64) -> FrontEnd {
        let electronics = Electronics {
            chip: chip.into(),
            capacitance_pf: 100.0,
            threshold_fc: None,
            noise_e: Some(noise_e),
            peaking_ns: None,
        };
        FrontEnd::new(&electronics, bin_ns).unwrap()
    }

    /// Peak and peaking time of every chip against what its source says or its closed form gives; those of
    /// TIGER are told from where its output begins.
    #[test]
    fn peaks_are_those_of_the_chips() {
        for (response, height, at, within) in [
            (Response::CrRc(50.0), 1.0, 50.0, 0.1),
            (Response::TigerTime, 13.3, 10.0 + 43.5, 0.5),
            (Response::TigerCharge, 12.3, 5.0 + 149.7, 0.5),
            (Response::Sampa(160.0), 55.0 * (-4f64).exp(), 160.0, 0.1),
        ] {
            let [peak, time] = response.peak();
            assert!((peak / height - 1.0).abs() < 0.005 && (time - at).abs() < within, "{peak} {time}");
        }
        // The shape of VMM depends on time over peaking time alone and peaks near it; height 0.411819 before
        // it is normalised.
        for peaking in [25.0, 50.0, 200.0] {
            let [peak, time] = Response::Vmm(peaking).peak();
            let a = peaking / 1.5;
            let (p0, p1) = (1.263 / a, 1.149f64.hypot(0.786) / a);
            assert!((peak * a.powi(3) * p0 * p1 * p1 / 0.411_819 - 1.0).abs() < 0.02, "{peak}");
            assert!((time / peaking - 1.0).abs() < 0.05, "{peaking}: {time}");
        }
        assert_eq!(Response::Step.at(3.0).to_bits(), 1f64.to_bits());
    }

    /// A charge that arrives at once: the threshold is crossed where the closed form crosses it, and charge
    /// and its word come back.
    #[test]
    fn a_charge_at_once_is_read_back() {
        let chip = front_end("tiger", 0.0, 0.5);
        for charge in [2.0, 10.0, 40.0] {
            let mut current = vec![0f32; 1000];
            current[100] = charge as f32;
            let read = chip.read(&current, 1000.0).unwrap();
            let level = chip.threshold_fc() * Response::TigerTime.peak()[0];
            let crossed = (0..10_000u32).map(|k| f64::from(k) * 0.01);
            let crossed = crossed.into_iter().find(|&t| charge * Response::TigerTime.at(t) >= level).unwrap();
            assert!((read.time_ns - 1050.25 - crossed).abs() < 0.1, "{} {crossed}", read.time_ns);
            // The charge is held 162.5 ns after the crossing, near the peak.
            let held = Response::TigerCharge.at(crossed + 162.5) / Response::TigerCharge.peak()[0];
            assert!((read.charge_fc - charge * held).abs() < 0.06, "{} {held}", read.charge_fc);
            assert!(held > 0.95);
        }
        let mut current = vec![0f32; 1000];
        current[100] = 0.5;
        assert_eq!(chip.read(&current, 0.0), None);
        current[100] = 500.0;
        assert!((chip.read(&current, 0.0).unwrap().charge_fc - 50.0).abs() < 1e-9);
    }

    /// Every other chip gives back a charge of 20 fC, those with samples as far as a sample hits the peak.
    #[test]
    fn every_chip_reads_a_charge() {
        for (chip, low) in [("apv25", 0.88), ("vmm3", 0.99), ("sampa", 0.5), ("ideal", 0.999)] {
            let front = front_end(chip, 0.0, 1.0);
            let mut current = vec![0f32; 2000];
            current[300] = 20.0;
            for start in [0.0, 7.0, 90.0] {
                let read = front.read(&current, start).unwrap();
                assert!(read.charge_fc > low * 20.0 && read.charge_fc < 20.2, "{chip}: {}", read.charge_fc);
            }
        }
    }

    /// A larger charge crosses earlier, without a word about it anywhere.
    #[test]
    fn time_walks() {
        let chip = front_end("tiger", 0.0, 1.0);
        let time = |charge: f32| {
            let mut current = vec![0f32; 400];
            current[20] = charge;
            chip.read(&current, 0.0).unwrap().time_ns
        };
        assert!(time(1.5) > time(5.0) + 2.0 && time(5.0) > time(30.0) + 2.0);
    }

    /// The output of noise alone has the noise charge.
    #[test]
    fn noise_is_as_large_as_said() {
        let chip = front_end("tiger", 1500.0, 5.0);
        let mut random = stream(1, Purpose::new("test"), 0);
        let mut scratch = Vec::new();
        let (mut sum, mut n) = (0.0, 0);
        for _ in 0..400 {
            let mut current = vec![0f32; 300];
            chip.add_noise(&mut current, &mut scratch, &mut random);
            for value in &chip.waveform(&current)[150..] {
                sum += f64::from(*value).powi(2);
                n += 1;
            }
        }
        let noise = (sum / f64::from(n)).sqrt() / ELECTRON_FC;
        assert!((noise / 1500.0 - 1.0).abs() < 0.05, "{noise}");
    }

    #[test]
    fn an_unknown_chip_is_refused() {
        let electronics = Electronics {
            chip: "lion".into(),
            capacitance_pf: 0.0,
            threshold_fc: None,
            noise_e: None,
            peaking_ns: None,
        };
        let said = FrontEnd::new(&electronics, 5.0).unwrap_err().to_string();
        assert!(said.contains("`lion`") && said.contains("tiger, apv25, vmm3, sampa, ideal"), "{said}");
    }
}
