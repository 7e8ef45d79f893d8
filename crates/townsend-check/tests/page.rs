//! `report.html` in a real browser, headless Chromium.

mod common;

use std::path::Path;
use std::process::Command;

use common::{avalanches, file};
use townsend_check::{Check, CheckOptions, check};
use townsend_core::{InputFile, Silent};

/// A file name as bad as can be.
const HOSTILE: &str = "<script>console.error('injected')</script>&\"quoted\".npz";

fn checked() -> Check {
    let hostile = InputFile { file: HOSTILE.to_string(), ..file("") };
    let (real, generated) = (avalanches(150, 80.0, 0.3, 1), avalanches(150, 80.0, 0.33, 2));
    check(&real, &generated, file("real.npz"), hostile, &CheckOptions::default(), &Silent).unwrap()
}

/// The first browser of these names.
fn chromium() -> &'static str {
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let found = names.into_iter().find(|name| Command::new(name).arg("--version").output().is_ok());
    found.expect("needs a headless browser: install chromium (Debian and Ubuntu: `apt-get install chromium`)")
}

/// The document after the browser has loaded it, and what it wrote to its console.
fn load(page: &Path, profile: &Path) -> (String, String) {
    let output = Command::new(chromium())
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--enable-logging=stderr", "--v=0", "--virtual-time-budget=5000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (text(output.stdout), text(output.stderr))
}

#[test]
fn the_page_loads_in_a_browser_without_errors() {
    let check = checked();
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("report.html");
    // A script of the test's own counts what was drawn, and shows that the console is listened to.
    let count = "<script>console.log('shown: ' + [...document.querySelectorAll('figure svg')].filter(svg => \
                 svg.getBoundingClientRect().height > 50 && svg.querySelectorAll('path, polyline, line').length > 2)\
                 .length); console.log('tables: ' + document.querySelectorAll('table').length);</script></body>";
    std::fs::write(&page, check.write_html().unwrap().replace("</body>", count)).unwrap();
    let (document, log) = load(&page, &folder.path().join("profile"));
    let console: Vec<&str> = log.lines().filter(|line| line.contains("CONSOLE")).collect();
    // 21 distributions (all but `empty`), four maps and a colour bar a set.
    assert!(console.iter().any(|line| line.contains("shown: 31")), "{console:#?}\n{log}");
    assert!(console.iter().any(|line| line.contains("tables: 4")), "{console:#?}");
    assert_eq!(console.len(), 2, "nothing else may be on the console: {console:#?}");
    assert!(document.contains("sha256") && document.contains("rms_x"));
}

#[test]
fn the_page_needs_nothing_else_and_escapes_what_it_is_given() {
    let mut check = checked();
    check.report.generated.warnings.push("arrays that are not read: <b>".to_string());
    let page = check.write_html().unwrap();
    assert!(page.contains("&amp;&quot;quoted&quot;.npz: arrays that are not read: &lt;b&gt;</li>"));
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;"));
    for outside in ["src=", "http://", "https://", "@import", "url("] {
        // The name of the SVG format is not an address that is looked up.
        let page = page.replace("http://www.w3.org/2000/svg", "");
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
    let figure = check.overview_svg().unwrap();
    assert!(figure.starts_with("<svg width=\"") && figure.trim_end().ends_with("</svg>"));
    assert!(figure.len() < 400_000, "{} bytes", figure.len());
}
