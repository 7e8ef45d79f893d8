//! The name under which programs look for the shared library.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux") {
        // The number is that of `townsend_abi_version`.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libtownsend.so.0");
    }
}
