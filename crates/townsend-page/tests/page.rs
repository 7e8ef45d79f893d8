//! `report.html` in a real browser, headless Chromium.

#[path = "../../townsend-check/tests/common/mod.rs"]
mod common;

use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use common::{avalanches, file};
use serde_json::Value;
use townsend_check::{Check, CheckOptions, Curve, Ranking, check};
use townsend_core::{InputFile, Silent, Work};
use townsend_observables::{ObservableOptions, Observables};
use townsend_page::{figures, inspection_page, overview_pdf, overview_svg, ranking_html, report_html};

/// A file name as bad as can be.
const HOSTILE: &str = "<script>console.error('injected')</script></script><!--&\"quoted\".npz";

/// Computed once, because its classifiers take most of the time.
static CHECKED: LazyLock<Check> = LazyLock::new(|| {
    let hostile = InputFile { file: HOSTILE.to_string(), ..file("") };
    let (real, generated) = (avalanches(150, 80.0, 0.3, 1), avalanches(150, 80.0, 0.33, 2));
    let mut check =
        check(&real, &generated, file("real.npz"), hostile, &CheckOptions::default(), Work::default())
            .unwrap();
    let curve = |number: &str, name: &str| {
        let points = vec![[1.0, 3.0], [2.0, 2.0]];
        Curve { number: number.to_owned(), name: name.to_owned(), points }
    };
    let of_dimensions = ["1", "2", "3", "4"].map(|name| curve("kl_per_dimension", name));
    check.curves =
        [curve("loss", "training"), curve("loss", "validation")].into_iter().chain(of_dimensions).collect();
    check
});

/// The first browser of these names.
fn chromium() -> &'static str {
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let found = names.into_iter().find(|name| Command::new(name).arg("--version").output().is_ok());
    found.expect("needs a headless browser: install chromium (Debian and Ubuntu: `apt-get install chromium`)")
}

