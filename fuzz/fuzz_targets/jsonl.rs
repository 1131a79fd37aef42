//! Any bytes as a line of JSON, with the fields of a default plan and with paths into it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seimai::corpus::jsonl::parse;
use seimai::corpus::mapping::Mapping;
use seimai::corpus::{FieldOptions, Rest, Texts, fields};

fuzz_target!(|line: &[u8]| {
    let of_paths = FieldOptions {
        text: Some(Texts::Several(vec!["a.b".to_owned(), "text[1]".to_owned(), "a.c[0].d".to_owned()])),
        rest: Some(Rest::Meta),
        ..FieldOptions::default()
    };
    for options in [FieldOptions::default(), of_paths] {
        let Ok(mapping) = Mapping::new(&options) else { unreachable!("the paths are paths") };
        if let Ok(found) = parse(line, &mapping) {
            assert!(found.text.as_ref().is_some_and(|text| text.len() <= line.len() + 8));
            fields::meta(found.meta.as_deref(), found.rest.iter().map(|(name, json)| (&**name, &**json)));
        }
    }
});
