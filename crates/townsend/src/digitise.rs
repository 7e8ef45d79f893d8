//! Digits of hits in the drift gaps of a detector, in memory.

use rayon::prelude::*;
use serde::Serialize;
use townsend_readout::{Digit, Digitisation, Digitised, Digitiser, Hit, Ionise, Place, Told, Waveform};
use townsend_sim::Detector;

use crate::{Context, Error, Result};

/// Hits by their events.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Hits {
    /// The number of an event, below 2⁴⁰, and its hits; no number twice.
    pub events: Vec<(u64, Vec<Hit>)>,
}

/// How hits become digits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DigitiseOptions {
    /// How often each event is digitised, at most 2²⁴ times.
    pub repeat: u64,
    /// How hits free electrons.
    pub ionise: Ionise,
    /// Whether the signals of strips with digits are kept.
    pub waveforms: bool,
}

impl Default for DigitiseOptions {
    fn default() -> Self {
        Self { repeat: 1, ionise: Ionise::default(), waveforms: false }
    }
}

/// What became of hits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DigitSummary {
    /// Number of events.
    pub events: u64,
    /// How often each was digitised.
    pub repeat: u64,
    /// Hits of all events.
    pub hits: u64,
    /// Hits whose middle is in no drift gap.
    pub hits_outside: u64,
    /// Hits of no length, which free no clusters along it.
    pub hits_without_length: u64,
    /// Electrons freed in drift gaps, all repetitions together, as all that follows.
    pub primaries: u64,
    /// Electrons freed outside them.
    pub primaries_outside: u64,
    /// Electrons at the anode.
    pub electrons: f64,
    /// Those beside the strips.
    pub electrons_beside: f64,
    /// Those after the window of the electronics.
    pub electrons_late: f64,
    /// Digits.
    pub digits: u64,
    /// Of each view: of X strips and of V strips where there are two.
    pub views: Vec<DigitView>,
}

/// The digits of a view; means are 0 where there is nothing to take them of.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct DigitView {
    /// Digits.
    pub digits: u64,
    /// Mean number of digits of an event and layer with digits of this view.
    pub strips: f64,
    /// Their charge, fC.
    pub charge_fc: f64,
    /// Mean charge of a digit, fC.
    pub mean_charge_fc: f64,
    /// Mean time of a digit, ns.
    pub mean_time_ns: f64,
}

/// A digit, of which repetition of which event.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EventDigit {
    /// Number of the event.
    pub event: u64,
    /// Which time the event was digitised, from 0.
    pub repeat: u64,
    /// The digit.
    pub digit: Digit,
}

/// Events, each once, that are digitised in parallel before they are handed on.
const BLOCK: usize = 64;
/// Numbers of events, and repetitions, that share the 64 bits of the number of a random stream.
const MOST_EVENTS: u64 = 1 << 40;
const MOST_REPEATS: u64 = 1 << 24;

/// The digits of hits, by event, repetition, layer, sheet, view and strip: a function of the seed, the
/// event's number, the repetition and the event's hits.
///
/// # Errors
/// The detector has no `[digitisation]` table or a wrong one; a hit names a layer that it does not have, is
/// nowhere, or has a negative deposit.
///
/// ```
/// use townsend::{Context, DigitiseOptions, Hit, Hits, digitise};
///
/// let detector = townsend::detector(Some("cgem_it".as_ref()))?;
/// let crossing = Hit::between([79.0, 0.0, 10.0], [84.14, 0.0, 10.0]);
/// let hits = Hits { events: vec![(7, vec![crossing])] };
/// let options = DigitiseOptions { repeat: 3, ..DigitiseOptions::default() };
/// let (digits, summary) = digitise(&hits, &detector, &options, &Context::default())?;
/// assert!(summary.digits == digits.len() as u64 && digits.iter().all(|digit| digit.event == 7));
/// # Ok::<(), townsend::Error>(())
/// ```
pub fn digitise(
    hits: &Hits,
    detector: &Detector,
    options: &DigitiseOptions,
    context: &Context<'_>,
) -> Result<(Vec<EventDigit>, DigitSummary)> {
    let mut all = Vec::new();
    let summary = each_event(hits, detector, options, context, |digits, _| {
        all.extend_from_slice(digits);
        Ok(())
    })?;
    Ok((all, summary))
}

/// The layers of a detector, which know where strips are: [`Digit::place`].
///
/// # Errors
/// The detector has no `[digitisation]` table or a wrong one.
///
/// ```
/// let detector = townsend::detector(Some("cgem_it".as_ref()))?;
/// let layers = townsend::strip_places(&detector)?;
/// let strip = layers[0].strip(0, 0, 428).unwrap();
/// // X strips run along z, on a radius of 90.14 mm.
/// assert!((strip.centre_mm[0] - 90.14).abs() < 0.01 && strip.direction[2] > 0.999_999);
/// # Ok::<(), townsend::Error>(())
/// ```
pub fn strip_places(detector: &Detector) -> Result<Vec<Place>> {
    Ok(Place::all(detector, &Digitisation::of(detector)?))
}

