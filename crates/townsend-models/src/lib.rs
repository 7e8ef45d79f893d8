//! townsend-models
