//! What the strips of a detector record of avalanches, in memory.

use serde::Serialize;
use townsend_core::{Dataset, ElectronSet};
use townsend_sim::{Detector, StripHit, StripReadout};

use crate::{Context, Error, Result};

/// Events read in parallel before their hits are handed on.
const BLOCK: usize = 256;

/// What the strips recorded.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StripSummary {
    /// Number of events, those without hits included.
    pub events: u64,
    /// Events with at least one hit.
    pub events_with_hits: u64,
    /// Number of hits.
    pub hits: u64,
    /// Electrons at the anode.
    pub electrons: u64,
    /// Electrons that came down beside the strips.
    pub electrons_beside: u64,
    /// The X strips.
    pub x: ViewSummary,
    /// The V strips.
    pub v: ViewSummary,
}

/// What the strips of a view recorded; means are 0 where there is nothing to take them of.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct ViewSummary {
    /// Number of hits.
    pub hits: u64,
    /// Mean number of hits of an event with hits in this view.
    pub strips_per_event: f64,
    /// Mean charge of a hit, fC.
    pub mean_charge_fc: f64,
    /// Mean charge of an event with hits in this view, fC.
    pub mean_event_charge_fc: f64,
    /// Mean time of a hit, ns.
    pub mean_time_ns: f64,
}

/// The hits of strips under the electrons of every avalanche, by event, view and strip. Event numbers are
/// those of the avalanches: places in the set, from 0, or in a shard from the number of its first one.
///
/// # Errors
/// The detector says nothing of strips; the avalanches are counts, or not in mm and ns.
///
/// ```
/// use townsend::{Context, Setting, readout, simulate};
///
/// let detector = townsend::detector(None)?;
/// let avalanches = simulate(&detector, 1, 0..20, &Setting::default())?;
/// let (hits, summary) = readout(&avalanches, &detector, &Context::default())?;
/// assert_eq!(summary.hits, hits.len() as u64);
/// # Ok::<(), townsend::Error>(())
/// ```
pub fn readout(
    avalanches: &Dataset,
    detector: &Detector,
    context: &Context<'_>,
) -> Result<(Vec<StripHit>, StripSummary)> {
    let strips = StripReadout::new(detector)?;
    let mut all = Vec::new();
    let mut reader = StripReader::new(strips, first_of(avalanches));
    reader.read(electrons_of(avalanches)?, context, |hits| {
        all.extend(hits);
        Ok(())
    })?;
    Ok((all, reader.summary()))
}

/// The number of the first avalanche of a set.
pub(crate) fn first_of(avalanches: &Dataset) -> u64 {
    avalanches.meta().provenance.first.unwrap_or_default()
}

/// Reads one set of avalanches out after the other, and sums up what the strips recorded.
pub(crate) struct StripReader {
    strips: StripReadout,
    /// Number of the next event.
    next: u64,
    sums: Sums,
}

impl StripReader {
    /// Events are counted from `first`.
    pub(crate) fn new(strips: StripReadout, first: u64) -> Self {
        Self { strips, next: first, sums: Sums::default() }
    }

    /// Hands the hits of one event after the other to `each`.
    pub(crate) fn read(
        &mut self,
        electrons: &ElectronSet,
        context: &Context<'_>,
        mut each: impl FnMut(Vec<StripHit>) -> Result<()>,
    ) -> Result<()> {
        let task = context.progress.task("reading out", electrons.len() as u64);
        for first in (0..electrons.len()).step_by(BLOCK) {
            context.go_on()?;
            let places = first..(first + BLOCK).min(electrons.len());
            let events = places.len() as u64;
            let read =
                context.on_its_threads(|| self.strips.read_all(context.seed, electrons, places, self.next));
            for (hits, beside) in read {
                self.sums.add(&hits);
                self.sums.beside += beside;
                each(hits)?;
            }
            task.advance(events);
        }
        self.next += electrons.len() as u64;
        self.sums.events += electrons.len() as u64;
        self.sums.electrons += electrons.offsets().last().copied().unwrap_or_default();
        Ok(())
    }

    /// What the strips recorded of all of them.
    pub(crate) fn summary(&self) -> StripSummary {
        self.sums.summary()
    }
}

/// The electrons of a set that must hold them, in mm and ns.
pub(crate) fn electrons_of(avalanches: &Dataset) -> Result<&ElectronSet> {
    let Dataset::Electrons(electrons) = avalanches else {
        return Err(Error::Unsuited(
            "holds counts, and strips need the place and time of every electron\n  hint: give the electrons themselves, as the Monte Carlo or a model of electrons makes them".into(),
        ));
    };
    if electrons.meta.units != ["mm", "mm", "ns"] {
        return Err(Error::Unsuited(format!(
            "x, z and t are in {}; the readout needs mm, mm and ns\n  hint: scale the values and write these units",
            electrons.meta.units.join(", ")
        )));
    }
    Ok(electrons)
}

#[derive(Default)]
struct Sums {
    events: u64,
    electrons: u64,
    with_hits: u64,
    beside: u64,
    /// X and V.
    views: [ViewSums; 2],
}

#[derive(Default)]
struct ViewSums {
    hits: u64,
    events: u64,
    charge_fc: f64,
    time_ns: f64,
}

impl Sums {
    /// Adds an event.
    fn add(&mut self, hits: &[StripHit]) {
        self.with_hits += u64::from(!hits.is_empty());
        for (view, sums) in self.views.iter_mut().enumerate() {
            let before = sums.hits;
            for hit in hits.iter().filter(|hit| usize::from(hit.view) == view) {
                sums.hits += 1;
                sums.charge_fc += f64::from(hit.charge_fc);
                sums.time_ns += f64::from(hit.time_ns);
            }
            sums.events += u64::from(sums.hits > before);
        }
    }

    fn summary(&self) -> StripSummary {
        let [x, v] = self.views.each_ref().map(ViewSums::summary);
        StripSummary {
            events: self.events,
            events_with_hits: self.with_hits,
            hits: x.hits + v.hits,
            electrons: self.electrons,
            electrons_beside: self.beside,
            x,
            v,
        }
    }
}

impl ViewSums {
    fn summary(&self) -> ViewSummary {
        let (hits, events) = (self.hits.max(1) as f64, self.events.max(1) as f64);
        ViewSummary {
            hits: self.hits,
            strips_per_event: self.hits as f64 / events,
            mean_charge_fc: self.charge_fc / hits,
            mean_event_charge_fc: self.charge_fc / events,
            mean_time_ns: self.time_ns / hits,
        }
    }
}
