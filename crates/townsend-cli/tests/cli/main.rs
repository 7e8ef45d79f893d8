//! The command as a user runs it: real processes, real files, real signals.

mod bad_configurations;
mod bad_files;
mod bench;
mod cascade;
mod checks;
mod clusters;
mod digitise;
mod export;
mod foreign;
mod full_disk;
mod help;
mod input;
mod interrupted;
mod machine;
mod manners;
mod onnx;
mod outputs;
mod pipeline;
mod readout;
mod recorded;
mod reproducible;
mod resolution;
mod simulate;
mod support;
mod warnings;