/// Opens a page, runs `script` (the body of an asynchronous function) once it has loaded, and returns its
/// result, with the errors and warnings on the console and uncaught errors.
fn run(page: &str, script: &str, more: &[&str]) -> (Value, Vec<String>) {
    // Before anything else of the page, so that nothing is missed. WebGL reports how long it takes as a
    // warning.
    let listen = "<head><script>window.said=[];for(const n of ['error','warn']){console[n]=(...a)=>said.push(n+': '+a.join(' '))}\
                  addEventListener('error',e=>said.push('uncaught: '+e.message));\
                  addEventListener('unhandledrejection',e=>said.push('rejected: '+e.reason));</script>";
    let ask = format!(
        "<script type=module>const found=await (async()=>{{{script}}})().catch(e=>({{thrown:String(e&&e.stack)}}));\
         document.title=JSON.stringify([found,window.said]);</script></body>"
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("page.html");
    let (before, after) = page.rsplit_once("</body>").unwrap();
    let page = format!("{before}{ask}{after}").replacen("<head>", listen, 1);
    std::fs::write(&path, page).unwrap();
    let document = load(&path, &folder.path().join("profile"), more);
    let title =
        document.split("<title>").nth(1).unwrap_or_default().split("</title>").next().unwrap_or_default();
    let title = title.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
    let (found, said): (Value, Vec<String>) =
        serde_json::from_str(&title).unwrap_or_else(|error| panic!("{error}: the page says {title:?}"));
    assert!(found.get("thrown").is_none(), "{found}");
    (found, said)
}

/// The document after the browser has loaded it and its scripts have rested.
fn load(page: &Path, profile: &Path, more: &[&str]) -> String {
    let output = Command::new(chromium())
        .args(["--headless", "--no-sandbox", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        // WebGL without a graphics card.
        .args(["--use-angle=swiftshader", "--enable-unsafe-swiftshader"])
        .args(["--window-size=1200,900", "--virtual-time-budget=60000", "--dump-dom"])
        .args(more)
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn every_plot_is_drawn_and_says_what_it_is() {
    let check = &*CHECKED;
    let page = report_html(check).unwrap();
    let script = "await townsend.drawAll();
        const plots = [...document.querySelectorAll('.plot')];
        return {
          plots: plots.length,
          empty: plots.filter((p) => !(p._fullData ?? []).some((t) => (t.x?.length ?? 0) > 0 || (t.z?.length ?? 0) > 0)).map((p) => p.ariaLabel),
          undrawn: plots.filter((p) => p.querySelectorAll('.main-svg').length === 0 || p.getBoundingClientRect().height < 100).length,
          unlabelled: plots.filter((p) => !p.ariaLabel || p.getAttribute('role') !== 'img').length,
          tables: document.querySelectorAll('table').length,
          lights: document.querySelectorAll('.lights tbody .light').length,
          unnamed: [...document.querySelectorAll('button, input')].filter((b) => !(b.textContent || b.closest('label')?.textContent)).length,
          fetched: performance.getEntriesByType('resource').filter((r) => !r.name.startsWith('data:')).map((r) => r.name),
          language: document.documentElement.lang,
          wider: document.documentElement.scrollWidth - innerWidth,
          covered: plots.filter((p) => p.querySelector('.legend') && p.querySelector('.legend').getBoundingClientRect().bottom - p.getBoundingClientRect().top > p._fullLayout._size.t + 2).map((p) => p.ariaLabel),
          nameless: plots.map((p) => p._fullLayout.xaxis.title.text).filter((t) => /^[0-9]/.test(t ?? '')),
          legends: plots.filter((p) => p.querySelector('.legend')).length,
          maps: document.querySelectorAll('.maps svg[role=img][aria-label]').length,
        };";
    let (found, said) = run(&page, script, &[]);
    assert_eq!(said, [""; 0], "errors and warnings on the console");
    assert_eq!(found["empty"], serde_json::json!([]));
    assert_eq!(found["covered"], serde_json::json!([]), "legends lie above the frame");
    assert!(found["legends"].as_u64().unwrap() > 30, "{found}");
    assert_eq!(found["nameless"], serde_json::json!([]), "a size alone is no label of an axis");
    assert_eq!(found["fetched"], serde_json::json!([]), "nothing is asked of a network");
    for none in ["undrawn", "unlabelled", "unnamed", "wider"] {
        assert!(found[none].as_i64().unwrap() <= 0, "{none}: {found}");
    }
    // 21 distributions, 5 scales, 10 of strips, 3 correlations, 4 of classifiers, g(r), one condition, two of
    // training.
    assert_eq!(found["plots"], 47, "{found}");
    assert_eq!(
        found["lights"].as_u64().unwrap() as usize,
        check.report.verdict.as_ref().unwrap().judgements.len()
    );
    assert_eq!((&found["language"], &found["maps"]), (&"en".into(), &10.into()), "{found}");
}

/// The pixels of a scene change with the camera, which both scenes share, and 50 avalanches at once are still
/// drawn smoothly.
#[test]
fn the_avalanches_turn() {
    let page = report_html(&CHECKED).unwrap();
    let script = "const { scenes } = townsend;
        await townsend.begin();
        const eye = () => scenes._fullLayout.scene.camera.eye, other = () => scenes._fullLayout.scene2.camera.eye;
        const picture = async () => (await Plotly.toImage(scenes, { format: 'png', width: 500, height: 300 })).length;
        const rest = () => new Promise((done) => setTimeout(done, 500));
        const start = { ...eye() }, before = await picture();
        scenes.focus();
        scenes.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowLeft', bubbles: true, cancelable: true }));
        await rest();
        const turned = { ...eye() }, after = await picture();
        document.querySelector('[data-step=\"1\"]').click();
        await rest();
        const next = document.getElementById('shown').textContent, kept = { ...eye() };
        document.getElementById('all').click();
        await rest();
        const points = scenes._fullData.map((t) => t.x.length), clock = performance.now();
        for (let k = 0; k < 10; k++) await townsend.turn(scenes, 0.1, 0);
        return { start, turned, other: other(), final: eye(), kept, before, after, focused: document.activeElement === scenes, next, points,
                 frame: (performance.now() - clock) / 10, label: scenes.ariaLabel };";
    let (found, said) = run(&page, script, &[]);
    assert_eq!(said, [""; 0], "errors and warnings on the console");
    let number = |of: &str, axis: &str| found[of][axis].as_f64().unwrap();
    assert!((number("start", "x") - number("turned", "x")).abs() > 0.05, "the arrow key turned it: {found}");
    assert_ne!(found["before"], found["after"], "and what is seen is another picture");
    assert!((number("other", "x") - number("final", "x")).abs() < 1e-9, "both turn together: {found}");
    assert!(
        (number("turned", "x") - number("kept", "x")).abs() < 1e-9,
        "the next pair is seen from there: {found}"
    );
    assert_eq!(found["focused"], true);
    assert!(
        found["next"].as_str().unwrap().starts_with("pair ")
            && found["label"].as_str().unwrap().contains("arrow")
    );
    assert!(found["points"].as_array().unwrap().iter().all(|n| n.as_u64().unwrap() > 1_000), "{found}");
    // Drawn by the processor here; a graphics card is faster by far.
    assert!(found["frame"].as_f64().unwrap() < 2_000.0, "{found}");
}

#[test]
fn the_blind_test_keeps_its_score() {
    let page = report_html(&CHECKED).unwrap();
    let script = "const rest = () => new Promise((done) => setTimeout(done, 400));
        document.getElementById('start').click();
        await rest();
        const guesses = document.querySelectorAll('[data-guess]');
        guesses[0].click(); await rest();
        guesses[1].click(); await rest();
        const score = document.getElementById('score').textContent;
        const titles = document.getElementById('blind-scenes')._fullLayout.annotations.map((a) => a.text);
        const stored = Object.values(localStorage);
        document.getElementById('forget').click();
        return { score, titles, stored, after: document.getElementById('score').textContent };";
    let (found, said) = run(&page, script, &[]);
    assert_eq!(said, [""; 0]);
    assert!(found["score"].as_str().unwrap().contains(" of 2 right"), "{found}");
    assert_eq!(found["titles"], serde_json::json!(["first", "second"]), "nothing gives the answer away");
    assert!(found["stored"][0].as_str().unwrap().contains("\"of\":2"), "{found}");
    assert_eq!(found["after"], "");
}

#[test]
fn light_and_dark_and_a_phone() {
    let page = report_html(&CHECKED).unwrap();
    let script = "const ground = () => getComputedStyle(document.body).backgroundColor, plot = document.querySelector('.plot');
        await townsend.drawAll();
        const ink = () => plot._fullLayout.font.color;
        const first = [ground(), ink()];
        document.getElementById('theme').click();
        await new Promise((done) => setTimeout(done, 500));
        const wide = [...document.querySelectorAll('.wide, .plots')];
        return { first, second: [ground(), ink()], scrolled: wide.filter((w) => w.scrollWidth > w.clientWidth + 1).length, tables: wide.length,
                 unlabelled: [...document.querySelectorAll('tbody td')].filter((td) => td.textContent && !td.dataset.label && td.cellIndex > 0).length,
                 white: document.querySelectorAll('.maps svg [fill=\"#FFFFFF\" i]').length, wider: document.documentElement.scrollWidth - document.documentElement.clientWidth,
                 domains: ['scene', 'scene2'].map((name) => { const { x, y } = townsend.scenes._fullLayout[name].domain; return [x, y]; }) };";
    let (light, said) = run(&page, script, &[]);
    assert_eq!(said, [""; 0]);
    let (white, black) = (
        serde_json::json!(["rgb(255, 255, 255)", "#1b1f24"]),
        serde_json::json!(["rgb(20, 24, 29)", "#e6e9ed"]),
    );
    assert_eq!((&light["first"], &light["second"]), (&white, &black), "the button turns it dark");
    let (dark, _) = run(&page, script, &["--blink-settings=preferredColorScheme=0", "--window-size=500,900"]);
    assert_eq!((&dark["first"], &dark["second"]), (&black, &white), "who prefers dark gets dark");
    assert!(dark["wider"].as_i64().unwrap() <= 0, "{dark}");
    assert_eq!(
        (&dark["scrolled"], &dark["unlabelled"]),
        (&0.into(), &0.into()),
        "a phone need not scroll sideways: {dark}"
    );
    assert!(dark["tables"].as_u64().unwrap() > 5, "{dark}");
    assert_eq!(dark["white"], 0, "empty cells of a map show the page");
    // One scene above the other, each as wide as the page.
    assert_eq!(dark["domains"], serde_json::json!([[[0, 1], [0.52, 1]], [[0, 1], [0, 0.48]]]));
    assert_eq!(light["domains"], serde_json::json!([[[0, 0.49], [0, 1]], [[0.51, 1], [0, 1]]]));
}

#[test]
fn the_page_needs_nothing_else_and_escapes_what_it_is_given() {
    let mut check = CHECKED.clone();
    check.report.generated.warnings.push("arrays that are not read: <b>".to_string());
    let page = report_html(&check).unwrap();
    assert!(page.contains("&amp;&quot;quoted&quot;.npz: arrays that are not read: &lt;b&gt;</li>"));
    assert!(!page.contains("<script>console") && page.contains("&lt;script&gt;"));
    assert_eq!(
        page.matches("<script").count(),
        3,
        "data, library, drawing; the library has no tag of its own"
    );
    for outside in [" src=\"http", "<link rel=\"stylesheet", "@import url"] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.len() < 8_000_000, "{} bytes", page.len());
    for explained in
        ["The floor of a number is the same number between", "separation power</dt>", "undecided"]
    {
        assert!(page.contains(explained), "{explained}");
    }
    let figure = overview_svg(&check).unwrap();
    assert!(figure.starts_with("<svg width=\"") && figure.trim_end().ends_with("</svg>"));
    assert!(figure.len() < 400_000, "{} bytes", figure.len());
}

/// Figures for papers: every number as SVG and as PDF.
#[test]
fn figures_for_papers_are_svg_and_pdf() {
    let check = &*CHECKED;
    let figures = figures(check).unwrap();
    assert_eq!(figures.len(), 36);
    let names: Vec<&str> = figures.iter().map(|figure| figure.name.as_str()).collect();
    assert!(
        names.contains(&"rms_x") && names.contains(&"lumpiness_0.1_mm") && names.contains(&"strips_x_charge")
    );
    for figure in &figures {
        assert!(
            figure.svg.starts_with("<svg width=") && figure.svg.contains("gen. / real"),
            "{}",
            figure.name
        );
        assert!(figure.pdf.starts_with(b"%PDF-") && figure.pdf.len() < 100_000, "{}", figure.name);
    }
    let overview = overview_pdf(check).unwrap();
    assert!(overview.starts_with(b"%PDF-") && overview.len() < 2_000_000, "{} bytes", overview.len());
}

#[test]
fn one_set_has_a_page_too() {
    let data = avalanches(120, 80.0, 0.3, 1);
    let observed = Observables::of(&data, &ObservableOptions::default(), &Silent).unwrap();
    let facts = [("avalanches", "120".to_string())];
    let page = inspection_page(HOSTILE, &facts, &["a <b>".to_string()], &data, &observed, 1).unwrap();
    let script = "await townsend.drawAll();
        const plots = [...document.querySelectorAll('.plot')];
        return [plots.length, plots.filter((p) => p.querySelectorAll('.main-svg').length === 0).length,
                document.querySelectorAll('#scenes canvas').length > 0, document.querySelectorAll('tbody tr').length];";
    let (found, said) = run(&page, script, &[]);
    assert_eq!(said, [""; 0]);
    assert_eq!(found, serde_json::json!([21, 0, true, 21]));
}

/// Few avalanches: few bins, with errors.
#[test]
fn few_avalanches_have_wide_bins_with_errors() {
    let data = avalanches(28, 80.0, 0.3, 1);
    let observed = Observables::of(&data, &ObservableOptions::default(), &Silent).unwrap();
    let page = inspection_page("few", &[], &[], &data, &observed, 1).unwrap();
    let script = "await townsend.drawAll();
        return [...document.querySelectorAll('.plot')].map((p) => p._fullData.find((t) => t.error_y?.visible)).map((t) => [t?.x.length ?? 0, Math.max(...(t?.error_y.array ?? [0]))]);";
    let (found, said) = run(&page, script, &[]);
    assert_eq!(said, [""; 0]);
    let found = found.as_array().unwrap();
    assert_eq!(found.len(), 21);
    for of in found {
        assert!((1..=7).contains(&of[0].as_u64().unwrap()) && of[1].as_f64().unwrap() > 2.0, "{found:?}");
    }
}

/// Counts of two axes have no time, and none is made up.
#[test]
fn avalanches_of_two_axes_are_flat() {
    let grid = townsend_core::Grid::standard(2).unwrap();
    let counted = |seed| avalanches(120, 50.0, 0.3, seed).to_counts(&grid).unwrap().into();
    let options = CheckOptions { classifiers: false, ..CheckOptions::default() };
    let check = check(&counted(1), &counted(2), file("a"), file("b"), &options, Work::default()).unwrap();
    let page = report_html(&check).unwrap();
    let script = "await townsend.begin();
        document.getElementById('start').click();
        await new Promise((done) => setTimeout(done, 500));
        const layout = townsend.scenes._fullLayout, blind = document.getElementById('blind-scenes')._fullLayout;
        return [layout.scene === undefined, layout.xaxis.title.text, layout.yaxis2.title.text, townsend.scenes._fullData.map((t) => t.x.length > 0), blind.scene === undefined,
                document.getElementById('gallery-title').textContent];";
    let (found, said) = run(&page, script, &[]);
    assert_eq!(said, [""; 0]);
    let expected = serde_json::json!([true, "x [mm]", "z [mm]", [true, true], true, "Avalanches as points"]);
    assert_eq!(found, expected);
}

/// The legend of a figure stands above its frame, which begins 62 units from the top, and ends within it.
#[test]
fn legends_of_figures_stand_above_the_frame() {
    let figure = figures(&CHECKED).unwrap().into_iter().find(|figure| figure.name == "n_electrons").unwrap();
    let mut texts = 0;
    for text in figure.svg.split("<text ").skip(1) {
        let number = |name: &str| -> f64 {
            text.split(&format!("{name}=\"")).nth(1).unwrap().split('"').next().unwrap().parse().unwrap()
        };
        let said = text.split('>').nth(1).unwrap().split('<').next().unwrap().trim();
        if ["real", "generated"].contains(&said) || said.starts_with("outside") {
            texts += 1;
            // A letter of 38 units is about 20 wide.
            let width = 20.0 * said.chars().count() as f64;
            let end = if text.contains("text-anchor=\"end\"") { number("x") } else { number("x") + width };
            assert!(number("y") < 62.0 && end <= 880.0, "{said}: {text}");
        }
    }
    assert!(texts >= 2, "{}", figure.svg);
}

#[test]
fn a_ranking_puts_the_better_one_first() {
    let real = avalanches(200, 80.0, 0.3, 1);
    let of = |width, seed, name: &str| {
        let generated = avalanches(200, 80.0, width, seed);
        let options = CheckOptions { classifiers: false, ..CheckOptions::default() };
        let found =
            check(&real, &generated, file("real.npz"), file(name), &options, Work::default()).unwrap();
        (name.to_string(), found)
    };
    let all = [of(0.4, 2, "wide"), of(0.3, 3, "<same>")];
    let ranking = Ranking::of(&all.clone().map(|(name, check)| (name, check.report)));
    assert_eq!(
        ranking.generators.iter().map(|of| of.report.as_str()).collect::<Vec<_>>(),
        ["<same>", "wide"]
    );
    assert!(ranking.generators[1].lights[2] > 0 && ranking.generators[0].mean_auc.is_none());
    let json = ranking.to_json().unwrap();
    assert_eq!(serde_json::from_str::<Ranking>(&json).unwrap(), ranking);
    let floors = ranking.real_against_real.as_ref().unwrap();
    assert!(
        floors.mean_w1_over_sigma < ranking.generators[1].mean_w1_over_sigma && floors.coverage.is_some()
    );
    let page = ranking_html(&ranking, &all.map(|(name, check)| (name, check.histograms))).unwrap();
    let script = "await townsend.drawAll();
        return [[...document.querySelectorAll('.plot')].map((p) => p._fullData.map((t) => t.name.replace(/ [(].*/, '')).join()).filter((n) => n !== '<same>,wide,real'),
                document.querySelectorAll('.plot').length, document.querySelector('tbody tr:last-child th').textContent];";
    let (found, said) = run(&page, script, &[]);
    assert_eq!(said, [""; 0]);
    assert_eq!(found, serde_json::json!([[], 36, "real against real"]));
    assert!(!ranking_html(&ranking, &[]).unwrap().contains("data-group=\"ranked\""));
    assert!(page.contains("href=\"&lt;same&gt;/report.html\"") && !page.contains("<same>"));
    assert!(ranking.table().lines().nth(3).unwrap().starts_with("<same>"), "{}", ranking.table());
}

#[test]
fn threads_change_no_byte_of_page_and_figure() {
    let (real, generated) = (avalanches(150, 300.0, 0.3, 1), avalanches(150, 300.0, 0.3, 2));
    let options = CheckOptions { classifiers: false, ..CheckOptions::default() };
    let in_threads = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let check = check(&real, &generated, file("a"), file("b"), &options, Work::default()).unwrap();
            (report_html(&check).unwrap(), overview_svg(&check).unwrap())
        })
    };
    assert!(in_threads(1) == in_threads(3));
}

#[test]
fn one_axis_is_enough_for_a_page() {
    let grid = townsend_core::Grid::standard(1).unwrap();
    let counted = |seed| avalanches(120, 50.0, 0.3, seed).to_counts(&grid).unwrap().into();
    let options = CheckOptions { classifiers: false, ..CheckOptions::default() };
    let check = check(&counted(1), &counted(2), file("a"), file("b"), &options, Work::default()).unwrap();
    assert!(report_html(&check).unwrap().contains("rms_x"));
    assert!(overview_svg(&check).unwrap().contains("</svg>"));
}
