//! townsend-io
