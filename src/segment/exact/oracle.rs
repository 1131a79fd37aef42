//! The lattice as MeCab's sources tell it, naively: lists of nodes, a map of surfaces. What the engine is tested against.
