//! Front-end chips: the output of their amplifiers, and their constants.

use std::f64::consts::E;

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

#[cfg(test)]
mod tests {
    use super::*;

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
}
