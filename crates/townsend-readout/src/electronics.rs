//! A chip made ready for a detector: what it makes of the current of a strip.

use rand_distr::{Distribution, Exp1, StandardNormal};
use townsend_core::{Stream, fill_normal};
use townsend_kernels::vectorised;
use townsend_sim::SimError;

use crate::cells::{TOGETHER, pad};
use crate::chips::{Chip, ELECTRON_FC, Method, Response};
use crate::description::Electronics;
use crate::shaping::{ChargeTable, Shaping};

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
    /// Equivalent noise charge, electrons.
    noise_e: f64,
    /// Spread of the noise charge of one bin for one electron of noise, fC.
    noise_fc_per_e: f64,
    dead_time_ns: Option<f64>,
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
        let crosses = matches!(chip.method, Method::Hold(_) | Method::Peak);
        for (key, asked) in
            [("dead_time_ns", electronics.dead_time_ns.is_some()), ("noise_hits", electronics.noise_hits)]
        {
            if asked && !crosses {
                return Err(SimError::Range {
                    key: format!("digitisation.electronics.{key}"),
                    value: "this key".into(),
                    allowed: format!(
                        "left out: {} has no discriminator that starts its reading; tiger and vmm3 have",
                        chip.name
                    ),
                });
            }
        }
        let own = if chip.threshold_fc > 0.0 { chip.threshold_fc } else { (5.0 * noise_fc).max(1e-3) };
        Ok(Self {
            chip,
            bin_ns,
            charge: ChargeTable::new(chip.charge, bin_ns),
            threshold_fc: electronics.threshold_fc.unwrap_or(own),
            noise_e,
            noise_fc_per_e: ELECTRON_FC / time.iter().map(|h| h * h).sum::<f64>().sqrt(),
            dead_time_ns: electronics.dead_time_ns,
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

    /// The chip's equivalent noise charge, electrons.
    pub fn noise_e(&self) -> f64 {
        self.noise_e
    }

    /// Adds noise to a current (fC in each bin): white, so that the output of the time branch has this
    /// equivalent noise charge, electrons.
    pub fn add_noise(&self, noise_e: f64, current: &mut [f32], scratch: &mut Vec<f32>, random: &mut Stream) {
        if noise_e <= 0.0 {
            return;
        }
        scratch.resize(current.len(), 0.0);
        fill_normal(random, scratch);
        let noise = (noise_e * self.noise_fc_per_e) as f32;
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
        self.readings(current, start_ns, self.threshold_fc).into_iter().next()
    }

    /// All that the chip says of a current that begins at `start_ns`, with a threshold of this channel's own,
    /// fC: one reading at most, or with a dead time one for each crossing of the threshold after it.
    pub fn readings(&self, current: &[f32], start_ns: f64, threshold_fc: f64) -> Vec<Reading> {
        if let Method::Samples(every, most) = self.chip.method {
            let sampled = self.sampled(current, start_ns, threshold_fc, every, most);
            return sampled.map(|(charge, time)| self.words(charge, start_ns + time)).into_iter().collect();
        }
        let output = self.waveform(current);
        let charge = |crossing: f64| match self.chip.method {
            Method::Hold(delay) => self.charge.at(current, crossing + delay),
            Method::Peak => {
                let first = (crossing / self.bin_ns) as usize;
                let last = first + (1.5 * self.chip.charge.peak()[1] / self.bin_ns) as usize + 20;
                let after = output[first..].iter().take(last - first + 1);
                after.copied().fold(0.0, f32::max).into()
            }
            Method::Sum | Method::Samples(..) => output.last().copied().unwrap_or(0.0).into(),
        };
        let crossings = self.crossings(&output, threshold_fc).into_iter();
        crossings.map(|crossing| self.words(charge(crossing), start_ns + crossing)).collect()
    }

    /// A charge and a time in words.
    fn words(&self, charge_fc: f64, time_ns: f64) -> Reading {
        let adc = (charge_fc.clamp(0.0, self.chip.saturation_fc) / self.chip.adc_fc).round();
        let tdc = (time_ns / self.chip.tdc_ns).floor();
        Reading {
            charge_fc: adc * self.chip.adc_fc,
            time_ns: (tdc + 0.5) * self.chip.tdc_ns,
            adc: adc as u32,
            tdc: tdc as u32,
        }
    }

    /// When the output of the time branch crosses the threshold, ns after the beginning: the first time, or
    /// with a dead time all that come after it.
    fn crossings(&self, output: &[f32], threshold_fc: f64) -> Vec<f64> {
        let (mut found, mut before, mut ready) = (Vec::new(), 0.0, 0.0);
        for (bin, &now) in output.iter().enumerate() {
            let now = f64::from(now);
            if before < threshold_fc && now >= threshold_fc {
                let part = (threshold_fc - before) / (now - before);
                let time = (bin as f64 + part) * self.bin_ns;
                if time >= ready {
                    found.push(time);
                    match self.dead_time_ns {
                        Some(dead) => ready = time + dead,
                        None => break,
                    }
                }
            }
            before = now;
        }
        found
    }

    /// How often noise alone crosses a threshold upwards, in 1/ns: Rice's formula for Gaussian noise,
    /// `√(−R''(0)/R(0))/2π · exp(−threshold²/2σ²)`, with the autocorrelation R of the time branch, which
    /// white noise before it gives. 0 without noise.
    pub fn noise_rate_per_ns(&self, threshold_fc: f64, noise_e: f64) -> f64 {
        if noise_e <= 0.0 {
            return 0.0;
        }
        let square = |of: &mut dyn Iterator<Item = f64>| of.map(|h| h * h).sum::<f64>();
        let all = square(&mut self.time.iter().map(|&h| f64::from(h)));
        let zero = [0.0f32];
        let before = zero.iter().chain(&self.time);
        let slopes = square(&mut self.time.iter().zip(before).map(|(h, b)| f64::from(h - b) / self.bin_ns));
        let level = threshold_fc / (noise_e * ELECTRON_FC);
        (slopes / all).sqrt() / std::f64::consts::TAU * (-0.5 * level * level).exp()
    }

    /// What the chip says of noise that crosses the threshold at a time. A charge that is held later is
    /// normal, given that the time branch is at the threshold and rises; the peak after the crossing of a
    /// high threshold T is above it by an exponentially distributed part with mean σ²/T.
    pub fn noise_reading(
        &self,
        threshold_fc: f64,
        noise_e: f64,
        time_ns: f64,
        random: &mut Stream,
    ) -> Reading {
        let sigma = noise_e * ELECTRON_FC;
        let charge = if let Method::Hold(delay) = self.chip.method {
            let peak = self.chip.charge.peak()[0];
            let charge_at = |t: f64| self.chip.charge.at(t) / peak;
            let middle = |k: usize| (k as f64 + 0.5) * self.bin_ns;
            // What the noise of a bin before the crossing adds to the time branch, its slope, and the
            // charge; that of bins after it adds to the charge alone.
            let [mut level, mut slope, mut on_level, mut on_slope, mut all] = [0.0; 5];
            let mut before = 0.0;
            for (k, &h) in self.time.iter().enumerate() {
                let (h, late) = (f64::from(h), charge_at(middle(k) + delay));
                level += h * h;
                slope += (h - before).powi(2);
                on_level += h * late;
                on_slope += (h - before) * late;
                all += late * late;
                before = h;
            }
            let later = (0..(delay / self.bin_ns) as usize).map(|k| charge_at(middle(k)).powi(2));
            all += later.sum::<f64>();
            let bin_fc = noise_e * self.noise_fc_per_e;
            let [rising, normal]: [f64; 2] = [Exp1.sample(random), StandardNormal.sample(random)];
            // Slopes at crossings upwards have Rayleigh's distribution.
            let rising = (2.0 * rising).sqrt() * bin_fc * on_slope / slope.sqrt();
            let rest = (all - on_level.powi(2) / level - on_slope.powi(2) / slope).max(0.0).sqrt();
            on_level / level * threshold_fc + rising + rest * bin_fc * normal
        } else {
            let excess: f64 = Exp1.sample(random);
            threshold_fc + sigma * sigma / threshold_fc * excess
        };
        self.words(charge, time_ns)
    }

    /// Largest sample and when half of it is reached, ns after the beginning.
    fn sampled(
        &self,
        current: &[f32],
        start_ns: f64,
        threshold_fc: f64,
        every: f64,
        most: usize,
    ) -> Option<(f64, f64)> {
        // The clock runs on through all events: samples are at multiples of its period.
        let first = (start_ns / every).ceil() * every - start_ns;
        let samples: Vec<f64> =
            (0..most).map(|k| self.charge.at(current, first + k as f64 * every)).collect();
        let (at, &largest) = samples.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
        if largest < threshold_fc {
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

    fn electronics(chip: &str) -> Electronics {
        Electronics {
            chip: chip.into(),
            capacitance_pf: 100.0,
            threshold_fc: None,
            noise_e: None,
            peaking_ns: None,
            crosstalk: [0.0; 2],
            dead_time_ns: None,
            noise_hits: false,
        }
    }

    fn front_end(chip: &str, noise_e: f64, bin_ns: f64) -> FrontEnd {
        FrontEnd::new(&Electronics { noise_e: Some(noise_e), ..electronics(chip) }, bin_ns).unwrap()
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
            chip.add_noise(1500.0, &mut current, &mut scratch, &mut random);
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
        let electronics = electronics("lion");
        let said = FrontEnd::new(&electronics, 5.0).unwrap_err().to_string();
        assert!(said.contains("`lion`") && said.contains("tiger, apv25, vmm3, sampa, ideal"), "{said}");
    }

    /// A second charge gives a second digit, if it comes after the dead time, and its output has fallen below
    /// the threshold before.
    #[test]
    fn a_strip_may_give_several_digits() {
        let of = |dead: Option<f64>, second: usize| {
            let electronics = Electronics { noise_e: Some(0.0), dead_time_ns: dead, ..electronics("vmm3") };
            let chip = FrontEnd::new(&electronics, 1.0).unwrap();
            let mut current = vec![0f32; 3000];
            (current[100], current[second]) = (20.0, 10.0);
            chip.readings(&current, 0.0, chip.threshold_fc())
        };
        assert_eq!(of(None, 1100).len(), 1);
        assert_eq!(of(Some(1500.0), 1100).len(), 1);
        let both = of(Some(300.0), 1100);
        assert_eq!(both.len(), 2);
        assert!((both[1].charge_fc - 10.0).abs() < 0.2, "{both:?}");
        // The second crosses later after its charge than the first, which is larger.
        let apart = both[1].time_ns - both[0].time_ns;
        assert!((1000.0..1010.0).contains(&apart), "{apart}");
        assert_eq!(of(Some(0.0), 110).len(), 1, "one pulse on top of another");
        let samples = Electronics { dead_time_ns: Some(1.0), ..electronics("apv25") };
        let said = FrontEnd::new(&samples, 5.0).unwrap_err().to_string();
        assert!(said.contains("dead_time_ns") && said.contains("tiger and vmm3"), "{said}");
    }

    /// Noise crosses as often as Rice's formula says: of CR-RC at level 0 by 1/2πτ, and of any chip as often
    /// as noise that is made.
    #[test]
    fn noise_crosses_as_often_as_rice_says() {
        let apv = front_end("apv25", 1000.0, 0.5);
        let expected = 1.0 / (std::f64::consts::TAU * 50.0);
        assert!((apv.noise_rate_per_ns(0.0, 1000.0) / expected - 1.0).abs() < 0.02);
        assert!(apv.noise_rate_per_ns(1.0, 0.0) <= 0.0);
        for name in ["tiger", "vmm3"] {
            let chip = FrontEnd::new(
                &Electronics { noise_e: Some(1500.0), dead_time_ns: Some(0.0), ..electronics(name) },
                2.0,
            )
            .unwrap();
            let threshold = 2.0 * 1500.0 * ELECTRON_FC;
            let (mut charge, mut found, mut length) = (0.0, 0, 0.0);
            let mut random = stream(2, Purpose::new("test"), 0);
            let mut scratch = Vec::new();
            for _ in 0..40 {
                let mut current = vec![0f32; 5000];
                chip.add_noise(1500.0, &mut current, &mut scratch, &mut random);
                // The output is at rest in the beginning, and what is held is cut at the end.
                let inside = |read: &Reading| (1000.0..9500.0).contains(&read.time_ns);
                let read: Vec<_> =
                    chip.readings(&current, 0.0, threshold).into_iter().filter(inside).collect();
                found += read.len();
                charge += read.iter().map(|read| read.charge_fc).sum::<f64>();
                length += 8500.0;
            }
            let expected = chip.noise_rate_per_ns(threshold, 1500.0) * length;
            let error = (found as f64).sqrt();
            assert!(
                (found as f64 - expected).abs() < 4.0 * error + 0.05 * expected,
                "{name}: {found} {expected}"
            );
            let drawn = (0..2000).map(|_| chip.noise_reading(threshold, 1500.0, 0.0, &mut random).charge_fc);
            let (drawn, made) = (drawn.sum::<f64>() / 2000.0, charge / found as f64);
            // Two thresholds of noise are not many, so that peaks above them are not quite exponential.
            assert!((drawn / made - 1.0).abs() < 0.15, "{name}: {drawn} {made}");
        }
    }
}
