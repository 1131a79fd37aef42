//! keigo
