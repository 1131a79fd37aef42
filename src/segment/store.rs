//! Where built dictionaries live, and what the `dictionary` commands do: install, locate, list, verify, archive.
//!
//! One directory per build, `<name>-<version>-<first 12 hex digits of the fingerprint>`, written under a temporary name
//! and renamed into place. Nothing here runs a program or opens a socket.
pub mod export;
pub mod import;
pub mod install;
pub mod list;
pub mod mecab_dir;
pub mod open;
pub mod package;
pub mod scratch;
pub mod search;

pub use self::export::write_archive;
pub use self::import::import;
pub use self::install::install;
pub use self::list::{Listed, list};
pub use self::mecab_dir::{MecabDictionary, read_dir};
pub use self::open::{open, open_with};
pub use self::package::{build_locked, check_package, find_package, install_locked, locked_identity};
pub use self::scratch::Scratch;
pub use self::search::{Place, VARIABLE, locate, locate_in, place, search_path, store_dir};