/// Hands the digits of one event and repetition after the other to `take`, with their signals.
pub(crate) fn each_event(
    hits: &Hits,
    detector: &Detector,
    options: &DigitiseOptions,
    context: &Context<'_>,
    mut take: impl FnMut(&[EventDigit], &[Waveform]) -> Result<()>,
) -> Result<DigitSummary> {
    let mut digitiser = Digitiser::new(detector, options.ionise)?;
    if options.waveforms {
        digitiser = digitiser.with_waveforms();
    }
    check(hits, &digitiser, options)?;
    let rounds = hits.events.len() as u64 * options.repeat;
    let task = context.progress.task("digitising", rounds);
    let views = digitiser.places().iter().map(Place::views).max().unwrap_or(0);
    let mut sums = Sums { views: vec![ViewSums::default(); views], ..Sums::default() };
    let mut next = 0;
    while next < rounds {
        context.go_on()?;
        let block: Vec<u64> = (next..rounds.min(next + BLOCK as u64)).collect();
        next += block.len() as u64;
        let of = |round: &u64| (&hits.events[(round / options.repeat) as usize], round % options.repeat);
        let made: Vec<Digitised> = context.on_its_threads(|| {
            let one = |round: &u64| {
                let ((event, hits), repeat) = of(round);
                digitiser.event(context.seed, event * MOST_REPEATS + repeat, hits)
            };
            block.par_iter().map(one).collect()
        });
        for (round, Digitised { digits, waveforms, told }) in block.iter().zip(made) {
            let ((event, _), repeat) = of(round);
            let digits: Vec<_> =
                digits.into_iter().map(|digit| EventDigit { event: *event, repeat, digit }).collect();
            sums.add(&digits, told);
            take(&digits, &waveforms)?;
        }
        task.advance(block.len() as u64);
    }
    Ok(sums.summary(hits, options.repeat))
}

fn check(hits: &Hits, digitiser: &Digitiser, options: &DigitiseOptions) -> Result<()> {
    if !(1..=MOST_REPEATS).contains(&options.repeat) {
        return Err(Error::Usage(format!(
            "an event cannot be digitised {} times; choose from 1 to {MOST_REPEATS}",
            options.repeat
        )));
    }
    let layers: Vec<u32> = digitiser.places().iter().map(|place| place.layer).collect();
    for (event, hits) in &hits.events {
        if *event >= MOST_EVENTS {
            return Err(Error::Unsuited(format!(
                "event {event}: numbers of events must be below {MOST_EVENTS}"
            )));
        }
        for hit in hits {
            refuse_wrong(hit, &layers).map_err(Error::Unsuited)?;
        }
    }
    Ok(())
}

/// What is wrong with a hit, with its number and the remedy.
fn refuse_wrong(hit: &Hit, layers: &[u32]) -> std::result::Result<(), String> {
    let number = hit.number;
    // Beyond 100 m and a second, electrons would have no place left in their numbers.
    let places = hit.entry_mm.into_iter().chain(hit.exit_mm);
    if let Some(wrong) = places.into_iter().find(|value| !(-1e5..=1e5).contains(value)) {
        return Err(format!(
            "hit {number}: {wrong} mm is no place of a hit\n  hint: leave such rows out, or state the unit"
        ));
    }
    if !(-1e9..=1e9).contains(&hit.time_ns) {
        return Err(format!(
            "hit {number}: {} ns is no time of a hit\n  hint: leave such rows out, or state the unit",
            hit.time_ns
        ));
    }
    // An alpha particle leaves 5 MeV; 10 MeV free 400,000 electrons, and their avalanches fill the memory.
    if !(0.0..=1e4).contains(&hit.deposit_kev) {
        return Err(format!(
            "hit {number}: a deposit of {} keV; it must be from 0 to 10,000 keV\n  hint: leave such rows out, or state the unit",
            hit.deposit_kev
        ));
    }
    match hit.layer {
        Some(layer) if !layers.contains(&layer) => {
            let known: Vec<_> = layers.iter().map(u32::to_string).collect();
            Err(format!(
                "hit {number}: the detector has no layer {layer}; it has {}\n  hint: leave out the column of layers, and each hit belongs to the drift gap that it is in",
                known.join(", ")
            ))
        }
        _ => Ok(()),
    }
}

#[derive(Default)]
struct Sums {
    told: Told,
    digits: u64,
    views: Vec<ViewSums>,
}

#[derive(Default, Clone)]
struct ViewSums {
    digits: u64,
    layers: u64,
    charge_fc: f64,
    time_ns: f64,
}

impl Sums {
    fn add(&mut self, digits: &[EventDigit], told: Told) {
        self.told += told;
        self.digits += digits.len() as u64;
        let mut before = None;
        for EventDigit { digit, .. } in digits {
            let sums = &mut self.views[usize::from(digit.view)];
            // Digits are sorted by layer, sheet and view.
            let place = (digit.layer, digit.sheet, digit.view);
            sums.layers += u64::from(before.replace(place) != Some(place));
            sums.digits += 1;
            sums.charge_fc += f64::from(digit.charge_fc);
            sums.time_ns += f64::from(digit.time_ns);
        }
    }

    fn summary(&self, hits: &Hits, repeat: u64) -> DigitSummary {
        let told = &self.told;
        DigitSummary {
            events: hits.events.len() as u64,
            repeat,
            hits: hits.events.iter().map(|(_, hits)| hits.len() as u64).sum(),
            // Each repetition counts them again.
            hits_outside: told.hits_outside / repeat,
            hits_without_length: told.hits_without_length / repeat,
            primaries: told.primaries,
            primaries_outside: told.primaries_outside,
            electrons: told.electrons.round(),
            electrons_beside: told.beside.round(),
            electrons_late: told.late.round(),
            digits: self.digits,
            views: self
                .views
                .iter()
                .map(|view| {
                    let digits = view.digits.max(1) as f64;
                    DigitView {
                        digits: view.digits,
                        strips: view.digits as f64 / view.layers.max(1) as f64,
                        charge_fc: view.charge_fc,
                        mean_charge_fc: view.charge_fc / digits,
                        mean_time_ns: view.time_ns / digits,
                    }
                })
                .collect(),
        }
    }
}
