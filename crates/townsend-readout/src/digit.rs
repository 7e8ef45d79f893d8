//! What a chip says of the strips of an event.

use crate::geometry::{Place, StripPlace};

/// What a chip says of a strip.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Digit {
    /// The layer.
    pub layer: u32,
    /// The sheet in the layer.
    pub sheet: u32,
    /// 0 for X, 1 for V.
    pub view: u8,
    /// The strip in its view, from 0.
    pub strip: u32,
    /// Charge, fC.
    pub charge_fc: f32,
    /// Time, ns.
    pub time_ns: f32,
    /// Word of the ADC.
    pub adc: u32,
    /// Word of the TDC, from time 0.
    pub tdc: u32,
    /// The number of the hit whose avalanches brought most of the charge; [`Digit::NOISE`] for none.
    pub hit: u64,
    /// The track of that hit.
    pub track: Option<u64>,
}

impl Digit {
    /// In the place of a hit's number where noise alone made a digit: 2⁶³ − 1, which every format can hold.
    pub const NOISE: u64 = i64::MAX as u64;

    /// Where its strip or pad is, in the layers of its detector; `None` if they have no such one.
    pub fn place(&self, layers: &[Place]) -> Option<StripPlace> {
        let layer = layers.iter().find(|place| place.layer == self.layer)?;
        layer.strip(self.sheet, self.view, self.strip)
    }
}

/// The shaped signal of a strip that has a digit.
#[derive(Debug, Clone, PartialEq)]
pub struct Waveform {
    /// Which digit of the event.
    pub digit: usize,
    /// When the first bin ends, ns.
    pub first_ns: f64,
    /// Distance between values, ns.
    pub bin_ns: f64,
    /// Current into the amplifier, noise included, fC in each bin.
    pub current_fc: Vec<f32>,
    /// The output that is compared with the threshold, in fC of a charge that arrives at once.
    pub output_fc: Vec<f32>,
}

/// What an event's digits do not show.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Told {
    /// Hits whose middle is in no drift gap.
    pub hits_outside: u64,
    /// Hits of no length that were to free clusters along it.
    pub hits_without_length: u64,
    /// Electrons freed outside the drift gap of their layer.
    pub primaries_outside: u64,
    /// Electrons freed in drift gaps.
    pub primaries: u64,
    /// Electrons at the anode, those beside the strips included.
    pub electrons: f64,
    /// Electrons that come down beside the strips.
    pub beside: f64,
    /// Electrons that come after the window.
    pub late: f64,
}

impl std::ops::AddAssign for Told {
    fn add_assign(&mut self, other: Self) {
        self.hits_outside += other.hits_outside;
        self.hits_without_length += other.hits_without_length;
        self.primaries_outside += other.primaries_outside;
        self.primaries += other.primaries;
        self.electrons += other.electrons;
        self.beside += other.beside;
        self.late += other.late;
    }
}

/// The digits of an event.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Digitised {
    /// By layer, sheet, view and strip.
    pub digits: Vec<Digit>,
    /// Their signals, if they were asked for.
    pub waveforms: Vec<Waveform>,
    /// What digits do not show.
    pub told: Told,
}
