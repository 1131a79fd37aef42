//! The store of built dictionaries, and what the `dictionary` commands do with it: find, list, open, install, import, archive.
//!
//! Each build has a directory, `<name>-<version>-<first 12 hex digits of the fingerprint>`. It is written under a temporary name and
//! then renamed. Nothing here runs a program or opens a socket.
pub(crate) mod export;
pub(crate) mod import;
pub(crate) mod install;
pub(crate) mod list;
pub(crate) mod mecab_dir;
pub(crate) mod note;
pub(crate) mod open;
pub(crate) mod package;
pub(crate) mod scratch;
pub(crate) mod search;

pub use self::export::write_archive;
pub use self::import::import;
pub use self::install::install;
pub use self::list::{Listed, list};
pub use self::mecab_dir::{MecabDictionary, read_dir};
pub use self::note::Check;
pub use self::open::{open, open_with};
pub use self::package::{build_locked, check_package, find_package, install_locked, locked_identity};
pub use self::scratch::scratch;
pub use self::search::{Location, VARIABLE, find, locate, locate_in, search_path, store_dir};
