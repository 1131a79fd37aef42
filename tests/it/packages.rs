//! Manifests, templates and the release script speak of the same files. (What is packed: `python/tests/test_wheel.py`; a whole release:
//! `scripts/try_release.sh`.)

use crate::harness::repository;

fn read(name: &str) -> String {
    std::fs::read_to_string(repository().join(name)).unwrap()
}

fn manifest(name: &str) -> toml::Table {
    read(name).parse().unwrap()
}

#[test]
fn packages_are_called_what_installers_look_for() {
    let (program, python) = (manifest("Cargo.toml"), manifest("python/Cargo.toml"));
    assert_eq!(program["package"]["version"], python["package"]["version"], "one release, one version");
    let script = read("scripts/release.sh");
    assert!(script.contains("\nname=seimai-$version-$target\n") && script.contains("\"$made/$name.tar.gz\""));
    let binstall = &program["package"]["metadata"]["binstall"];
    let filled = |key: &str| {
        let mut text = binstall[key].as_str().unwrap().to_owned();
        for (word, value) in [
            ("name", "seimai"),
            ("version", "$version"),
            ("target", "$target"),
            ("archive-suffix", ".tar.gz"),
            ("bin", "seimai"),
            ("binary-ext", ""),
        ] {
            text = text.replace(&format!("{{ {word} }}"), value);
        }
        text
    };
    assert_eq!(binstall["pkg-fmt"].as_str(), Some("tgz"));
    assert_eq!(filled("pkg-url").rsplit('/').next(), Some("seimai-$version-$target.tar.gz"));
    assert_eq!(filled("bin-dir"), "seimai-$version-$target/seimai");
}

#[test]
fn the_debian_package_is_made_of_what_is_there() {
    let program = manifest("Cargo.toml");
    let deb = &program["package"]["metadata"]["deb"];
    let script = read("scripts/release.sh");
    let mut built = 0;
    for asset in deb["assets"].as_array().unwrap() {
        let source = asset[0].as_str().unwrap();
        if let Some(made) = source.strip_prefix("target/release/package/") {
            built += 1;
            // gzip gives `.gz` to what the script makes under the name without it.
            let name = made.trim_end_matches(".gz").trim_end_matches("/*").replace("man/man1/*", "man/man1");
            assert!(script.contains(&format!("$package/{name}")), "scripts/release.sh makes no {made}");
        } else if source != "target/release/seimai" {
            assert!(repository().join(source).is_file(), "{source}");
        }
    }
    assert!(built > 5, "{built}");
    // What the variant promises is what the script links for unless it is told otherwise.
    let depends = deb["variants"]["portable"]["depends"].as_str().unwrap();
    let linked = script.lines().find_map(|line| line.split("glibc=").nth(1)?.split(' ').next()).unwrap();
    assert_eq!(depends, format!("libc6 (>= {linked})"));
}
